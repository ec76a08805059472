#include "document/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "document/expression.h"
#include "graph/sizes.h"

namespace loom {
namespace {

constexpr int kMaxHops = 1000;  // from name to name, until a node is reached

Reference wrong(Reference reference) {
  reference.reported = true;
  return reference;
}

std::string mark_of(std::size_t number) { return fmt::format("{}{}:", kScopeMark, number); }

}  // namespace

Names::Names(std::string file, std::string directory) {
  scopes_.push_back(std::make_unique<Scope>());
  top()->mark = mark_of(0);
  top()->file = std::move(file);
  top()->directory = std::move(directory);
}

Scope* Names::inside(const Scope& outer, const std::string& name, const std::string& path) {
  Scope& scope = *scopes_.emplace_back(std::make_unique<Scope>());
  scope.mark = mark_of(scopes_.size() - 1);
  scope.prefix = outer.prefix + name + "/";
  scope.file = path;
  scope.directory = std::filesystem::path(path).parent_path().string();
  scope.outer = &outer;
  scope.files = outer.files;
  scope.files.push_back(path);
  return &scope;
}

const Scope* Names::marked(std::string& name) const {
  const std::size_t colon = name.find(':');
  if (!name.starts_with(kScopeMark) || colon == std::string::npos) return nullptr;
  std::size_t number = scopes_.size();
  std::from_chars(name.data() + 1, name.data() + colon, number);
  if (number >= scopes_.size()) return nullptr;
  name.erase(0, colon + 1);
  return scopes_[number].get();
}

void Names::add_repeat(const std::string& path, std::string last, const Scope* scope) {
  aliases_[path] = {true, {BlockOutput{"", std::move(last), {}, false}}, scope, false};
}

void Names::add_block(const std::string& path, std::vector<BlockOutput> outputs, const Scope* scope) {
  aliases_[path] = {false, std::move(outputs), scope, false};
}

void Names::add_graph(const std::string& path, const Scope* scope) { aliases_[path] = {false, {}, scope, true}; }

void Names::add_connected(const std::string& name, const Scope* scope) {
  const std::string& source = scope->inputs.at(name);
  if (!source.empty()) add_repeat(scope->prefix + name, source, scope->outer);
}

Reference Names::no_output(const Reference& reference, const Alias& alias, Diagnostics& diagnostics) const {
  if (!alias.graph) return wrong(reference);  // a block with outputs that were reported
  Diagnostic& finding =
      diagnostics.add(ErrorCode::unknown_port, reference.where,
                      fmt::format("'{}' is a whole graph, which has no output of its own", reference.node));
  finding.got = reference.port.empty() ? reference.node : reference.node + "." + reference.port;
  finding.expected = "one of its nodes";
  if (!alias.scope->names.empty()) finding.expected += ", as in " + alias.scope->prefix + *alias.scope->names.begin();
  std::vector<std::string> names;
  for (const std::string& name : alias.scope->names) names.push_back(name);
  const std::string nearest = nearest_name(reference.port, names);
  if (!nearest.empty()) finding.suggestion = alias.scope->prefix + nearest;
  return wrong(reference);
}

void Names::check_outputs(const std::set<std::string>& paths, Diagnostics& diagnostics) {
  for (auto& [path, alias] : aliases_) {
    if (alias.repeat) continue;
    for (BlockOutput& output : alias.outputs) {
      Diagnostics inner;  // the block that a reference leads to reports a wrong reference inside it
      const Reference reference = resolve(output.target, output.where, alias.scope, inner);
      if (reference.reported || paths.count(reference.node) > 0) continue;
      output.wrong = true;
      Diagnostic& finding = diagnostics.add(
          ErrorCode::dangling_input, output.where,
          fmt::format("the block's output '{}' does not name a node: there is no '{}'", output.name, output.target));
      finding.expected = "a node of the block, or node.port";
      std::vector<std::string> names;
      const std::string& prefix = alias.scope->prefix;
      for (auto it = paths.lower_bound(prefix); it != paths.end() && it->starts_with(prefix); ++it)
        names.push_back(it->substr(prefix.size()));
      finding.suggestion = nearest_name(output.target, names);
    }
  }
}

Reference Names::resolve(const std::string& text, const Location& where, const Scope* scope, Diagnostics& diagnostics,
                         int depth) const {
  const std::size_t dot = text.rfind('.');
  Reference reference{text.substr(0, dot), dot == std::string::npos ? "" : text.substr(dot + 1), where};
  if (depth > kMaxHops) return reference;
  if (const auto it = scope->inputs.find(reference.node); it != scope->inputs.end() && scope->outer != nullptr) {
    if (it->second.empty()) return wrong(reference);
    // "c.mu" inside the block, where c is bound to q, is q.mu
    const std::string port = reference.port.empty() ? "" : "." + reference.port;
    if (!port.empty() && it->second.find('.') != std::string::npos) {
      Diagnostic& finding = diagnostics.add(ErrorCode::unknown_port, where,
                                            fmt::format("the block's input '{}' is bound to one port", reference.node));
      finding.got = text + ", where " + reference.node + " is " + it->second;
      finding.expected = reference.node;
      return wrong(reference);
    }
    return resolve(it->second + port, where, scope->outer, diagnostics, depth + 1);
  }
  reference.node = scope->prefix + reference.node;
  const auto found = aliases_.find(reference.node);
  if (found == aliases_.end()) return reference;
  const Alias& alias = found->second;
  if (alias.repeat) {
    const std::string port = reference.port.empty() ? "" : "." + reference.port;
    return resolve(alias.outputs.front().target + port, where, alias.scope, diagnostics, depth + 1);
  }
  if (alias.outputs.empty()) return no_output(reference, alias, diagnostics);
  for (const BlockOutput& output : alias.outputs) {
    if (!reference.port.empty() && output.name != reference.port) continue;
    return output.wrong ? wrong(reference) : resolve(output.target, where, alias.scope, diagnostics, depth + 1);
  }
  Diagnostic& finding = diagnostics.add(
      ErrorCode::unknown_port, where, fmt::format("the block '{}' has no output '{}'", reference.node, reference.port));
  std::vector<std::string> names;
  for (const BlockOutput& output : alias.outputs) names.push_back(output.name);
  for (const std::string& name : names) finding.expected += (finding.expected.empty() ? "one of " : ", ") + name;
  finding.suggestion = nearest_name(reference.port, names);
  finding.other = alias.outputs.front().where;
  finding.other_role = "the block's outputs";
  return wrong(reference);
}

void Names::resolve_sizes(NodeEntry& entry, const Scope* scope, Diagnostics& diagnostics) const {
  rename_sizes(entry, [&](const Reference& port) {
    std::string name = port.text();
    const Scope* own = marked(name);
    const Reference found = resolve(name, port.where, own != nullptr ? own : scope, diagnostics);
    return found.reported ? "" : found.text();
  });
}

}  // namespace loom

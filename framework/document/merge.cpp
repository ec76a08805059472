#include "document/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "document/file_keys.h"
#include "document/formula_loss.h"
#include "document/plugins.h"
#include "document/shipped_graphs.h"

namespace loom {
namespace {

namespace fs = std::filesystem;

// A null that removes nothing is a misspelt name.
void check_removals(const Value& parent, const Value& child, const std::string& parent_file, Diagnostics& diagnostics) {
  for (const char* section : {"vars", "nodes", "losses", "objectives", "generate", "metrics"}) {
    const Value* mine = child.find(section);
    const Value* theirs = parent.find(section);
    for (const Member& member : mine != nullptr ? mine->members : std::vector<Member>()) {
      if (!member.value.is_null() || (theirs != nullptr && theirs->find(member.key) != nullptr)) continue;
      Diagnostic& finding =
          diagnostics.add(ErrorCode::unknown_key, member.where,
                          fmt::format("null removes, but the parent's {} have no '{}'", section, member.key));
      std::vector<std::string> names;
      for (const Member& other : theirs != nullptr ? theirs->members : std::vector<Member>())
        names.push_back(other.key);
      for (const std::string& name : names) finding.expected += (finding.expected.empty() ? "one of " : ", ") + name;
      finding.suggestion = nearest_name(member.key, names);
      finding.other = theirs != nullptr ? theirs->where : Location{parent_file, 0, 0};
      finding.other_role = "the parent's";
    }
  }
}

Value merge_chain(Value root, const std::string& file, const std::string& directory, std::vector<std::string> chain,
                  std::set<std::string>& files, Diagnostics& diagnostics) {
  if (root.is_map()) check_version(root, diagnostics);
  expand_formula_losses(root, diagnostics);
  const Value* extends = root.is_map() ? root.find("extends") : nullptr;
  if (extends == nullptr || extends->is_null()) return root;
  if (extends->kind != Value::Kind::scalar) {
    wrong_type(*extends, "extends", "the path of a document", diagnostics);
    return root;
  }
  const std::string path = (fs::path(directory) / graph_file(extends->scalar, directory)).lexically_normal().string();
  chain.push_back(fs::path(file).lexically_normal().string());
  if (std::find(chain.begin(), chain.end(), path) != chain.end()) {
    Diagnostic& finding =
        diagnostics.add(ErrorCode::extends_cycle, extends->where, "the documents extend each other in a cycle");
    for (const std::string& name : chain) finding.got += fs::path(name).filename().string() + " -> ";
    finding.got += fs::path(path).filename().string();
    finding.expected = "a chain that ends at a document without extends";
    return root;
  }
  if (static_cast<int>(chain.size()) > kMaxDepth) {
    diagnostics.add(ErrorCode::document_too_deep, extends->where, "too many documents extend each other").expected =
        fmt::format("at most {}", kMaxDepth);
    return root;
  }
  Value parent = parse_yaml_file(path, extends->where, diagnostics);
  files.insert(path);
  if (!parent.is_map()) return root;
  const Location where = root.where;
  parent = merge_chain(std::move(parent), path, fs::path(path).parent_path().string(), chain, files, diagnostics);
  // That of the parent is still there where its own parent cannot be read.
  std::erase_if(root.members, [](const Member& m) { return m.key == "extends"; });
  check_removals(parent, root, path, diagnostics);
  merge_plugins(parent, root);
  merge_value(parent, root);
  parent.where = where;
  return parent;
}

std::vector<std::string> split_path(const std::string& path) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  while (true) {
    const std::size_t dot = path.find('.', start);
    parts.push_back(path.substr(start, dot - start));
    if (dot == std::string::npos) return parts;
    start = dot + 1;
  }
}

std::vector<std::string> keys_of(const Value& value) {
  std::vector<std::string> keys;
  for (const Member& member : value.members) keys.push_back(member.key);
  return keys;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

void bad_override(const Override& override_, const Value& at, const std::string& part, const std::string& why,
                  Diagnostics& diagnostics) {
  Diagnostic& finding = diagnostics.add(ErrorCode::bad_override, {"--set", 0, 0}, why);
  finding.got = override_.path + "=" + override_.value.substr(0, 80);
  if (at.is_map() && !at.members.empty()) finding.expected = "one of " + joined(keys_of(at));
  finding.suggestion = nearest_name(part, keys_of(at));
  if (finding.suggestion.empty()) finding.hint = "a path starts at the document: train.batch, vars.latent, nodes.q.dim";
}

// Optional sections of a document: an override may create them.
bool may_open(const std::vector<std::string>& parts, std::size_t i) {
  if (i == 0) return is_document_key(parts[0]) && parts[0] != "graph" && parts[0] != "extends";
  return i == 1 && (parts[0] == "metrics" || (parts[0] == "train" && parts[1] == "optimizer"));
}

void apply_one(Value& root, const Override& override_, Diagnostics& diagnostics) {
  const std::vector<std::string> parts = split_path(override_.path);
  Value* at = &root;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    Value* next = at->find(parts[i]);
    if (next == nullptr && may_open(parts, i)) {
      Value map;
      map.kind = Value::Kind::map;
      map.where = {"--set", 0, 0};
      at->members.push_back({parts[i], map.where, map});
      next = &at->members.back().value;
    }
    if (next != nullptr && next->is_null()) next->kind = Value::Kind::map;
    if (next != nullptr && !next->is_map()) {
      return bad_override(override_, *next, parts[i + 1],
                          fmt::format("'{}' is not a map: nothing can be set in it", parts[i]), diagnostics);
    }
    if (next == nullptr) {
      return bad_override(override_, *at, parts[i],
                          fmt::format("the document has no '{}' in which to set a value", parts[i]), diagnostics);
    }
    at = next;
  }
  const bool must_exist = parts.size() == 2 && (parts[0] == "vars" || parts[0] == "nodes" || parts[0] == "losses");
  Value* slot = at->find(parts.back());
  if (slot == nullptr && must_exist) {
    return bad_override(override_, *at, parts.back(), fmt::format("{} has no '{}'", parts[0], parts.back()),
                        diagnostics);
  }
  if (parts.size() == 1 && slot == nullptr && !may_open(parts, 0)) {
    return bad_override(override_, *at, parts[0], fmt::format("the document has no '{}'", parts[0]), diagnostics);
  }
  Diagnostics own;
  const Value value = parse_yaml(override_.value.empty() ? "''" : override_.value, "--set " + override_.path, own);
  for (const Diagnostic& finding : own.items()) diagnostics.add(finding.code, {}, "") = finding;
  if (!own.empty()) return;
  if (value.is_null()) {
    std::erase_if(at->members, [&](const Member& m) { return m.key == parts.back(); });
    return;
  }
  if (slot != nullptr)
    merge_value(*slot, value);
  else
    at->members.push_back({parts.back(), value.where, value});
}

}  // namespace

void merge_value(Value& base, const Value& over) {
  if (!base.is_map() || !over.is_map()) {
    base = over;
    return;
  }
  for (const Member& member : over.members) {
    Value* slot = base.find(member.key);
    if (member.value.is_null()) {
      std::erase_if(base.members, [&](const Member& m) { return m.key == member.key; });
    } else if (slot != nullptr) {
      merge_value(*slot, member.value);
      auto it =
          std::find_if(base.members.begin(), base.members.end(), [&](const Member& m) { return m.key == member.key; });
      it->where = member.where;
    } else {
      base.members.push_back(member);
    }
  }
  base.where = over.where;
}

Value merge_parents(Value root, const std::string& file, const std::string& directory, std::set<std::string>& files,
                    Diagnostics& diagnostics) {
  return merge_chain(std::move(root), file, directory, {}, files, diagnostics);
}

void apply_overrides(Value& root, const std::vector<Override>& overrides, Diagnostics& diagnostics) {
  for (const Override& one : overrides) {
    apply_one(root, one, diagnostics);
    replace_formulas(root);
  }
}

}  // namespace loom

#include "document/expand.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "document/block.h"
#include "document/call.h"
#include "document/chain.h"
#include "document/extent.h"
#include "document/file_keys.h"
#include "document/merge.h"
#include "document/names.h"
#include "document/node_keys.h"
#include "document/plugins.h"
#include "document/scan.h"
#include "document/section.h"
#include "document/use_path.h"
#include "document/variables.h"

namespace loom {
namespace {

namespace fs = std::filesystem;
constexpr std::int64_t kMaxRepeat = 10000;
constexpr std::size_t kMaxNodes = 100000;
constexpr std::size_t kMaxExpandedValues = 5000000;
constexpr std::size_t kMaxExpandedBytes = std::size_t{64} << 20;

struct Pending {
  NodeEntry entry;
  const Scope* scope;
};

}  // namespace

class Expander::Impl {
 public:
  Impl(std::string file, std::string directory, TextBudget& budget, Diagnostics& diagnostics)
      : budget_(budget), diagnostics_(diagnostics), names_(std::move(file), std::move(directory)) {}

  void add_members(const Value& nodes, const Variables& variables, Scope* scope) {
    if (!nodes.is_map()) {
      if (!nodes.is_null()) wrong_type(nodes, "nodes", "a map of names and nodes", diagnostics_);
      return;
    }
    for (const Member& member : nodes.members) scope->names.insert(member.key);
    scope->nodes = &nodes;
    for (const Member& member : nodes.members) {
      if (check_name(member.key, member.where, diagnostics_))
        add(member.key, member, variables, scope);
      else
        add_broken(member.key, member, scope);
    }
  }

  void add(const std::string& name, const Member& raw, const Variables& variables, Scope* scope) {
    Member member = raw;
    if (copies_another(member.value)) {
      member.value = called_node(raw, *scope->nodes, diagnostics_);
      if (member.value.is_null()) return add_broken(name, raw, scope);
    }
    if (is_part_call(member.value)) return add_part(name, member, variables, scope);
    const Value* repeat = member.value.find("repeat");
    if (!is_node(member) || repeat == nullptr || repeat->is_null()) return add_one(name, member, variables, scope, {});
    Value text = *repeat;
    substitute(text, variables.without_scope(), budget_, diagnostics_);
    Value wrapper;
    wrapper.kind = Value::Kind::map;
    wrapper.members.push_back({"repeat", text.where, text});
    std::int64_t count = -1;
    Section(wrapper, fmt::format("'{}'", member.key), diagnostics_).read("repeat", count, 0, kMaxRepeat);
    if (count >= 0)
      unroll(name, member, count, variables, scope);
    else
      add_broken(name, member, scope);
  }

  void add_part(const std::string& name, Member member, const Variables& variables, Scope* scope) {
    substitute(member.value, variables.without_scope(), budget_, diagnostics_);
    parts_.emplace_back(read_part_call(scope->prefix + name, member, diagnostics_), scope);
  }

  // A loss or a draw: one node; the caller reads its keys in `apart`.
  void add_single(const std::string& path, const Member& member, const Variables& variables,
                  const std::vector<std::string>& apart) {
    for (const char* key : {"use", "repeat", "call"}) {
      const auto found = std::find_if(member.value.members.begin(), member.value.members.end(),
                                      [&](const Member& m) { return m.key == key; });
      if (found == member.value.members.end()) continue;
      Diagnostic& finding = diagnostics_.add(ErrorCode::unknown_key, found->where,
                                             fmt::format("'{}' is one node and cannot have '{}'", member.key, key));
      finding.expected = "{type: ..., in: ...}";
      finding.hint = "put it under nodes: and read it here";
      return add_broken(path, member, names_.top());
    }
    add_one(path, member, variables, names_.top(), apart);
  }

  // Each instance reads from the previous one.
  void unroll(const std::string& name, const Member& member, std::int64_t count, const Variables& variables,
              Scope* scope) {
    Member instance = member;
    std::erase_if(instance.value.members, [](const Member& m) { return m.key == "repeat"; });
    const auto links = links_of(instance.value, member, variables, budget_, diagnostics_);
    if (!links) return add_broken(name, member, scope);
    Variables inner = variables;
    std::string last = links->empty() ? "" : links->front().source->scalar;
    for (std::int64_t i = 0; i < count; ++i) {
      inner["index"] = OptionValue(i);
      if (full_) return;
      Member one = instance;
      std::erase_if(one.value.members, [](const Member& m) { return m.key == "chain"; });
      add_one(fmt::format("{}/{}", name, i), one, inner, scope, {});
      last = fmt::format("{}/{}", name, i);
      for (const Link& link : *links) link.source->scalar = link.output.empty() ? last : last + "." + link.output;
    }
    if (!last.empty()) names_.add_repeat(scope->prefix + name, last, scope);
    names_.add_instances(scope->prefix + name, count);
  }

  Scope* top() { return names_.top(); }
  const Names& names() const { return names_; }
  const std::vector<WeightSource>& weight_sources() const { return weight_sources_; }
  const std::set<std::string>& files() const { return read_; }
  const std::vector<PluginEntry>& plugins() const { return plugins_; }
  bool is_full() const { return full_; }

  // The ports of the called parts, whose names stand for copies of what they lead to.
  void resolve_parts(std::set<std::string>& paths) {
    for (auto& [part, scope] : parts_) {
      part.to = resolved(part.to, scope);
      for (std::vector<Reference>* ports : {&part.from, &part.in})
        for (Reference& port : *ports) port = resolved(port, scope);
      if (!part.to.reported) names_.add_repeat(part.path, part.copy_of(part.to.text()), names_.top());
      paths.insert(part.copy_of(part.to.node));
    }
  }

  std::vector<NodeEntry> finish() {
    std::set<std::string> paths;
    for (const Pending& pending : pending_) paths.insert(pending.entry.path);
    for (const PendingScan& scan : scans_)
      for (const ScanEntry::Input& input : scan.entry.inputs) paths.insert(scan.inside(input.name));
    resolve_parts(paths);
    names_.check_outputs(paths, diagnostics_);
    std::vector<NodeEntry> entries;
    for (Pending& pending : pending_) {
      for (InputEntry& input : pending.entry.inputs)
        for (Reference& source : input.sources) source = resolved(source, pending.scope);
      for (std::string* owner : {&pending.entry.weights, &pending.entry.average.of})
        if (!owner->empty()) *owner = resolve_weights(*owner, pending.scope);
      names_.resolve_sizes(pending.entry, pending.scope, diagnostics_);
      entries.push_back(std::move(pending.entry));
    }
    const auto add_copies = [&](bool in_scans) {
      for (const auto& [part, scope] : parts_)
        if (is_in_part(part.path, scans_) == in_scans)
          std::ranges::move(copies_of(part, entries, diagnostics_), std::back_inserter(entries));
    };
    add_copies(true);  // a part is moved into its scan, which may be copied itself
    for (PendingScan& scan : scans_) collect_scan(scan, names_, entries, diagnostics_);
    add_copies(false);
    return entries;
  }

 private:
  static bool is_node(const Member& member) { return member.value.is_map(); }

  // Keeps the name, so that references to the node are not reported as well.
  void add_broken(const std::string& name, const Member& member, const Scope* scope) {
    NodeEntry entry;
    entry.path = scope->prefix + name;
    entry.where = entry.type_where = member.where;
    pending_.push_back({std::move(entry), scope});
  }

  // Limits the expansion of nested blocks and repeats from a small text.
  bool room_for(const Member& member) {
    if (full_) return false;
    expanded_.add(member.value);
    full_ = ++nodes_ > kMaxNodes || expanded_.values > kMaxExpandedValues || expanded_.bytes > kMaxExpandedBytes;
    if (!full_) return true;
    Diagnostic& finding = diagnostics_.add(ErrorCode::document_too_large, member.where,
                                           "the blocks and repeats expand to too many values");
    finding.expected = fmt::format("at most {} nodes, {} values and {} bytes of text", kMaxNodes, kMaxExpandedValues,
                                   kMaxExpandedBytes);
    return false;
  }

  Reference resolved(const Reference& source, const Scope* scope) const {
    return source.reported ? source : names_.resolve(source.node, source.where, scope, diagnostics_);
  }

  std::string resolve_weights(const std::string& text, const Scope* scope) const {
    return text[0] == '/' ? text.substr(1) : scope->prefix + text;
  }

  void add_one(const std::string& name, const Member& raw, const Variables& variables, Scope* scope,
               const std::vector<std::string>& apart) {
    if (!room_for(raw)) return;
    if (!is_node(raw)) {
      wrong_type(raw.value, fmt::format("'{}'", raw.key), "a map: {type: ..., in: ...} or {use: ..., in: ...}",
                 diagnostics_);
      return add_broken(name, raw, scope);
    }
    Member member = raw;
    substitute_outside_part(member.value, variables, budget_, diagnostics_);
    Section section(member.value, fmt::format("'{}'", member.key), diagnostics_);
    for (const std::string& key : apart) section.get(key);
    if (section.get("use") != nullptr)
      use_block(name, member, section, scope);
    else if (section.get("scan") != nullptr)
      add_scan(name, member, section, variables, scope);
    else
      add_typed(name, member, section, scope);
  }

  void add_typed(const std::string& name, const Member& member, Section& section, Scope* scope) {
    NodeEntry entry;
    entry.path = scope->prefix + name;
    entry.where = member.where;
    const Value& type = section.required("type");
    section.read("type", entry.type);
    entry.type_where = type.where;
    read_node_keys(section, entry);
    section.get("doc");
    if (const Value* in = section.get("in")) read_inputs(*in, entry, diagnostics_);
    read_node_options(section, member.key, entry);
    pending_.push_back({std::move(entry), scope});
  }

  // The part of a scan is expanded like a block, and moved into the scan by finish().
  void add_scan(const std::string& name, const Member& member, Section& section, const Variables& variables,
                Scope* outer) {
    const Value& source = *section.get("scan");
    NodeEntry entry;
    entry.path = outer->prefix + name;
    entry.type = "scan";
    entry.where = member.where;
    entry.type_where = source.where;
    read_node_keys(section, entry);
    section.get("doc");
    const Value* vars = section.get("vars");
    const bool readable = source.kind == Value::Kind::scalar && !source.broken;
    const std::string path = source.is_map() ? outer->file : readable ? used_path(source, *outer) : "";
    if (!source.is_map() && !may_use(source, path, *outer, diagnostics_, "scan"))
      return add_broken(name, member, outer);
    const Value& part = source.is_map() ? source : cached_file(path, source.where);
    if (!part.is_map()) return add_broken(name, member, outer);
    Scope* inside = names_.inside(*outer, name, path);
    if (source.is_map()) inside->directory = outer->directory;
    PendingScan scan{entry.path, inside, {}, {}};
    bind_scan_inputs(part, section, member, scan.entry, entry);
    read_node_options(section, member.key, entry);
    pending_.push_back({std::move(entry), outer});
    Section keys(part, source.is_map() ? section.what() + ".scan" : fs::path(path).filename().string(), diagnostics_);
    for (const char* key : {"version", "block", "doc", "inputs"}) keys.get(key);
    read_plugins_of(keys);
    Variables inner = evaluate_variables(keys.get("vars"), vars, budget_, diagnostics_, inside->mark);
    if (source.is_map()) inner.insert(variables.begin(), variables.end());
    add_members(keys.required("nodes"), inner, inside);
    scan.outputs = read_block_outputs(keys, part);
    keys.finish();
    scans_.push_back(std::move(scan));
  }

  void use_block(const std::string& name, const Member& member, Section& section, Scope* outer) {
    const Value& use = *section.get("use");
    NodeEntry shared;
    read_node_keys(section, shared);
    section.get("doc");
    const Value *vars = section.get("vars"), *in = section.get("in"), *rename = section.get("rename");
    section.finish();
    const bool readable = use.kind == Value::Kind::scalar && !use.broken;
    const std::string path = readable ? used_path(use, *outer) : "";
    if (!may_use(use, path, *outer, diagnostics_)) return add_broken(name, member, outer);
    const Value& root = cached_file(path, use.where);
    if (!root.is_map()) return add_broken(name, member, outer);
    Scope* scope = names_.inside(*outer, name, path);
    const bool of_file = is_weight_path(shared.weights, member.key, is_whole_graph(root), *outer);
    if (of_file) add_weight_source(*section.get("weights"), rename, *outer, scope->prefix);
    if (of_file) shared.weights.clear();
    if (!of_file) refuse_rename(rename, diagnostics_);
    if (is_whole_graph(root))
      expand_graph(root, path, in, vars, shared, scope);
    else
      expand_block(root, path, in, member, vars, shared, scope);
  }

  // A block lists the plugins that it needs.
  void read_plugins_of(Section& section) {
    if (const Value* plugins = section.get("plugins")) read_plugins(*plugins, plugins_, diagnostics_);
  }

  // The weights of a use replace those of the uses inside it.
  void add_weight_source(const Value& weights, const Value* rename, const Scope& outer, const std::string& prefix) {
    const auto within = [&](const WeightSource& source) { return prefix.starts_with(source.prefix); };
    if (std::any_of(weight_sources_.begin(), weight_sources_.end(), within)) return;
    weight_sources_.push_back(
        {prefix, path_from_here(weights, outer), weights.where, read_rename(rename, diagnostics_)});
  }

  // The nodes of a graph, without its other sections.
  void expand_graph(const Value& graph, const std::string& path, const Value* in, const Value* given,
                    const NodeEntry& shared, Scope* scope) {
    Section section(graph, fs::path(path).filename().string(), diagnostics_);
    accept_keys(section, document_keys());
    read_plugins_of(section);
    const Variables variables = evaluate_variables(section.get("vars"), given, budget_, diagnostics_, scope->mark);
    const Value& nodes = section.required("nodes");
    section.finish();
    bind_graph_inputs(nodes, in, *scope, diagnostics_);
    Value rest = nodes;
    std::erase_if(rest.members, [&](const Member& m) { return scope->inputs.count(m.key) > 0; });
    for (const auto& [input, source] : scope->inputs) names_.add_connected(input, scope);
    const std::size_t first = pending_.size();
    add_members(rest, variables, scope);
    apply_use(first, shared, *scope);
    names_.add_graph(scope->prefix.substr(0, scope->prefix.size() - 1), scope);
  }

  void expand_block(const Value& block, const std::string& path, const Value* in, const Member& member,
                    const Value* given, const NodeEntry& shared, Scope* scope) {
    Section section(block, fs::path(path).filename().string(), diagnostics_);
    section.get("version");
    section.get("block");
    section.get("doc");
    read_plugins_of(section);
    const Variables variables = evaluate_variables(section.get("vars"), given, budget_, diagnostics_, scope->mark);
    bind_block_inputs(block, in, member, *scope, diagnostics_);
    section.get("inputs");
    const std::size_t first = pending_.size();
    add_members(section.required("nodes"), variables, scope);
    apply_use(first, shared, *scope);
    std::vector<BlockOutput> outputs = read_block_outputs(section, block);
    section.finish();
    names_.add_block(scope->prefix.substr(0, scope->prefix.size() - 1), std::move(outputs), scope);
  }

  void apply_use(std::size_t first, const NodeEntry& use, const Scope& scope) {
    std::vector<NodeEntry*> nodes;
    for (std::size_t i = first; i < pending_.size(); ++i) nodes.push_back(&pending_[i].entry);
    apply_to_nodes(use, scope.prefix, scope.outer->prefix, nodes, diagnostics_);
  }

  const Value& cached_file(const std::string& path, const Location& asked) {
    const auto it = files_.find(path);
    if (it != files_.end()) return it->second;
    Value& root = files_[path] = parse_yaml_file(path, asked, diagnostics_);
    read_.insert(path);
    if (root.is_map() && is_whole_graph(root))
      root = merge_parents(std::move(root), path, fs::path(path).parent_path().string(), read_, diagnostics_);
    else if (root.is_map())
      check_version(root, diagnostics_);
    else if (!root.is_null())
      wrong_type(root, "the block", "a map", diagnostics_);
    return root;
  }

  TextBudget& budget_;
  Diagnostics& diagnostics_;
  Names names_;
  std::vector<Pending> pending_;
  std::vector<std::pair<PartCall, const Scope*>> parts_;
  std::vector<PendingScan> scans_;  // the inner one before the outer one
  std::size_t nodes_ = 0;
  Extent expanded_;
  bool full_ = false;
  std::map<std::string, Value> files_;
  std::set<std::string> read_;  // those, and the parents of used graphs
  std::vector<WeightSource> weight_sources_;
  std::vector<PluginEntry> plugins_;
};

Expander::Expander(std::string file, std::string directory, TextBudget& budget, Diagnostics& diagnostics)
    : impl_(std::make_unique<Impl>(std::move(file), std::move(directory), budget, diagnostics)) {}
Expander::~Expander() = default;
void Expander::add_nodes(const Value& nodes, const Variables& variables) {
  impl_->add_members(nodes, variables, impl_->top());
}
void Expander::add_node(const std::string& path, const Member& member, const Variables& variables,
                        const std::vector<std::string>& apart) {
  impl_->add_single(path, member, variables, apart);
}
Reference Expander::resolve(const std::string& text, const Location& where, Diagnostics& diagnostics) {
  return impl_->names().resolve(text, where, impl_->top(), diagnostics);
}
const std::string& Expander::scope() const { return impl_->names().top()->mark; }
const std::vector<PluginEntry>& Expander::plugins() const { return impl_->plugins(); }
const std::vector<WeightSource>& Expander::weight_sources() const { return impl_->weight_sources(); }
const std::set<std::string>& Expander::files() const { return impl_->files(); }
const std::map<std::string, std::int64_t>& Expander::repeats() const { return impl_->names().repeats(); }
bool Expander::is_full() const { return impl_->is_full(); }
std::vector<NodeEntry> Expander::finish() { return impl_->finish(); }

}  // namespace loom

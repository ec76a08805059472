#include "document/expand.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "document/section.h"

namespace loom {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxUses = 16;  // blocks inside blocks
constexpr std::size_t kMaxNodes = 100000;

// Where names are looked up: the nodes of one file, behind a prefix, with the block's inputs bound outside.
struct Scope {
  std::string prefix;  // "encoder/"
  std::string directory;
  std::map<std::string, std::string> inputs;  // a block's input name: reference in the outer scope
  const Scope* outer = nullptr;
  std::vector<std::string> files;  // blocks being expanded, outermost first
};

struct Pending {
  NodeEntry entry;
  const Scope* scope;
};

// What a name that is no node stands for: a block's outputs, a repeat's last instance.
struct Alias {
  std::vector<std::pair<std::string, std::string>>
      outputs;  // output name: reference in `scope`; the first is the default
  const Scope* scope;
};

}  // namespace

class Expander::Impl {
 public:
  Impl(std::string directory, Diagnostics& diagnostics) : diagnostics_(diagnostics) {
    top_ = new_scope();
    top_->directory = std::move(directory);
  }

  void add_members(const Value& nodes, const Variables& variables, Scope* scope) {
    if (!nodes.is_map()) {
      if (!nodes.is_null()) wrong_type(nodes, "nodes", "a map of names and nodes", diagnostics_);
      return;
    }
    for (const Member& member : nodes.members) {
      if (check_name(member.key, member.where, diagnostics_)) add(member.key, member, variables, scope, {});
    }
  }

  void add(const std::string& name, const Member& member, const Variables& variables, Scope* scope,
           const std::vector<std::string>& apart) {
    if (!member.value.is_map()) {
      wrong_type(member.value, fmt::format("'{}'", member.key), "a map: {type: ..., in: ...} or {use: ..., in: ...}",
                 diagnostics_);
      return;
    }
    const Value* repeat = member.value.find("repeat");
    if (repeat == nullptr) return add_one(name, member, variables, scope, apart);
    Value count = *repeat;
    substitute(count, variables, diagnostics_);
    const OptionValue times = count.kind == Value::Kind::scalar ? scalar_value(count) : OptionValue();
    const auto* n = std::get_if<std::int64_t>(&times);
    if (n == nullptr || *n < 0 || *n > 10000) {
      wrong_type(count, fmt::format("'{}': repeat", member.key), "an integer from 0 to 10000", diagnostics_);
      return;
    }
    unroll(name, member, *n, variables, scope);
  }

  // Each instance is fed by the one before it, through its first input.
  void unroll(const std::string& name, const Member& member, std::int64_t count, const Variables& variables,
              Scope* scope) {
    Member instance = member;
    std::erase_if(instance.value.members, [](const Member& m) { return m.key == "repeat"; });
    Value* in = instance.value.find("in");
    Value* first = in == nullptr                                             ? nullptr
                   : in->is_map() && !in->members.empty()                    ? &in->members.front().value
                   : in->kind == Value::Kind::sequence && !in->items.empty() ? &in->items.front()
                                                                             : in;
    if (first == nullptr || first->kind != Value::Kind::scalar) {
      diagnostics_
          .add(ErrorCode::missing_key, member.value.where,
               fmt::format("'{}' is repeated and has no input to chain through", member.key))
          .hint = "in: <node>";
      return;
    }
    Variables inner = variables;
    std::string last = first->scalar;
    for (std::int64_t i = 0; i < count; ++i) {
      inner["index"] = OptionValue(i);
      first->scalar = last;
      add_one(fmt::format("{}/{}", name, i), instance, inner, scope, {});
      last = fmt::format("{}/{}", name, i);
    }
    aliases_[scope->prefix + name] = Alias{{{"", last}}, scope};
  }

  Reference resolve(const std::string& text, const Location& where, const Scope* scope, int depth = 0) const {
    const std::size_t dot = text.rfind('.');
    Reference reference{text.substr(0, dot), dot == std::string::npos ? "" : text.substr(dot + 1), where};
    if (depth > 200) return reference;
    if (const auto it = scope->inputs.find(reference.node); it != scope->inputs.end() && scope->outer != nullptr) {
      return resolve(it->second, where, scope->outer, depth + 1);
    }
    reference.node = scope->prefix + reference.node;
    const auto alias = aliases_.find(reference.node);
    if (alias == aliases_.end()) return reference;
    const auto& outputs = alias->second.outputs;
    if (outputs.size() == 1 && outputs.front().first.empty()) {  // a repeat: its last instance, with the same port
      const std::string port = reference.port.empty() ? "" : "." + reference.port;
      return resolve(outputs.front().second + port, where, alias->second.scope, depth + 1);
    }
    if (outputs.empty()) return reference;
    for (const auto& [output, target] : outputs) {
      if (reference.port.empty() || output == reference.port)
        return resolve(target, where, alias->second.scope, depth + 1);
    }
    reference.node += "." + reference.port;  // reported as dangling, with the nearest name
    reference.port.clear();
    return reference;
  }

  const Scope* top() const { return top_; }
  Scope* top() { return top_; }

  std::vector<NodeEntry> finish() {
    std::vector<NodeEntry> entries;
    for (Pending& pending : pending_) {
      for (InputEntry& input : pending.entry.inputs) {
        for (Reference& source : input.sources) source = resolve(source.node, source.where, pending.scope);
      }
      if (!pending.entry.weights.empty()) pending.entry.weights = resolve_weights(pending.entry.weights, pending.scope);
      entries.push_back(std::move(pending.entry));
    }
    return entries;
  }

 private:
  Scope* new_scope() {
    scopes_.push_back(std::make_unique<Scope>());
    return scopes_.back().get();
  }

  std::string resolve_weights(const std::string& text, const Scope* scope) const {
    return text[0] == '/' ? text.substr(1) : scope->prefix + text;
  }

  void add_one(const std::string& name, const Member& raw, const Variables& variables, Scope* scope,
               const std::vector<std::string>& apart) {
    if (pending_.size() >= kMaxNodes) {
      if (pending_.size() == kMaxNodes) {
        diagnostics_.add(ErrorCode::document_too_large, raw.where, "the graph has too many nodes").expected =
            fmt::format("at most {}", kMaxNodes);
      }
      return;
    }
    Member member = raw;
    substitute(member.value, variables, diagnostics_);
    Section section(member.value, fmt::format("'{}'", member.key), diagnostics_);
    for (const std::string& key : apart) section.get(key);
    if (section.get("use") != nullptr)
      use_block(name, member, section, scope);
    else
      add_typed(name, member, section, scope);
  }

  void add_typed(const std::string& name, const Member& member, Section& section, Scope* scope) {
    NodeEntry entry;
    entry.path = scope->prefix + name;
    entry.where = member.where;
    const Value& type = section.required("type");
    if (type.is_null()) return;
    section.read("type", entry.type);
    entry.type_where = type.where;
    common_keys(section, entry);
    section.get("doc");
    if (const Value* in = section.get("in")) read_inputs(*in, entry);
    for (const Member* option : section.rest()) {
      if (option->value.is_null()) continue;
      OptionValue value = option_value(option->value, fmt::format("'{}': {}", member.key, option->key), diagnostics_);
      if (!value.empty()) entry.options[option->key] = {std::move(value), option->value.where};
    }
    pending_.push_back({std::move(entry), scope});
  }

  void common_keys(Section& section, NodeEntry& entry) {
    section.read("weights", entry.weights);
    if (const Value* weights = section.get("weights")) entry.weights_where = weights->where;
    section.read("frozen", entry.frozen);
    const Value* when = section.get("when");
    if (when == nullptr) return;
    if (when->scalar == "train")
      entry.when = When::training;
    else if (when->scalar == "eval")
      entry.when = When::evaluation;
    else
      wrong_type(*when, "when", "train or eval", diagnostics_);
  }

  // References are kept as texts in Reference::node until every name is known.
  void add_source(const Value& value, InputEntry& input) {
    if (value.kind == Value::Kind::scalar)
      input.sources.push_back({value.scalar, "", value.where});
    else
      wrong_type(value, "an input", "a node, or node.port", diagnostics_);
  }

  void read_inputs(const Value& in, NodeEntry& entry) {
    if (in.is_map()) {
      for (const Member& port : in.members) {
        if (port.value.is_null()) continue;
        InputEntry input{port.key, {}, port.where};
        if (port.value.kind == Value::Kind::sequence) {
          for (const Value& item : port.value.items) add_source(item, input);
        } else {
          add_source(port.value, input);
        }
        entry.inputs.push_back(std::move(input));
      }
      return;
    }
    InputEntry input{"", {}, in.where};
    if (in.kind == Value::Kind::sequence) {
      for (const Value& item : in.items) add_source(item, input);
    } else {
      add_source(in, input);
    }
    entry.inputs.push_back(std::move(input));
  }

  void use_block(const std::string& name, const Member& member, Section& section, Scope* outer) {
    const Value& use = *section.get("use");
    NodeEntry shared;
    common_keys(section, shared);
    section.get("doc");
    Variables given;
    Location given_where = member.where;
    if (const Value* vars = section.get("vars")) {
      given_where = vars->where;
      given = evaluate_variables(vars, {}, vars->where, diagnostics_);
    }
    const Value* in = section.get("in");
    section.finish();
    const std::string path = (fs::path(outer->directory) / use.scalar).lexically_normal().string();
    if (use.kind != Value::Kind::scalar) {
      wrong_type(use, "use", "the path of a block", diagnostics_);
      return;
    }
    if (std::find(outer->files.begin(), outer->files.end(), path) != outer->files.end() ||
        static_cast<int>(outer->files.size()) >= kMaxUses) {
      diagnostics_.add(ErrorCode::extends_cycle, use.where, "the blocks use each other in a circle, or too deeply")
          .got = path;
      return;
    }
    const Value block = cached_file(path, use.where);
    if (!block.is_map()) return;
    Scope* scope = new_scope();
    scope->prefix = outer->prefix + name + "/";
    scope->directory = fs::path(path).parent_path().string();
    scope->outer = outer;
    scope->files = outer->files;
    scope->files.push_back(path);
    expand_block(block, path, in, member, given, given_where, shared, scope);
  }

  void expand_block(const Value& block, const std::string& path, const Value* in, const Member& member,
                    const Variables& given, const Location& given_where, const NodeEntry& shared, Scope* scope) {
    Section section(block, fs::path(path).filename().string(), diagnostics_);
    section.get("version");
    section.get("block");
    section.get("doc");
    const Variables variables = evaluate_variables(section.get("vars"), given, given_where, diagnostics_);
    bind_inputs(section.get("inputs"), in, member, path, scope);
    const std::size_t first = pending_.size();
    add_members(section.required("nodes"), variables, scope);
    for (std::size_t i = first; i < pending_.size(); ++i) share(pending_[i].entry, shared, scope);
    Alias alias{{}, scope};
    if (const Value* outputs = section.get("outputs")) {
      for (const Member& output : outputs->members) alias.outputs.emplace_back(output.key, output.value.scalar);
      if (outputs->members.empty()) wrong_type(*outputs, "outputs", "a map of names and nodes", diagnostics_);
    }
    if (const Value* output = section.get("output")) alias.outputs.emplace(alias.outputs.begin(), "y", output->scalar);
    if (alias.outputs.empty()) {
      diagnostics_.add(ErrorCode::missing_key, block.where, "a block must name its outputs").hint =
          "output: <node>, or outputs: {y: <node>}";
    }
    section.finish();
    aliases_[scope->prefix.substr(0, scope->prefix.size() - 1)] = std::move(alias);
  }

  // `weights`, `when` and `frozen` of a use hold for every node of the block.
  void share(NodeEntry& entry, const NodeEntry& shared, const Scope* scope) {
    if (!shared.weights.empty()) {
      const std::string inner = entry.path.substr(scope->prefix.size());
      entry.weights = "/" + scope->outer->prefix + shared.weights + "/" + inner;
      entry.weights_where = shared.weights_where;
    }
    if (shared.when != When::always) entry.when = shared.when;
    entry.frozen = entry.frozen || shared.frozen;
  }

  void bind_inputs(const Value* declared, const Value* in, const Member& member, const std::string& path,
                   Scope* scope) {
    std::vector<std::string> names;
    if (declared != nullptr) {
      for (const Value& name : declared->items) names.push_back(name.scalar);
      if (declared->kind != Value::Kind::sequence) wrong_type(*declared, "inputs", "a list of names", diagnostics_);
    }
    if (in != nullptr && in->is_map()) {
      for (const Member& port : in->members) {
        if (std::find(names.begin(), names.end(), port.key) != names.end()) {
          scope->inputs[port.key] = port.value.scalar;
          continue;
        }
        Diagnostic& finding =
            diagnostics_.add(ErrorCode::unknown_port, port.where, fmt::format("the block has no input '{}'", port.key));
        finding.suggestion = nearest_name(port.key, names);
      }
    } else if (in != nullptr && in->kind == Value::Kind::scalar && !names.empty()) {
      scope->inputs[names.front()] = in->scalar;
    } else if (in != nullptr && in->kind == Value::Kind::sequence) {
      for (std::size_t i = 0; i < in->items.size() && i < names.size(); ++i)
        scope->inputs[names[i]] = in->items[i].scalar;
    }
    for (const std::string& name : names) {
      if (scope->inputs.count(name) > 0) continue;
      diagnostics_
          .add(ErrorCode::missing_input, member.where,
               fmt::format("'{}': the block's input '{}' is not connected", member.key, name))
          .other = {path, 1, 1};
    }
  }

  Value cached_file(const std::string& path, const Location& asked) {
    const auto it = files_.find(path);
    if (it != files_.end()) return it->second;
    return files_[path] = parse_yaml_file(path, asked, diagnostics_);
  }

  Diagnostics& diagnostics_;
  std::vector<std::unique_ptr<Scope>> scopes_;
  Scope* top_;
  std::vector<Pending> pending_;
  std::map<std::string, Alias> aliases_;
  std::map<std::string, Value> files_;
};

Expander::Expander(std::string directory, Diagnostics& diagnostics)
    : impl_(std::make_unique<Impl>(std::move(directory), diagnostics)) {}
Expander::~Expander() = default;
void Expander::add_nodes(const Value& nodes, const Variables& variables) {
  impl_->add_members(nodes, variables, impl_->top());
}
void Expander::add_node(const std::string& path, const Member& member, const Variables& variables,
                        const std::vector<std::string>& apart) {
  impl_->add(path, member, variables, impl_->top(), apart);
}
Reference Expander::resolve(const std::string& text, const Location& where) {
  return impl_->resolve(text, where, impl_->top());
}
std::vector<NodeEntry> Expander::finish() { return impl_->finish(); }

}  // namespace loom

#include "document/call.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "document/section.h"
#include "graph/sizes.h"

namespace loom {
namespace {

constexpr const char *kCall = "call", *kAverage = "average";

const Member* find_member_of(const Value& map, const std::string& key) {
  const auto it = std::ranges::find_if(map.members, [&](const Member& m) { return m.key == key; });
  return it == map.members.end() ? nullptr : &*it;
}

void set_key(Value& map, const std::string& key, Value value) {
  std::erase_if(map.members, [&](const Member& m) { return m.key == key; });
  const Location where = value.where;
  map.members.push_back({key, where, std::move(value)});
}

Value text_at(std::string text, const Location& where) {
  Value value;
  value.kind = Value::Kind::scalar;
  value.scalar = std::move(text);
  value.where = where;
  return value;
}

bool gives(const Value& node, const char* key) {
  const Value* value = node.find(key);
  return value != nullptr && !value->is_null();
}

bool is_average(const Value& node) {
  const Value* average = node.is_map() ? node.find(kAverage) : nullptr;
  return average != nullptr && average->is_map() && !gives(node, "type") && !gives(node, "use") && !gives(node, "scan");
}

// Of a node that copies another; a null value where `of` is missing.
const Value& called_name(const Value& node) {
  static const Value kNothing;
  if (!is_average(node)) return *node.find(kCall);
  const Value* of = node.find(kAverage)->find("of");
  return of != nullptr ? *of : kNothing;
}

// The definition at the end of a chain of calls.
struct Called {
  const Member* end = nullptr;  // null where there is none
  std::string first;            // the name that the call names itself
  bool average = false;         // a moving average is on the way
};

Called called(const Member& call, const Value& nodes, Diagnostics& diagnostics) {
  std::set<std::string> seen = {call.key};
  Called result;
  const Member* at = &call;
  while (copies_another(at->value)) {
    const Value& name = called_name(at->value);
    if (name.is_null()) {
      diagnostics
          .add(ErrorCode::missing_key, at->value.find(kAverage)->where,
               fmt::format("'{}'.average: the key 'of' is missing", at->key))
          .expected = "of: NODE";
      return {};
    }
    const Member* next = name.kind == Value::Kind::scalar ? find_member_of(nodes, name.scalar) : nullptr;
    if (next == nullptr || !next->value.is_map()) {
      std::vector<std::string> names;
      for (const Member& node : nodes.members) names.push_back(node.key);
      Diagnostic& finding =
          diagnostics.add(ErrorCode::dangling_input, name.where.known() ? name.where : at->where,
                          fmt::format("'{}' copies '{}', and there is no such node or block", call.key, name.scalar));
      finding.expected = "the name of a node or block of this file, or call: {from: port, to: port}";
      finding.suggestion = nearest_name(name.scalar, names);
      return {};
    }
    if (!seen.insert(next->key).second) {
      Diagnostic& finding =
          diagnostics.add(ErrorCode::cycle, name.where, fmt::format("'{}' would be a copy of itself", call.key));
      finding.expected = "calls that end at a node or a block";
      return {};
    }
    if (at == &call) result.first = next->key;
    if (at != &call) result.average = result.average || is_average(at->value);
    at = next;
  }
  result.end = at;
  return result;
}

// What the call leaves out stays as the called node has it.
Value merged_inputs(const Value* theirs, const Value& mine) {
  if (theirs == nullptr || !theirs->is_map() || theirs->members.empty()) return mine;
  Value all = *theirs;
  all.where = mine.where;
  if (!mine.is_map()) {
    all.members.front().value = mine;
    return all;
  }
  for (const Member& port : mine.members) set_key(all, port.key, port.value);
  return all;
}

std::vector<Reference> read_ports(const Value& value, const std::string& what, Diagnostics& diagnostics) {
  std::vector<Reference> ports;
  const bool several = value.kind == Value::Kind::sequence;
  for (const Value& item : several ? value.items : std::vector<Value>{value}) {
    const bool good = item.kind == Value::Kind::scalar && !item.scalar.empty() && !item.broken;
    if (good) ports.push_back({item.scalar, "", item.where});
    if (!good && !item.is_null()) wrong_type(item, what, "a node, or node.port", diagnostics);
  }
  return ports;
}

bool same_port(const Reference& a, const Reference& b) { return a.node == b.node && a.port == b.port; }

// The nodes of a graph that lie between ports.
class Part {
 public:
  Part(const PartCall& call, const std::vector<NodeEntry>& nodes) : call_(call) {
    for (const NodeEntry& node : nodes) nodes_.emplace(node.path, &node);
  }

  bool has(const std::string& path) { return depends(path); }

 private:
  // Whether a node reads a port of `from`, at any distance. A node that is being visited is part of a cycle, which the
  // graph reports.
  bool depends(const std::string& path) {
    if (const auto known = known_.find(path); known != known_.end()) return known->second;
    known_[path] = false;
    const auto it = nodes_.find(path);
    if (it == nodes_.end()) return false;
    bool any = false;
    for (const InputEntry& input : it->second->inputs) {
      for (const Reference& source : input.sources) {
        const bool is_from = std::ranges::any_of(call_.from, [&](const Reference& f) { return same_port(f, source); });
        any = is_from || depends(source.node) || any;
      }
    }
    return known_[path] = any;
  }

  const PartCall& call_;
  std::map<std::string, const NodeEntry*> nodes_;
  std::map<std::string, bool> known_;
};

}  // namespace

bool is_part_call(const Value& node) { return node.is_map() && gives(node, kCall) && node.find(kCall)->is_map(); }

bool copies_another(const Value& node) {
  return node.is_map() && ((gives(node, kCall) && !is_part_call(node)) || is_average(node));
}

// What a copy does not have from the node that it copies: its values are those of that node.
constexpr std::string_view kOwn[] = {"doc", "rename", "weights", "init"};

Value called_node(const Member& call, const Value& nodes, Diagnostics& diagnostics) {
  const Called target = called(call, nodes, diagnostics);
  if (target.end == nullptr) return {};
  const bool average = is_average(call.value);
  Section section(call.value, fmt::format("'{}'", call.key), diagnostics);
  for (const char* key : {average ? kAverage : kCall, "when", "frozen", "doc"}) section.get(key);
  const Value* in = section.get("in");
  section.finish();
  Value node = target.end->value;
  node.where = call.value.where;
  std::erase_if(node.members, [](const Member& m) { return std::ranges::find(kOwn, m.key) != std::end(kOwn); });
  if (in != nullptr) set_key(node, "in", merged_inputs(target.end->value.find("in"), *in));
  if (is_part_call(node)) return node;
  const Value& name = called_name(call.value);
  const Value owner = text_at(target.first + (gives(node, "repeat") ? "/${index}" : ""), name.where);
  if (average) {
    Value own = *call.value.find(kAverage);
    set_key(own, "of", owner);
    set_key(node, kAverage, std::move(own));
  } else {
    set_key(node, "weights", owner);
  }
  if (target.average) set_key(node, "frozen", text_at("true", name.where));
  for (const char* key : {"when", "frozen"}) {
    if (const Value* own = call.value.find(key)) set_key(node, key, *own);
  }
  return node;
}

PartCall read_part_call(const std::string& path, const Member& call, Diagnostics& diagnostics) {
  PartCall part;
  part.path = path;
  part.where = call.where;
  Section section(call.value, fmt::format("'{}'", call.key), diagnostics);
  const Value* ends = section.get(kCall);
  section.get("doc");
  section.read("frozen", part.frozen);
  if (const Value* when = section.get("when")) part.when = read_when(*when, diagnostics);
  part.in = read_ports(section.required("in"), section.what() + ".in", diagnostics);
  section.finish();
  Section keys(*ends, section.what() + ".call", diagnostics);
  part.from = read_ports(keys.required("from"), keys.what() + ".from", diagnostics);
  const std::vector<Reference> to = read_ports(keys.required("to"), keys.what() + ".to", diagnostics);
  keys.finish();
  part.to = to.empty() ? Reference{"", "", call.where, true} : to.front();
  if (part.from.size() == part.in.size() && to.size() < 2) return part;
  Diagnostic& finding = diagnostics.add(ErrorCode::wrong_type, ends->where,
                                        fmt::format("'{}' does not connect the part that it calls", call.key));
  finding.got = fmt::format("{} in `in`, {} in `from`, {} in `to`", part.in.size(), part.from.size(), to.size());
  finding.expected = "a source in `in` for each port in `from`, and one port in `to`";
  part.to.reported = true;
  return part;
}

std::vector<NodeEntry> copies_of(const PartCall& call, const std::vector<NodeEntry>& nodes, Diagnostics& diagnostics) {
  Part part(call, nodes);
  std::vector<NodeEntry> copies;
  if (call.to.reported) return copies;
  if (!part.has(call.to.node)) {
    Diagnostic& finding =
        diagnostics.add(ErrorCode::dangling_input, call.to.where,
                        fmt::format("'{}' does not depend on what the call replaces", call.to.text()));
    for (const Reference& from : call.from) finding.got += (finding.got.empty() ? "" : ", ") + from.text();
    finding.expected = "`to` is computed from `from`";
    return copies;
  }
  std::set<std::string> wanted = {call.to.node};
  std::vector<std::string> open = {call.to.node};
  while (!open.empty()) {
    const std::string path = open.back();
    open.pop_back();
    const auto node = std::ranges::find(nodes, path, &NodeEntry::path);
    if (node == nodes.end()) continue;
    NodeEntry copy = *node;
    copy.path = call.copy_of(path);
    copy.weights = path;
    copy.init.clear();
    copy.weights_where = copy.where = call.where;
    copy.frozen = call.frozen || node->frozen;  // weights are trained where any of their nodes is
    if (call.when != When::always) copy.when = call.when;
    for (InputEntry& input : copy.inputs) {
      for (Reference& source : input.sources) {
        const auto from = std::ranges::find_if(call.from, [&](const Reference& f) { return same_port(f, source); });
        if (from != call.from.end()) {
          source = call.in[static_cast<std::size_t>(from - call.from.begin())];
        } else if (part.has(source.node)) {
          if (wanted.insert(source.node).second) open.push_back(source.node);
          source.node = call.copy_of(source.node);
        }
      }
    }
    rename_sizes(copy, [&](const Reference& port) {
      const auto from = std::ranges::find_if(call.from, [&](const Reference& f) { return same_port(f, port); });
      if (from != call.from.end()) return call.in[static_cast<std::size_t>(from - call.from.begin())].text();
      if (!part.has(port.node)) return port.text();
      if (wanted.insert(port.node).second) open.push_back(port.node);
      return call.copy_of(port.text());
    });
    copies.push_back(std::move(copy));
  }
  return copies;
}

}  // namespace loom

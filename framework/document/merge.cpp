#include "document/merge.h"

#include <fmt/format.h>

#include <algorithm>

#include "document/file_keys.h"
#include "document/formula_loss.h"

namespace loom {
namespace {

// A text under `key` of both that differs.
bool is_other_type(const Value& base, const Value& over) {
  const Value *before = base.find("type"), *now = over.find("type");
  return before != nullptr && now != nullptr && now->kind == Value::Kind::scalar && before->scalar != now->scalar;
}

// What the parent's entry says and the child's does not: the new type may not know it.
void mark_inherited(Value& base, const Value& over) {
  for (Member& member : base.members) {
    const Value* now = over.find(member.key);
    if (now == nullptr) member.value.inherited = true;
    if (now != nullptr && member.key == "in" && now->is_map() && member.value.is_map())
      mark_inherited(member.value, *now);
  }
}

// A block in the place of a node, or a node in that of a block: the keys of one mean nothing to the other.
void drop_other_kind(Value& base, const Value& over) {
  static const std::set<std::string> kOfUse = {"use", "vars", "rename", "scan", "whole", "state"};
  static const std::set<std::string> kOfBoth = {"in",        "doc",     "when",   "frozen",
                                                "precision", "weights", "repeat", "chain"};
  const auto gives = [](const Value& map, const char* key) {
    return map.find(key) != nullptr && !map.find(key)->is_null();
  };
  const bool part = gives(base, "use") || gives(base, "scan");
  if (part && gives(over, "type") && !gives(over, "use") && !gives(over, "scan"))
    std::erase_if(base.members, [](const Member& m) { return kOfUse.contains(m.key); });
  if (gives(base, "type") && (gives(over, "use") || gives(over, "scan")) && !gives(over, "type"))
    std::erase_if(base.members, [](const Member& m) { return !kOfBoth.contains(m.key); });
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

// An entry of `generate` that is changed is no longer a parent's, which may be dropped (document/inherited_entry.h).
void take_entry(Value& root, const std::vector<std::string>& parts, const Location& where) {
  Value* generate = parts.size() > 2 && parts[0] == "generate" ? root.find("generate") : nullptr;
  if (generate == nullptr) return;
  const auto entry = std::ranges::find(generate->members, parts[1], &Member::key);
  if (entry != generate->members.end()) entry->where = where;
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
  if (value.is_null())
    std::erase_if(at->members, [&](const Member& m) { return m.key == parts.back(); });
  else if (slot != nullptr)
    merge_value(*slot, value);
  else
    at->members.push_back({parts.back(), value.where, value});
  take_entry(root, parts, value.where);
}

}  // namespace

void merge_value(Value& base, const Value& over) {
  if (!base.is_map() || !over.is_map()) {
    base = over;
    return;
  }
  base.inherited = false;
  drop_other_kind(base, over);
  if (is_other_type(base, over)) mark_inherited(base, over);
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

void apply_overrides(Value& root, const std::vector<Override>& overrides, Diagnostics& diagnostics) {
  for (const Override& one : overrides) {
    apply_one(root, one, diagnostics);
    replace_formulas(root);
  }
}

}  // namespace loom

#include "document/section.h"

#include <fmt/format.h>

#include <algorithm>

namespace loom {
namespace {

const Value kNothing;

}  // namespace

Diagnostic& wrong_type(const Value& value, const std::string& what, const std::string& expected,
                       Diagnostics& diagnostics) {
  if (value.broken) return diagnostics.discard();
  Diagnostic& finding = diagnostics.add(ErrorCode::wrong_type, value.where, what + " has the wrong type");
  finding.got = value.kind_name();
  finding.expected = expected;
  return finding;
}

Section::Section(const Value& value, std::string what, Diagnostics& diagnostics)
    : value_(&value), what_(std::move(what)), diagnostics_(&diagnostics) {
  if (!value.is_map() && !value.is_null()) {
    wrong_type(value, what_, "a map", diagnostics);
    value_ = &kNothing;
  }
}

const Value* Section::get(const std::string& key) {
  asked_.insert(key);
  const Value* value = value_->find(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

const Value& Section::required(const std::string& key) {
  if (const Value* value = get(key)) return *value;
  if (value_ == &kNothing || value_->broken) return kNothing;  // this is already reported
  diagnostics_->add(ErrorCode::missing_key, value_->where, fmt::format("{}: the key '{}' is missing", what_, key))
      .expected = fmt::format("{}: ...", key);
  return kNothing;
}

void Section::read(const std::string& key, std::string& out) {
  const Value* value = get(key);
  if (value == nullptr) return;
  if (value->kind == Value::Kind::scalar && !value->broken)
    out = value->scalar;
  else
    wrong_type(*value, what_ + "." + key, "a text", *diagnostics_);
}

void Section::read(const std::string& key, bool& out) {
  const Value* value = get(key);
  if (value == nullptr) return;
  const OptionValue scalar = value->kind == Value::Kind::scalar ? scalar_value(*value) : OptionValue();
  if (const bool* flag = std::get_if<bool>(&scalar))
    out = *flag;
  else
    wrong_type(*value, what_ + "." + key, "true or false", *diagnostics_);
}

void Section::read(const std::string& key, double& out, double minimum, double maximum) {
  if (const Value* value = get(key)) read_number(*value, what_ + "." + key, out, minimum, maximum, *diagnostics_);
}

void read_number(const Value& value, const std::string& what, double& out, double minimum, double maximum,
                 Diagnostics& diagnostics) {
  const OptionValue scalar = value.kind == Value::Kind::scalar ? scalar_value(value) : OptionValue();
  const auto* integer = std::get_if<std::int64_t>(&scalar);
  const auto* number = std::get_if<double>(&scalar);
  if (integer == nullptr && number == nullptr) {
    wrong_type(value, what, "a number", diagnostics);
    return;
  }
  const double got = integer != nullptr ? static_cast<double>(*integer) : *number;
  if (got >= minimum && got <= maximum) {
    out = got;
    return;
  }
  Diagnostic& finding = diagnostics.add(ErrorCode::out_of_range, value.where, what + " is out of range");
  finding.got = value.scalar;
  const bool below = maximum<std::numeric_limits<double>::max(), above = minimum> std::numeric_limits<double>::lowest();
  finding.expected = below && above ? fmt::format("{} to {}", minimum, maximum)
                     : below        ? fmt::format("<= {}", maximum)
                     : above        ? fmt::format(">= {}", minimum)
                                    : "a finite number";
}

void Section::read(const std::string& key, std::int64_t& out, std::int64_t minimum, std::int64_t maximum) {
  const Value* value = get(key);
  if (value == nullptr) return;
  const OptionValue scalar = value->kind == Value::Kind::scalar ? scalar_value(*value) : OptionValue();
  const auto* integer = std::get_if<std::int64_t>(&scalar);
  if (integer == nullptr) {
    wrong_type(*value, what_ + "." + key, "an integer", *diagnostics_);
  } else if (*integer < minimum || *integer > maximum) {
    Diagnostic& finding =
        diagnostics_->add(ErrorCode::out_of_range, value->where, fmt::format("{}.{} is out of range", what_, key));
    finding.got = value->scalar;
    finding.expected = maximum < std::numeric_limits<std::int64_t>::max() ? fmt::format("{} to {}", minimum, maximum)
                                                                          : fmt::format(">= {}", minimum);
  } else {
    out = *integer;
  }
}

std::vector<const Member*> Section::rest() const {
  std::vector<const Member*> members;
  for (const Member& member : value_->members) {
    if (asked_.count(member.key) == 0) members.push_back(&member);
  }
  return members;
}

void Section::finish() {
  const std::vector<std::string> names(asked_.begin(), asked_.end());
  for (const Member* member : rest()) {
    Diagnostic& finding =
        diagnostics_->add(ErrorCode::unknown_key, member->where, fmt::format("{} has no key '{}'", what_, member->key));
    finding.suggestion = nearest_name(member->key, names);
    for (const std::string& name : names) finding.expected += (finding.expected.empty() ? "one of " : ", ") + name;
  }
}

void check_version(const Value& root, Diagnostics& diagnostics) {
  const Value* version = root.find("version");
  if (version == nullptr || version->is_null()) return;
  const OptionValue number = version->kind == Value::Kind::scalar ? scalar_value(*version) : OptionValue();
  if (const auto* integer = std::get_if<std::int64_t>(&number)) {
    if (*integer == 1) return;
    Diagnostic& finding =
        diagnostics.add(ErrorCode::unsupported_version, version->where, "this version of the graph format is unknown");
    finding.got = number.text();
    finding.expected = "1";
    return;
  }
  wrong_type(*version, "version", "1", diagnostics);
}

bool check_name(const std::string& name, const Location& where, Diagnostics& diagnostics) {
  bool start = true;
  bool good = !name.empty() && name.back() != '/';
  for (char c : name) {
    const bool letter = c >= 'a' && c <= 'z';
    const bool inner = (c >= '0' && c <= '9') || c == '_' || c == '-';
    // A part after a '/' may start with a digit: repeats number their parts.
    if (!letter && !inner && (c != '/' || start)) good = false;
    if (start && !letter && &c == name.data()) good = false;
    start = c == '/';
  }
  if (name.size() > 200) good = false;
  if (good && (name[0] >= 'a' && name[0] <= 'z')) return true;
  Diagnostic& finding = diagnostics.add(ErrorCode::bad_name, where, "this cannot be a name");
  finding.got = name.substr(0, 60);
  finding.expected = "lower-case letters, digits, '_' and '-', starting with a letter, at most 200";
  std::string lower = name;
  std::transform(name.begin(), name.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  Diagnostics ignored;
  if (lower != name && check_name(lower, where, ignored)) finding.suggestion = lower;
  return false;
}

When read_when(const Value& value, Diagnostics& diagnostics) {
  if (value.broken) return When::always;
  if (value.kind != Value::Kind::scalar) {
    wrong_type(value, "when", "train or eval", diagnostics);
  } else if (value.scalar == "train") {
    return When::training;
  } else if (value.scalar == "eval") {
    return When::evaluation;
  } else {
    diagnostics.add_unknown_word(value.where, fmt::format("when has no '{}'", value.scalar), value.scalar,
                                 {"train", "eval"});
  }
  return When::always;
}

OptionValue option_value(const Value& value, const std::string& what, Diagnostics& diagnostics) {
  if (value.broken) return {};
  if (value.kind == Value::Kind::scalar) return scalar_value(value);
  if (value.kind != Value::Kind::sequence) {
    wrong_type(value, what, "a number, a text, a flag or a list of these", diagnostics);
    return {};
  }
  std::vector<OptionValue> items;
  for (const Value& item : value.items) {
    OptionValue one = option_value(item, what, diagnostics);
    if (one.empty()) return {};
    items.push_back(std::move(one));
  }
  return OptionValue(std::move(items));
}

OptionValue node_option_value(const Value& value, const std::string& what, Diagnostics& diagnostics) {
  if (value.broken || !value.is_map()) return option_value(value, what, diagnostics);
  OptionMap map;
  for (const Member& member : value.members) {
    if (member.value.is_null()) continue;
    OptionValue one = option_value(member.value, what + "." + member.key, diagnostics);
    if (one.empty()) return {};
    map.push_back({member.key, std::move(one)});
  }
  return OptionValue(std::move(map));
}

OptionEntry read_node_option(const Member& option, const std::string& what, Diagnostics& diagnostics) {
  OptionEntry entry{node_option_value(option.value, what, diagnostics), option.value.where, option.where};
  for (const Member& member : option.value.members) entry.members[member.key] = member.value.where;
  entry.inherited = option.value.inherited;
  return entry;
}

}  // namespace loom

#include "loom/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace loom {
namespace {

std::string join_choices(const std::vector<std::string>& choices) {
  std::string text;
  for (const std::string& choice : choices) text += (text.empty() ? "" : ", ") + choice;
  return text;
}

std::string kind_of(const OptionValue& value) {
  static const char* const kNames[] = {"nothing", "a flag", "an integer", "a number", "a text", "a list", "a map"};
  return kNames[value.index()];
}

std::string described(const OptionValue& value) {
  const bool is_map = std::holds_alternative<OptionMap>(value);
  return is_map ? "a map" : fmt::format("{} ({})", value.text(), kind_of(value));
}

bool is_number(const OptionValue& value) {
  return std::holds_alternative<std::int64_t>(value) || std::holds_alternative<double>(value);
}

// The name of a column, a class or a file may be a number, and a number is a formula.
bool is_text_alone(const Constraint& c) {
  return c.text_allowed && c.choices.empty() && !c.integer_allowed && !c.number_allowed;
}

// The values of a map, each of which follows the rule by itself.
OptionValue accept_map(Constraint rule, const OptionMap& map, std::string& problem, bool& range) {
  rule.map_form.clear();
  rule.scalar_allowed = true;
  OptionMap accepted;
  for (const OptionMember& member : map) {
    accepted.push_back({member.name, rule.accept(member.value, problem, range)});
    if (!accepted.back().value.empty()) continue;
    problem = fmt::format("{} of '{}'", problem, member.name);
    return {};
  }
  return OptionValue(std::move(accepted));
}

}  // namespace

std::string OptionValue::text() const {
  if (const bool* b = std::get_if<bool>(this)) return *b ? "true" : "false";
  if (const auto* i = std::get_if<std::int64_t>(this)) return fmt::format("{}", *i);
  if (const double* d = std::get_if<double>(this)) return fmt::format("{}", *d);
  if (const auto* s = std::get_if<std::string>(this)) return *s;
  if (const auto* list = std::get_if<std::vector<OptionValue>>(this)) {
    std::string text = "[";
    for (const OptionValue& item : *list) text += (text.size() > 1 ? ", " : "") + item.text();
    return text + "]";
  }
  if (const auto* map = std::get_if<OptionMap>(this)) {
    std::string text = "{";
    for (const OptionMember& member : *map)
      text += (text.size() > 1 ? ", " : "") + member.name + ": " + member.value.text();
    return text + "}";
  }
  return "";
}

bool operator==(const OptionMember& a, const OptionMember& b) { return a.name == b.name && a.value == b.value; }

const OptionValue* find_member(const OptionMap& map, std::string_view name) {
  for (const OptionMember& member : map) {
    if (member.name == name) return &member.value;
  }
  return nullptr;
}

Constraint& Constraint::at_least(double value) {
  minimum = value;
  return *this;
}
Constraint& Constraint::above(double value) {
  minimum = value;
  minimum_excluded = true;
  return *this;
}
Constraint& Constraint::at_most(double value) {
  maximum = value;
  return *this;
}
Constraint& Constraint::below(double value) {
  maximum = value;
  maximum_excluded = true;
  return *this;
}
Constraint& Constraint::or_text(std::vector<std::string> names) {
  text_allowed = true;
  choices = std::move(names);
  return *this;
}
Constraint& Constraint::or_list() {
  list_allowed = true;
  return *this;
}
Constraint& Constraint::or_number() {
  number_allowed = true;
  return *this;
}

Constraint& Constraint::or_map(std::string form) {
  map_form = std::move(form);
  return *this;
}

Constraint& Constraint::or_schedule() {
  schedule_allowed = true;
  return *this;
}

std::string Constraint::text() const {
  if (!structure.empty()) return structure;
  std::string range;
  if (minimum) range += fmt::format(" {} {}", minimum_excluded ? ">" : ">=", *minimum);
  if (maximum) range += fmt::format("{} {} {}", minimum ? " and" : "", maximum_excluded ? "<" : "<=", *maximum);
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", or ") + part; };
  if (scalar_allowed && flag_allowed) add("true or false");
  if (scalar_allowed && number_allowed) add("a number" + range);
  if (scalar_allowed && integer_allowed && !number_allowed) add("an integer" + range);
  if (scalar_allowed && text_allowed) add(choices.empty() ? "a text" : "one of " + join_choices(choices));
  if (list_allowed)
    add(std::string("a list of ") + (number_allowed ? "numbers" : integer_allowed ? "integers" : "texts") + range);
  if (!map_form.empty()) add(map_form);
  if (schedule_allowed) add("a schedule");
  return text;
}

OptionValue Constraint::accept(const OptionValue& value, std::string& problem, bool& range) const {
  range = false;
  if (const auto* list = std::get_if<std::vector<OptionValue>>(&value)) {
    if (!list_allowed) {
      problem = "a list";
      return {};
    }
    std::vector<OptionValue> accepted;
    Constraint element = *this;
    element.list_allowed = false;
    element.scalar_allowed = true;
    for (const OptionValue& item : *list) {
      OptionValue one = element.accept(item, problem, range);
      if (one.empty()) return {};
      accepted.push_back(std::move(one));
    }
    return OptionValue(std::move(accepted));
  }
  if (const auto* map = std::get_if<OptionMap>(&value); map != nullptr && !map_form.empty())
    return accept_map(*this, *map, problem, range);
  problem = described(value);
  if (!scalar_allowed) return {};
  if (std::holds_alternative<bool>(value)) return flag_allowed ? value : OptionValue();
  if (const auto* name = std::get_if<std::string>(&value)) {
    if (!text_allowed) return {};
    if (choices.empty() || std::find(choices.begin(), choices.end(), *name) != choices.end()) return value;
    range = true;
    return {};
  }
  if (is_number(value) && is_text_alone(*this)) return value.text();
  double amount = 0;
  if (const auto* i = std::get_if<std::int64_t>(&value)) {
    if (!integer_allowed && !number_allowed) return {};
    amount = static_cast<double>(*i);
  } else if (const double* d = std::get_if<double>(&value)) {
    if (!number_allowed && !(integer_allowed && std::floor(*d) == *d && std::abs(*d) < 9e15)) return {};
    amount = *d;
  } else {
    return {};
  }
  range = true;
  if (!std::isfinite(amount)) return {};
  if (minimum && (minimum_excluded ? amount <= *minimum : amount < *minimum)) return {};
  if (maximum && (maximum_excluded ? amount >= *maximum : amount > *maximum)) return {};
  range = false;
  if (number_allowed) return OptionValue(amount);
  // An integer keeps all of its digits, which a double cannot represent.
  return std::holds_alternative<std::int64_t>(value) ? value : OptionValue(static_cast<std::int64_t>(amount));
}

Constraint number() {
  Constraint c;
  c.number_allowed = true;
  return c;
}
Constraint integer() {
  Constraint c;
  c.integer_allowed = true;
  return c;
}
Constraint flag() {
  Constraint c;
  c.flag_allowed = true;
  return c;
}
Constraint text(std::vector<std::string> choices) { return Constraint().or_text(std::move(choices)); }
Constraint integer_list() {
  Constraint c = integer().or_list();
  c.scalar_allowed = false;
  return c;
}
Constraint number_list() {
  Constraint c = number().or_list();
  c.scalar_allowed = false;
  return c;
}
Constraint at_least(double minimum) { return number().at_least(minimum); }
Constraint text_map(std::string form) {
  Constraint c = text().or_map(std::move(form));
  c.scalar_allowed = false;
  return c;
}
Constraint structure(std::string form) {
  Constraint c;
  c.structure = std::move(form);
  return c;
}
Constraint positive() { return number().above(0); }

bool Options::has(const std::string& name) const {
  const auto it = values_.find(name);
  return it != values_.end() && !it->second.empty();
}

const OptionValue& Options::at(const std::string& name) const {
  const auto it = values_.find(name);
  if (it == values_.end() || it->second.empty()) {
    throw Error(ErrorCode::internal,
                fmt::format("the node reads the option '{}', which it did not declare or which has no value", name),
                "declare it with a default, or ask has() first");
  }
  return it->second;
}

double Options::number(const std::string& name) const {
  const OptionValue& value = at(name);
  if (const auto* i = std::get_if<std::int64_t>(&value)) return static_cast<double>(*i);
  return std::get<double>(value);
}
std::int64_t Options::integer(const std::string& name) const { return std::get<std::int64_t>(at(name)); }
bool Options::flag(const std::string& name) const { return std::get<bool>(at(name)); }
const std::string& Options::text(const std::string& name) const { return std::get<std::string>(at(name)); }
bool Options::is_text(const std::string& name) const {
  return has(name) && std::holds_alternative<std::string>(at(name));
}
bool Options::is_list(const std::string& name) const {
  return has(name) && std::holds_alternative<std::vector<OptionValue>>(at(name));
}

std::vector<std::int64_t> Options::integers(const std::string& name, std::size_t count) const {
  const OptionValue& value = at(name);
  if (const auto* list = std::get_if<std::vector<OptionValue>>(&value)) {
    std::vector<std::int64_t> values;
    for (const OptionValue& item : *list) values.push_back(std::get<std::int64_t>(item));
    return values;
  }
  return std::vector<std::int64_t>(count == 0 ? 1 : count, std::get<std::int64_t>(value));
}

std::vector<double> Options::numbers(const std::string& name, std::size_t count) const {
  const OptionValue& value = at(name);
  const auto one = [](const OptionValue& item) {
    const auto* i = std::get_if<std::int64_t>(&item);
    return i != nullptr ? static_cast<double>(*i) : std::get<double>(item);
  };
  if (const auto* list = std::get_if<std::vector<OptionValue>>(&value)) {
    std::vector<double> values;
    for (const OptionValue& item : *list) values.push_back(one(item));
    return values;
  }
  return std::vector<double>(count == 0 ? 1 : count, one(value));
}

}  // namespace loom

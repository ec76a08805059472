#include "graph/check_options.h"

#include <fmt/format.h>

#include <algorithm>

namespace loom {
namespace {

void check_names(const Contract& contract, const std::map<std::string, OptionEntry>& entries, std::string_view what,
                 Diagnostics& diagnostics) {
  const std::vector<std::string> names = contract.option_names();
  for (const auto& [name, entry] : entries) {
    if (entry.inherited || std::find(names.begin(), names.end(), name) != names.end()) continue;
    Diagnostic& finding =
        diagnostics.add(ErrorCode::unknown_option, entry.name_where.known() ? entry.name_where : entry.where,
                        fmt::format("[{}] there is no option '{}'", what, name));
    finding.suggestion = nearest_name(name, names);
    std::string all;
    for (const std::string& valid : names) all += (all.empty() ? "" : ", ") + valid;
    finding.expected = all.empty() ? "no options" : "one of " + all;
    if (!contract.has_open_ports() && contract.input_index(name) >= 0)
      finding.hint = fmt::format("it is an input: in: {{{}: NODE}}", name);
  }
}

// A rule is checked if every option that it names is valid.
void check_rules(const Contract& contract, const std::map<std::string, OptionEntry>& entries, const Options& options,
                 const Location& where, std::string_view what, Diagnostics& diagnostics) {
  for (const Contract::Rule& rule : contract.rules()) {
    const auto good = [&](const std::string& name) { return options.has(name); };
    if (!std::ranges::all_of(rule.options, good) || rule.holds(options)) continue;
    Location place = where;
    for (const std::string& name : rule.options) {
      const auto it = entries.find(name);
      if (it == entries.end() || !it->second.where.known()) continue;
      place = it->second.where;
      break;
    }
    diagnostics.add(ErrorCode::out_of_range, place, fmt::format("[{}] {}", what, rule.message)).expected =
        rule.expected;
  }
}

// The text in `value` that is not one of the option's words; null if the option takes no words.
const std::string* wrong_word(const OptionValue& value, const Constraint& constraint) {
  if (!constraint.text_allowed || constraint.choices.empty()) return nullptr;
  if (const auto* word = std::get_if<std::string>(&value)) {
    const bool known = std::ranges::find(constraint.choices, *word) != constraint.choices.end();
    return known ? nullptr : word;
  }
  const auto* list = std::get_if<std::vector<OptionValue>>(&value);
  if (list == nullptr || !constraint.list_allowed) return nullptr;
  for (const OptionValue& item : *list) {
    if (const std::string* word = wrong_word(item, constraint)) return word;
  }
  return nullptr;
}

}  // namespace

OptionValue accept_value(const Constraint& constraint, const OptionValue& value, const Location& where,
                         const std::string& what, Diagnostics& diagnostics) {
  std::string problem;
  bool range = false;
  OptionValue accepted = constraint.accept(value, problem, range);
  if (!accepted.empty()) return accepted;
  if (const std::string* word = wrong_word(value, constraint)) {
    diagnostics.add_unknown_word(where, fmt::format("{} has no '{}'", what, *word), *word, constraint.choices)
        .expected = constraint.text();
    return {};
  }
  Diagnostic& finding = diagnostics.add(range ? ErrorCode::out_of_range : ErrorCode::wrong_type, where,
                                        fmt::format("{} {}", what, range ? "is out of range" : "has the wrong type"));
  finding.got = problem;
  finding.expected = constraint.text();
  return {};
}

Options check_options(const Contract& contract, const std::map<std::string, OptionEntry>& entries,
                      const Location& where, std::string_view what, Diagnostics& diagnostics) {
  check_names(contract, entries, what, diagnostics);
  Options options;
  for (const OptionDeclaration& declared : contract.options()) {
    const auto it = entries.find(declared.name);
    if (it == entries.end()) {
      if (declared.required) {
        Diagnostic& finding =
            diagnostics.add(ErrorCode::missing_option, where,
                            fmt::format("[{}] the option '{}' is missing: {}", what, declared.name, declared.doc));
        finding.expected = declared.constraint.text();
      }
      options.set(declared.name, declared.default_value);
      continue;
    }
    if (it->second.value.empty()) continue;
    options.set(declared.name, accept_value(declared.constraint, it->second.value, it->second.where,
                                            fmt::format("[{}] the option '{}'", what, declared.name), diagnostics));
  }
  check_rules(contract, entries, options, where, what, diagnostics);
  return options;
}

}  // namespace loom

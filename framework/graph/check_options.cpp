#include "graph/check_options.h"

#include <fmt/format.h>

#include <algorithm>

namespace loom {
namespace {

void check_names(const Contract& contract, const std::map<std::string, OptionEntry>& entries, std::string_view what,
                 Diagnostics& diagnostics) {
  const std::vector<std::string> names = contract.option_names();
  for (const auto& [name, entry] : entries) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    Diagnostic& finding =
        diagnostics.add(ErrorCode::unknown_option, entry.name_where.known() ? entry.name_where : entry.where,
                        fmt::format("[{}] there is no option '{}'", what, name));
    finding.suggestion = nearest_name(name, names);
    std::string all;
    for (const std::string& valid : names) all += (all.empty() ? "" : ", ") + valid;
    finding.expected = all.empty() ? "no options" : "one of " + all;
  }
}

// The text in `value` that is none of the option's words; null where words have nothing to do with it.
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

void report_value(const OptionDeclaration& declared, const OptionEntry& entry, const std::string& problem, bool range,
                  std::string_view what, Diagnostics& diagnostics) {
  if (const std::string* word = wrong_word(entry.value, declared.constraint)) {
    Diagnostic& finding = diagnostics.add_unknown_word(
        entry.where, fmt::format("[{}] the option '{}' has no '{}'", what, declared.name, *word), *word,
        declared.constraint.choices);
    finding.expected = declared.constraint.text();
    return;
  }
  Diagnostic& finding = diagnostics.add(
      range ? ErrorCode::out_of_range : ErrorCode::wrong_type, entry.where,
      fmt::format("[{}] the option '{}' {}", what, declared.name, range ? "is out of range" : "has the wrong type"));
  finding.got = problem;
  finding.expected = declared.constraint.text();
}

}  // namespace

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
    std::string problem;
    bool range = false;
    OptionValue value = declared.constraint.accept(it->second.value, problem, range);
    if (value.empty()) {
      report_value(declared, it->second, problem, range, what, diagnostics);
    }
    options.set(declared.name, std::move(value));
  }
  return options;
}

}  // namespace loom

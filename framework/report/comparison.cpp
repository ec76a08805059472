#include "report/comparison.h"

#include <algorithm>

#include "document/document.h"
#include "document/tree.h"
#include "loom/error.h"
#include "train/run_folder.h"

namespace loom::report {
namespace {

using Values = std::vector<const OptionValue*>;  // of each run; null where it has none

const OptionMap* map_of(const OptionValue* value) { return value == nullptr ? nullptr : std::get_if<OptionMap>(value); }

constexpr std::size_t kLongest = 60;  // letters of a map; a longer one is named by its type

std::string text_of(const OptionValue* value) {
  if (value == nullptr) return "";
  std::string text = value->text();
  const OptionMap* map = map_of(value);
  const OptionValue* type = map == nullptr ? nullptr : find_member(*map, "type");
  return type == nullptr || text.size() <= kLongest ? text : type->text();
}

bool all_equal(const Values& values) {
  return std::ranges::all_of(values, [&](const OptionValue* value) {
    if (value == nullptr || values.front() == nullptr) return value == values.front();
    return *value == *values.front();
  });
}

// Maps that all runs have, of the same type: their members can be compared one by one.
bool are_alike(const Values& values) {
  return std::ranges::all_of(values, [&](const OptionValue* value) { return map_of(value) != nullptr; }) &&
         std::ranges::all_of(values, [&](const OptionValue* value) {
           const OptionValue *type = find_member(*map_of(value), "type"),
                             *first = find_member(*map_of(values.front()), "type");
           return (type == nullptr) == (first == nullptr) && (type == nullptr || *type == *first);
         });
}

void compare(const std::string& key, const Values& values, std::vector<Comparison::Setting>& into) {
  if (all_equal(values)) return;
  if (!are_alike(values)) {
    Comparison::Setting& setting = into.emplace_back(Comparison::Setting{key, {}});
    for (const OptionValue* value : values) setting.values.push_back(text_of(value));
    return;
  }
  std::vector<std::string> names;  // in the order of the first run, then what only others have
  for (const OptionValue* value : values) {
    for (const OptionMember& member : *map_of(value))
      if (std::ranges::find(names, member.name) == names.end()) names.push_back(member.name);
  }
  for (const std::string& name : names) {
    Values members;
    for (const OptionValue* value : values) members.push_back(find_member(*map_of(value), name));
    compare(key.empty() ? name : key + "." + name, members, into);
  }
}

}  // namespace

Comparison compare_runs(const std::vector<std::string>& paths) {
  Comparison comparison;
  std::vector<OptionValue> documents;
  Diagnostics findings;
  for (const std::string& path : paths) {
    try {
      comparison.runs.push_back(summary_of_run(path));
      documents.emplace_back(document_tree(load_document(RunFolder::open(path, false).document_path())));
    } catch (const Error& error) {
      findings.add(error);
    }
  }
  findings.throw_if_any();
  Values values;
  for (const OptionValue& document : documents) values.push_back(&document);
  compare("", values, comparison.settings);
  std::erase_if(comparison.settings,
                [](const auto& setting) { return setting.key == "doc" || setting.key == "version"; });
  for (std::size_t i = 0; i < comparison.runs.size(); ++i) {
    for (const MeasuredValue& value : comparison.runs[i].evaluation) {
      auto row = std::ranges::find(comparison.evaluation, value.key, &Comparison::Measured::key);
      if (row == comparison.evaluation.end()) {
        comparison.evaluation.push_back({value.key, {}});
        row = std::prev(comparison.evaluation.end());
        row->values.resize(comparison.runs.size());
      }
      row->values[i] = value;
    }
  }
  return comparison;
}

}  // namespace loom::report

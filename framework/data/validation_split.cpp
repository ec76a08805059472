#include "data/validation_split.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace loom {
namespace {

constexpr std::uint64_t kSeed = 2;  // another order than that of the test split

const OptionValue* option_of(const DataEntry& entry) {
  const auto it = entry.options.find(kValidation);
  return it == entry.options.end() ? nullptr : &it->second.value;
}

}  // namespace

bool has_validation(const DataEntry& entry) {
  const OptionValue* value = option_of(entry);
  if (value == nullptr) return false;
  if (const auto* each = std::get_if<std::int64_t>(value)) return *each > 0;
  return std::holds_alternative<std::string>(*value);
}

bool takes_test_path(const Contract& own) {
  const std::vector<std::string> names = own.option_names();
  const auto has = [&](const char* name) { return std::ranges::find(names, name) != names.end(); };
  return has("path") && has("holdout") && has("split") && !has("test");
}

bool knows_validation(const Contract& own) {
  return std::ranges::any_of(own.options(), [](const OptionDeclaration& option) {
    return option.name == "split" && std::ranges::count(option.constraint.choices, kValidation) > 0;
  });
}

DataEntry entry_of_split(DataEntry entry, const Contract& own) {
  const auto asked = entry.options.find("split");
  std::string split = asked == entry.options.end() ? "train" : asked->second.value.text();
  const auto all_of = [&](const OptionValue& path) {
    entry.options["path"].value = path;
    entry.options["split"].value = "all";
    entry.options.erase("test");
    return entry;
  };
  if (split == kValidation && has_validation(entry)) {
    const OptionValue value = *option_of(entry);
    if (std::holds_alternative<std::string>(value)) return all_of(value);
    entry.options["split"].value = split = "train";
  }
  const auto test = entry.options.find("test");
  if (!takes_test_path(own) || test == entry.options.end() || test->second.value.text().empty()) return entry;
  if (split == "all")
    throw Error(ErrorCode::data_specification,
                fmt::format("[{}] with the option test, split: all has no order", entry.type),
                "use split=train or split=test, or leave out test");
  const OptionValue path = split == "test" ? test->second.value : entry.options.at("path").value;
  return split == kValidation ? entry : all_of(path);
}

bool has_own_path(const DataEntry& entry, const Contract& own) {
  const auto path_of = [](const DataEntry& one) {
    const auto path = one.options.find("path");
    return path == one.options.end() ? "" : path->second.value.text();
  };
  return path_of(entry_of_split(entry, own)) != path_of(entry);
}

std::vector<std::int64_t> validation_items(const Dataset& train, std::int64_t each, bool held_out) {
  std::map<std::string, std::int64_t> numbers;  // of the groups, in the order in which they are met
  std::vector<std::int64_t> group;
  for (std::int64_t i = 0; i < train.size(); ++i)
    group.push_back(numbers.emplace(train.group(i), static_cast<std::int64_t>(numbers.size())).first->second);
  const bool grouped = numbers.size() > 1;
  const std::int64_t groups = grouped ? static_cast<std::int64_t>(numbers.size()) : train.size();
  const Split order("test", groups, each, kSeed);
  std::vector<bool> chosen(static_cast<std::size_t>(groups), false);
  for (std::int64_t i = 0; i < order.size(); ++i) chosen[static_cast<std::size_t>(order.item(i))] = true;
  std::vector<std::int64_t> items;
  for (std::int64_t i = 0; i < train.size(); ++i) {
    const std::int64_t place = grouped ? group[static_cast<std::size_t>(i)] : i;
    if (chosen[static_cast<std::size_t>(place)] == held_out) items.push_back(i);
  }
  return items;
}

}  // namespace loom

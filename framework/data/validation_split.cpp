#include "data/validation_split.h"

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

DataEntry validation_entry(DataEntry entry) {
  const OptionValue* value = option_of(entry);
  const auto* path = value == nullptr ? nullptr : std::get_if<std::string>(value);
  if (path == nullptr) {
    entry.options["split"].value = "train";
    return entry;
  }
  entry.options["path"].value = *path;
  entry.options["split"].value = "all";
  entry.options.erase("test");
  return entry;
}

std::vector<std::int64_t> validation_items(const Dataset& train, std::int64_t each, bool held_out) {
  std::map<std::string, std::int64_t> files;  // numbered in the order in which they are met
  std::vector<std::int64_t> group;
  for (std::int64_t i = 0; i < train.size(); ++i)
    group.push_back(files.emplace(train.origin(i).file, static_cast<std::int64_t>(files.size())).first->second);
  const bool by_file = files.size() > 1;
  const std::int64_t groups = by_file ? static_cast<std::int64_t>(files.size()) : train.size();
  const Split order("test", groups, each, kSeed);
  std::vector<bool> chosen(static_cast<std::size_t>(groups), false);
  for (std::int64_t i = 0; i < order.size(); ++i) chosen[static_cast<std::size_t>(order.item(i))] = true;
  std::vector<std::int64_t> items;
  for (std::int64_t i = 0; i < train.size(); ++i) {
    const std::int64_t place = by_file ? group[static_cast<std::size_t>(i)] : i;
    if (chosen[static_cast<std::size_t>(place)] == held_out) items.push_back(i);
  }
  return items;
}

}  // namespace loom

#include "data/card.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "data/source.h"

namespace loom {
namespace {

// They say which items are read.
constexpr std::array<std::string_view, 5> kSelection = {"path", "test", "validation", "split", "limit"};

// Options that say one thing together: those of an entry replace the card's as a whole.
constexpr std::array<std::array<std::string_view, 3>, 2> kTogether = {
    {{"normalize", "normalize_mean", "normalize_std"}, {"size", "height", "width"}}};

bool says_the_same(const std::vector<std::string>& given, std::string_view name) {
  return std::ranges::any_of(kTogether, [&](const auto& group) {
    const auto in_group = [&](std::string_view one) { return std::ranges::find(group, one) != group.end(); };
    return in_group(name) && std::ranges::any_of(given, in_group);
  });
}

bool names_a_file(const OptionValue& value) {
  const std::string* text = std::get_if<std::string>(&value);
  if (text == nullptr) return false;
  std::error_code ignored;
  const std::filesystem::path path(*text);
  return path.is_absolute() ||
         (text->find_first_of("/.") != std::string::npos && std::filesystem::exists(path, ignored));
}

}  // namespace

std::string mask_name(const std::string& column) { return column == "x" ? "mask" : column + "_mask"; }

const ColumnCard* DataCard::find(const std::string& column) const {
  for (const ColumnCard& one : columns) {
    if (one.column.name == column) return &one;
  }
  return nullptr;
}

std::map<std::string, OptionValue> lasting_options(const DataEntry& entry) {
  std::map<std::string, OptionValue> options;
  for (const auto& [name, option] : entry.options) {
    if (std::ranges::find(kSelection, name) == kSelection.end() && !names_a_file(option.value))
      options[name] = option.value;
  }
  return options;
}

DataEntry with_card(const Registry& registry, DataEntry entry, const DataCard& card) {
  if (!registry.dataset(entry.type)) return entry;  // whoever opens it reports this
  const std::vector<std::string> known = data_contract(registry, entry.type).option_names();
  const std::vector<std::string> common = common_data_contract().option_names();
  const auto has = [](const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) != names.end();
  };
  std::vector<std::string> given;
  for (const auto& [name, option] : entry.options) given.push_back(name);
  for (const auto& [name, value] : card.options) {
    const bool applies = entry.type == card.type ? has(known, name) : has(common, name);
    if (applies && !says_the_same(given, name)) entry.options.insert({name, {value, entry.where}});
  }
  return entry;
}

namespace {

// Each value and its feature's mean and deviation; nothing where the column is not normalised or does not fit.
template <class Change>
void change_units(const ColumnCard& card, const TensorView& values, const Change& change) {
  const std::size_t features = card.mean.size();
  if (features == 0 || values.dtype() != DType::f32) return;
  if (features > 1 && values.shape().back() != static_cast<std::int64_t>(features)) return;
  const std::span<float> all = values.values();
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i] =
        change(all[i], static_cast<float>(card.mean[i % features]), static_cast<float>(card.deviation[i % features]));
}

}  // namespace

void restore_units(const ColumnCard& card, const TensorView& values) {
  change_units(card, values, [](float value, float mean, float deviation) { return value * deviation + mean; });
}

void apply_units(const ColumnCard& card, const TensorView& values) {
  change_units(card, values, [](float value, float mean, float deviation) { return (value - mean) / deviation; });
}

}  // namespace loom

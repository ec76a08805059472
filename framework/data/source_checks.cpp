// What the values of a data set must be: within the ranges that nodes accept, and of classes that the run knows.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "data/source.h"

namespace loom {
namespace {

// The first value that is not in the range; a NaN is in no range. Values with a mask of 0 are passed over.
std::optional<double> first_outside(const TensorView& values, std::span<const float> mask, const ValueRange& range) {
  const auto find = [&](auto span) -> std::optional<double> {
    for (std::size_t i = 0; i < span.size(); ++i) {
      if (!mask.empty() && mask[i * mask.size() / span.size()] == 0) continue;
      const auto number = static_cast<double>(span[i]);
      if (!(number >= range.minimum && number <= range.maximum)) return number;
    }
    return std::nullopt;
  };
  return values.dtype() == DType::i32 ? find(values.values<std::int32_t>()) : find(values.values());
}

Error outside(const std::string& data, const Column& column, std::int64_t item, double value, const ValueRange& range,
              const Location& where) {
  Diagnostic finding;
  finding.code = ErrorCode::out_of_range;
  finding.where = where;
  finding.message = fmt::format("the column '{}' of '{}' has values outside of [{}, {}]", column.name, data,
                                range.minimum, range.maximum);
  finding.got = fmt::format("{} in item {}", value, item);
  finding.expected = fmt::format("values in [{}, {}], which {} accepts", range.minimum, range.maximum, range.reader);
  finding.hint = range.remedy;
  if (range.remedy.empty())
    finding.hint =
        "scale the data (scale, normalize_mean and normalize_std of the data set), or choose a likelihood of "
        "such values, as gaussian_nll";
  finding.other = range.where;
  finding.other_role = range.reader;
  return Error(std::move(finding));
}

// "photos/a.png", "people.csv at 3", "item 3".
std::string origin_text(const Origin& origin) {
  if (origin.file.empty()) return fmt::format("item {}", origin.position);
  return origin.position == 0 ? origin.file : fmt::format("{} at {}", origin.file, origin.position);
}

// Memory for one item, a view for each column.
struct ItemMemory {
  explicit ItemMemory(const std::vector<Column>& columns) {
    for (const Column& column : columns) memory.emplace_back(column.dtype, column.event);
    views.assign(memory.begin(), memory.end());
  }
  std::vector<Tensor> memory;
  std::vector<TensorView> views;
};

}  // namespace

// Draws of 0 or 1 need probabilities. Reads all items, unless the data set declares the range.
void DataSource::require_unit_interval(const Location& where) const {
  const std::vector<Column> columns = dataset_->columns();
  const auto x = std::ranges::find(columns, "x", &Column::name);
  if (x == columns.end() || x->dtype != DType::f32 || (x->minimum >= 0 && x->maximum <= 1)) return;
  const ItemMemory item(columns);
  const std::vector<TensorView>& views = item.views;
  const ValueRange range{0, 1, "the option binarize", where, false, "the option scale, or other data"};
  for (std::int64_t index = 0; index < size_; ++index) {
    dataset_->read(place(index), views);
    if (const auto value = first_outside(views[static_cast<std::size_t>(x - columns.begin())], {}, range))
      throw outside(name_, *x, index, *value, range, where);
  }
}

void DataSource::require_known_classes(std::size_t column) const {
  std::vector<Diagnostic> unknown = preparation_.unknown_classes(column);
  if (unknown.empty()) return;
  const std::size_t known = columns()[column].classes.size() - unknown.size();
  const ItemMemory item(columns());
  const std::vector<TensorView>& views = item.views;
  std::vector<bool> found(unknown.size(), false);
  for (std::int64_t index = 0; index < size_ && std::ranges::count(found, false) > 0; ++index) {
    read(index, 0, views);
    for (const std::int32_t value : views[column].values<std::int32_t>()) {
      if (value < 0 || static_cast<std::size_t>(value) < known) continue;
      const std::size_t which = static_cast<std::size_t>(value) - known;
      if (found[which]) continue;
      found[which] = true;
      unknown[which].got += " in " + origin_text(origin(index));
    }
  }
  throw Error(std::move(unknown));
}

void DataSource::require_range(std::size_t column, const ValueRange& range, const Location& where) const {
  const Column& asked = columns()[column];
  if (asked.minimum >= range.minimum && asked.maximum <= range.maximum) return;
  const std::tuple key(column, range.minimum, range.maximum, range.masked);
  const std::lock_guard lock(mutex_);
  if (std::ranges::find(within_, key) != within_.end()) return;
  const ItemMemory item(columns());
  const std::vector<TensorView>& views = item.views;
  const std::string mask = mask_name(asked.name);
  const auto found = std::ranges::find(columns(), mask, &Column::name);
  const bool masked = range.masked && found != columns().end() && found->dtype == DType::f32;
  const std::span<const float> there =
      masked ? views[static_cast<std::size_t>(found - columns().begin())].values() : std::span<float>();
  for (std::int64_t index = 0; index < size_; ++index) {
    read(index, 0, views);
    if (const auto value = first_outside(views[column], there, range))
      throw outside(name_, asked, index, *value, range, where);
  }
  within_.push_back(key);
}

}  // namespace loom

#include "data/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>
#include <optional>

#include "graph/check_options.h"
#include "loom/dataset.h"
#include "loom/random.h"

namespace loom {
namespace {

std::shared_ptr<const DatasetType> find_type(const Registry& registry, const DataEntry& entry) {
  if (auto type = registry.dataset(entry.type)) return type;
  const std::vector<std::string> names = registry.dataset_names();
  Diagnostic finding;
  finding.code = ErrorCode::data_specification;
  finding.where = entry.type_where.known() ? entry.type_where : entry.where;
  finding.message =
      entry.type.empty() ? "the data has no type" : fmt::format("there is no data set type '{}'", entry.type);
  finding.got = entry.type;
  finding.suggestion = nearest_name(entry.type, names);
  finding.expected = "one of " + joined(names);
  throw Error(std::move(finding));
}

// Adds the options of every data set to those of this one. If the data set declares a `seed`, it serves both.
Contract with_common_options(Contract contract) {
  const std::vector<std::string> own = contract.option_names();
  const auto add = [&](const char* name, OptionValue value, Constraint constraint, const char* doc) {
    if (std::ranges::find(own, name) == own.end()) contract.option(name, std::move(value), std::move(constraint), doc);
  };
  add("binarize", "none", text({"none", "fixed", "dynamic"}), "draw each value of x as 0 or 1, once or at every read");
  add("normalize_mean", {}, number().or_list(), "subtracted from x: one number, or one per channel");
  add("normalize_std", {}, positive().or_list(), "divides x: one number, or one per channel");
  add("limit", 0, integer().at_least(0), "only the first n items; 0: all");
  add("seed", 1, integer().at_least(0), "seed of the random draws");
  return contract;
}

Options checked_options(const DatasetType& type, const DataEntry& entry) {
  Diagnostics diagnostics;
  Options options =
      check_options(with_common_options(type.contract), entry.options, entry.where, entry.type, diagnostics);
  diagnostics.throw_if_any();
  return options;
}

// Errors of a data set about its files have no position in the document: add the position of the data entry.
std::unique_ptr<Dataset> create(const DatasetType& type, const Options& options, const Location& where) {
  try {
    return type.create(options);
  } catch (const Error& error) {
    std::vector<Diagnostic> findings = error.diagnostics();
    for (Diagnostic& finding : findings) {
      if (!finding.where.known()) finding.where = where;
    }
    throw Error(std::move(findings));
  }
}

Error wrong_option(const DataEntry& entry, const std::string& option, std::string message) {
  const auto it = entry.options.find(option);
  Diagnostic finding;
  finding.code = ErrorCode::data_specification;
  finding.where = it != entry.options.end() ? it->second.where : entry.where;
  finding.message = fmt::format("[{}] {}", entry.type, message);
  return Error(std::move(finding));
}

std::vector<float> per_channel(const Options& options, const DataEntry& entry, const std::string& name,
                               double otherwise, std::size_t channels) {
  if (!options.has(name)) return std::vector<float>(channels, static_cast<float>(otherwise));
  const std::vector<double> values = options.is_list(name) ? options.numbers(name) : options.numbers(name, channels);
  if (values.size() != channels) {
    throw wrong_option(
        entry, name,
        fmt::format("the option '{}' has {} values, but x has {} channels", name, values.size(), channels));
  }
  return {values.begin(), values.end()};
}

// The first value that is not in the range; a NaN is in no range.
std::optional<double> first_outside(const TensorView& values, const ValueRange& range) {
  const auto find = [&](auto span) -> std::optional<double> {
    for (const auto value : span) {
      const auto number = static_cast<double>(value);
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
  finding.hint =
      "scale the data (scale, normalize_mean and normalize_std of the data set), or choose a likelihood of "
      "such values, as gaussian_nll";
  finding.other = range.where;
  finding.other_role = range.reader;
  return Error(std::move(finding));
}

}  // namespace

std::string_view name_of(ColumnRole role) {
  static constexpr std::array<std::string_view, 6> kNames = {"data", "label", "condition", "mask", "factor", "weight"};
  return kNames[static_cast<std::size_t>(role)];
}

void check_data(const Registry& registry, const DataEntry& entry, Diagnostics& diagnostics) {
  try {
    checked_options(*find_type(registry, entry), entry);
  } catch (const Error& error) {
    diagnostics.add(error);
  }
}

DataSource::DataSource(const Registry& registry, const DataEntry& entry)
    : type_(find_type(registry, entry)), name_(entry.type) {
  const Options options = checked_options(*type_, entry);
  dataset_ = create(*type_, options, entry.where);
  columns_ = dataset_->columns();
  size_ = dataset_->size();
  if (options.has("split")) split_ = options.text("split");
  apply_common_options(options, entry);
  if (size_ > 0) return;
  Diagnostic finding;
  finding.code = ErrorCode::data_empty;
  finding.where = entry.where;
  if (split_ == "test" && options.has("holdout")) finding.hint = "the option holdout decides how many items test has";
  finding.message =
      fmt::format("[{}] there are no items{}", name_, split_.empty() ? "" : fmt::format(" in the split '{}'", split_));
  throw Error(std::move(finding));
}

DataSource::DataSource(std::string name, std::string split, std::unique_ptr<Dataset> dataset)
    : name_(std::move(name)),
      split_(std::move(split)),
      dataset_(std::move(dataset)),
      columns_(dataset_->columns()),
      size_(dataset_->size()) {}

void DataSource::apply_common_options(const Options& options, const DataEntry& entry) {
  const std::int64_t limit = options.integer("limit");
  if (limit > 0) size_ = std::min(size_, limit);
  seed_ = static_cast<std::uint64_t>(options.integer("seed"));
  const std::string& kind = options.text("binarize");
  if (kind != "none") binarize_ = kind == "fixed" ? Binarize::fixed : Binarize::dynamic;
  const bool normalized = options.has("normalize_mean") || options.has("normalize_std");
  if (binarize_ == Binarize::none && !normalized) return;

  const auto x = std::ranges::find(columns_, "x", &Column::name);
  if (x == columns_.end() || x->dtype != DType::f32) {
    const std::string option = binarize_ != Binarize::none     ? "binarize"
                               : options.has("normalize_mean") ? "normalize_mean"
                                                               : "normalize_std";
    throw wrong_option(entry, option,
                       fmt::format("the option '{}' needs a column x of f32, and there is none", option));
  }
  x_ = static_cast<std::size_t>(x - columns_.begin());
  if (binarize_ != Binarize::none) x->minimum = 0, x->maximum = 1;
  if (!normalized) return;
  const auto channels = static_cast<std::size_t>(x->event.rank() == 0 ? 1 : x->event.back());
  mean_ = per_channel(options, entry, "normalize_mean", 0, channels);
  inverse_std_ = per_channel(options, entry, "normalize_std", 1, channels);
  for (float& value : inverse_std_) value = 1 / value;
  const double low = x->minimum, high = x->maximum;
  x->minimum = std::numeric_limits<double>::infinity();
  x->maximum = -x->minimum;
  for (std::size_t c = 0; c < channels; ++c) {
    const double mean = static_cast<double>(mean_[c]), factor = static_cast<double>(inverse_std_[c]);
    x->minimum = std::min(x->minimum, (low - mean) * factor);
    x->maximum = std::max(x->maximum, (high - mean) * factor);
  }
}

std::string DataSource::binarization() const {
  if (binarize_ == Binarize::none) return "none";
  return fmt::format("{} (seed {})", binarize_ == Binarize::fixed ? "fixed" : "dynamic", seed_);
}

void DataSource::read(std::int64_t index, std::uint32_t draw, std::span<const TensorView> out) const {
  dataset_->read(index, out);
  if (binarize_ != Binarize::none) binarize(index, binarize_ == Binarize::fixed ? 0 : draw, out[x_].values());
  if (!mean_.empty()) normalize(out[x_].values());
}

void DataSource::require_range(std::size_t column, const ValueRange& range, const Location& where) const {
  const Column& asked = columns_[column];
  if (asked.minimum >= range.minimum && asked.maximum <= range.maximum) return;
  const std::tuple key(column, range.minimum, range.maximum);
  const std::lock_guard lock(mutex_);
  if (std::ranges::find(within_, key) != within_.end()) return;
  std::vector<Tensor> item;
  for (const Column& one : columns_) item.emplace_back(one.dtype, one.event);
  const std::vector<TensorView> views(item.begin(), item.end());
  for (std::int64_t index = 0; index < size_; ++index) {
    read(index, 0, views);
    if (const auto value = first_outside(views[column], range))
      throw outside(name_, asked, index, *value, range, where);
  }
  within_.push_back(key);
}

void DataSource::binarize(std::int64_t index, std::uint32_t draw, std::span<float> values) const {
  static const std::uint32_t stream_number = stream_of("binarize");
  const RandomStream stream(seed_, stream_number, draw);
  std::array<float, 1024> uniform;  // in pieces, so that any image size needs no memory
  for (std::size_t first = 0; first < values.size(); first += uniform.size()) {
    const std::span<float> piece = values.subspan(first, std::min(uniform.size(), values.size() - first));
    stream.uniform(static_cast<std::uint32_t>(index), std::span(uniform).first(piece.size()),
                   static_cast<std::uint32_t>(first / uniform.size()));
    for (std::size_t i = 0; i < piece.size(); ++i) piece[i] = uniform[i] < piece[i] ? 1.0F : 0.0F;
  }
}

void DataSource::normalize(std::span<float> values) const {
  const std::size_t channels = mean_.size();
  for (std::size_t i = 0; i < values.size(); i += channels) {
    for (std::size_t c = 0; c < channels; ++c) values[i + c] = (values[i + c] - mean_[c]) * inverse_std_[c];
  }
}

std::unique_ptr<Dataset> open_dataset(const Registry& registry, const std::string& type,
                                      const std::map<std::string, OptionValue>& options) {
  DataEntry entry;
  entry.type = type;
  for (const auto& [name, value] : options) entry.options[name] = {value, {}};
  const auto found = find_type(registry, entry);
  return create(*found, checked_options(*found, entry), entry.where);
}

Contract data_contract(const Registry& registry, const std::string& type) {
  return with_common_options(registry.dataset(type)->contract);
}

DataEntry with_split(DataEntry entry, const std::string& split) {
  entry.options["split"].value = split;
  return entry;
}

DataEntry with_absolute_paths(DataEntry entry) {
  namespace fs = std::filesystem;
  for (auto& [name, option] : entry.options) {
    const std::string* text = std::get_if<std::string>(&option.value);
    std::error_code ignored;
    if (text == nullptr || (name != "path" && text->find_first_of("/.") == std::string::npos)) continue;
    if (fs::exists(*text, ignored)) option.value = fs::absolute(*text).lexically_normal().string();
  }
  return entry;
}

bool has_splits(const Registry& registry, const DataEntry& data) {
  const auto type = registry.dataset(data.type);
  return type && std::ranges::count(type->contract.option_names(), "split") > 0;
}

std::shared_ptr<const DataSource> open_split(const Registry& registry, const DataEntry& data,
                                             const std::string& split) {
  return std::make_shared<DataSource>(registry, has_splits(registry, data) ? with_split(data, split) : data);
}

bool same_data(const DataEntry& one, const DataEntry& other) {
  const auto same = [](const auto& a, const auto& b) {
    return a.first == b.first && a.second.value.text() == b.second.value.text();
  };
  return one.type == other.type && std::ranges::equal(one.options, other.options, same);
}

}  // namespace loom

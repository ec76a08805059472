#include "data/preparation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "loom/random.h"

namespace loom {
namespace {

Error wrong_option(const DataEntry& entry, const std::string& option, std::string message) {
  const auto it = entry.options.find(option);
  Diagnostic finding;
  finding.code = ErrorCode::data_specification;
  finding.where = it != entry.options.end() ? it->second.where : entry.where;
  finding.message = fmt::format("[{}] {}", entry.type, message);
  return Error(std::move(finding));
}

std::size_t features_of(const Column& column) {
  return static_cast<std::size_t>(column.event.rank() == 0 ? 1 : column.event.back());
}

std::vector<double> per_channel(const Options& options, const DataEntry& entry, const std::string& name,
                                double otherwise, std::size_t channels) {
  if (!options.has(name)) return std::vector<double>(channels, otherwise);
  std::vector<double> values = options.is_list(name) ? options.numbers(name) : options.numbers(name, channels);
  if (values.size() != channels) {
    throw wrong_option(
        entry, name,
        fmt::format("the option '{}' has {} values, but x has {} channels", name, values.size(), channels));
  }
  return values;
}

Diagnostic unknown_class(const std::string& name, const Column& run, const DataEntry& entry) {
  Diagnostic finding;
  finding.code = ErrorCode::data_wrong_format;
  finding.where = entry.where;
  finding.message =
      fmt::format("[{}] the run was not trained on the class '{}' of the column '{}'", entry.type, name, run.name);
  finding.got = name;
  finding.expected = "one of " + joined(run.classes);
  finding.suggestion = nearest_name(name, run.classes);
  return finding;
}

}  // namespace

Preparation::Preparation(std::vector<Column> columns, const Options& options, const DataEntry& entry,
                         const DataCard* card, const Measure& measure)
    : columns_(std::move(columns)), steps_(columns_.size()) {
  seed_ = static_cast<std::uint64_t>(options.integer("seed"));
  map_classes(entry, card);
  require_features(entry, card);
  if (options.has("missing")) plan_missing(options, entry, card, measure);
  plan_binarize(options, entry);
  plan_pictures(options, entry);
  plan_normalize(options, entry, card, measure);
}

void Preparation::map_classes(const DataEntry& entry, const DataCard* card) {
  if (card == nullptr) return;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    Column& here = columns_[c];
    const ColumnCard* known = card->find(here.name);
    if (known == nullptr || here.classes.empty() || known->column.classes.empty()) continue;
    if (here.classes == known->column.classes) continue;
    std::vector<std::string> all = known->column.classes;
    for (const std::string& name : here.classes) {
      const auto it = std::ranges::find(all, name);
      steps_[c].class_number.push_back(static_cast<std::int32_t>(it - all.begin()));
      if (it != all.end()) continue;
      all.push_back(name);
      steps_[c].unknown.push_back(unknown_class(name, known->column, entry));
    }
    here.classes = std::move(all);
    here.maximum = static_cast<double>(here.classes.size()) - 1;
  }
}

// Features of other names, or in another order, would be read in the place of the run's.
void Preparation::require_features(const DataEntry& entry, const DataCard* card) const {
  if (card == nullptr) return;
  std::vector<Diagnostic> findings;
  for (const Column& here : columns_) {
    const ColumnCard* known = card->find(here.name);
    if (known == nullptr || here.features.empty() || known->column.features.empty()) continue;
    if (here.features == known->column.features) continue;
    Diagnostic& finding = findings.emplace_back();
    finding.code = ErrorCode::data_shape;
    finding.where = entry.where;
    finding.message =
        fmt::format("[{}] the features of the column '{}' are not those of the run", entry.type, here.name);
    finding.got = joined(here.features);
    finding.expected = joined(known->column.features);
    finding.hint = fmt::format("--data {}:PATH finds the columns of a file by their names, in any order", entry.type);
  }
  if (!findings.empty()) throw Error(std::move(findings));
}

std::vector<Diagnostic> Preparation::unknown_classes(std::size_t column) const {
  return column < steps_.size() ? steps_[column].unknown : std::vector<Diagnostic>();
}

std::vector<std::size_t> Preparation::numbers() const {
  std::vector<std::size_t> numbers;
  for (std::size_t c = 0; c < steps_.size(); ++c) {
    if (columns_[c].dtype == DType::f32 && columns_[c].role == ColumnRole::data) numbers.push_back(c);
  }
  return numbers;
}

// Reader's columns that may hold a missing value: numbers as NaN, classes as -1.
// A missing class has no value that the option fill could give: it becomes the most frequent one, or is masked.
void Preparation::plan_missing(const Options& options, const DataEntry& entry, const DataCard* card,
                               const Measure& measure) {
  const std::string& policy = options.text("missing");
  if (policy == "error") return;
  std::vector<std::size_t> affected = numbers();
  for (std::size_t c = 0; c < steps_.size(); ++c) {
    if (columns_[c].dtype == DType::i32 && !columns_[c].classes.empty()) affected.push_back(c);
  }
  std::vector<std::size_t> unknown;
  for (const std::size_t c : affected) {
    const ColumnCard* known = card == nullptr ? nullptr : card->find(columns_[c].name);
    const bool classes = columns_[c].dtype == DType::i32;
    if (policy == "mask" && classes)
      steps_[c].fill = {0};
    else if (policy != "mean" && !classes)
      steps_[c].fill.assign(features_of(columns_[c]), options.number("fill"));
    else if (known != nullptr && !known->fill.empty())
      steps_[c].fill = known->fill;
    else
      unknown.push_back(c);
    if (policy == "mask") add_mask(c, entry);
  }
  if (unknown.empty()) return;
  const std::vector<ColumnStatistics> measured = measure(unknown);
  for (std::size_t i = 0; i < unknown.size(); ++i) {
    const bool classes = columns_[unknown[i]].dtype == DType::i32;
    steps_[unknown[i]].fill = classes ? std::vector<double>{static_cast<double>(measured[i].mode)} : measured[i].mean;
  }
}

// The data set's own mask of that name, or a new one.
void Preparation::add_mask(std::size_t column, const DataEntry& entry) {
  const std::string name = mask_name(columns_[column].name);
  const auto own = std::ranges::find(columns_, name, &Column::name);
  if (own != columns_.end() && (own->role != ColumnRole::mask || own->dtype != DType::f32 ||
                                own->event.count() != columns_[column].event.count()))
    throw wrong_option(
        entry, "missing",
        fmt::format("missing: mask makes a column '{0}', but the data have another of that name: rename it "
                    "or leave it out",
                    name));
  steps_[column].mask = static_cast<int>(own - columns_.begin());
  if (own == columns_.end())
    columns_.push_back({name, DType::f32, columns_[column].event, 0, 1, ColumnRole::mask, {}, {}, {}});
}

std::size_t Preparation::x_for(const std::string& option, const DataEntry& entry) const {
  const auto x = std::ranges::find(columns_, "x", &Column::name);
  if (x != columns_.end() && x->dtype == DType::f32) return static_cast<std::size_t>(x - columns_.begin());
  throw wrong_option(entry, option, fmt::format("the option '{}' needs a column x of f32, and there is none", option));
}

void Preparation::plan_binarize(const Options& options, const DataEntry& entry) {
  const std::string& kind = options.text("binarize");
  if (kind == "none") return;
  binarize_ = kind == "fixed" ? Binarize::fixed : Binarize::dynamic;
  x_ = x_for("binarize", entry);
  columns_[x_].minimum = 0, columns_[x_].maximum = 1;
}

void Preparation::plan_normalize(const Options& options, const DataEntry& entry, const DataCard* card,
                                 const Measure& measure) {
  const bool given = options.has("normalize_mean") || options.has("normalize_std");
  if (options.text("normalize") == "none") {
    if (!given) return;
    const std::size_t x = x_for(options.has("normalize_mean") ? "normalize_mean" : "normalize_std", entry);
    const std::size_t channels = features_of(columns_[x]);
    scale(x, per_channel(options, entry, "normalize_mean", 0, channels),
          per_channel(options, entry, "normalize_std", 1, channels));
    return;
  }
  if (given) {
    throw wrong_option(entry, "normalize",
                       "normalize: dataset measures the mean and the deviation; normalize_mean and normalize_std give "
                       "them");
  }
  if (binarize_ != Binarize::none)
    throw wrong_option(entry, "normalize", "binarize makes x 0 or 1, which normalize: dataset would change");
  const std::vector<std::size_t> columns = numbers();
  if (columns.empty()) throw wrong_option(entry, "normalize", "there is no column of numbers to normalise");
  std::vector<std::size_t> unknown;
  for (const std::size_t c : columns) {
    const ColumnCard* known = card == nullptr ? nullptr : card->find(columns_[c].name);
    if (known != nullptr && known->mean.size() == features_of(columns_[c]))
      scale(c, known->mean, known->deviation);
    else
      unknown.push_back(c);
  }
  if (unknown.empty()) return;
  std::vector<ColumnStatistics> measured = measure(unknown);
  for (std::size_t i = 0; i < unknown.size(); ++i)
    scale(unknown[i], std::move(measured[i].mean), std::move(measured[i].deviation));
}

void Preparation::scale(std::size_t column, std::vector<double> mean, std::vector<double> deviation) {
  Column& declared = columns_[column];
  Step& step = steps_[column];
  const double low = declared.minimum, high = declared.maximum;
  declared.minimum = std::numeric_limits<double>::infinity();
  declared.maximum = -declared.minimum;
  for (std::size_t f = 0; f < mean.size(); ++f) {
    step.shift.push_back(static_cast<float>(mean[f]));
    step.factor.push_back(1 / static_cast<float>(deviation[f]));
    const double shift = static_cast<double>(step.shift[f]), factor = static_cast<double>(step.factor[f]);
    declared.minimum = std::min(declared.minimum, (low - shift) * factor);
    declared.maximum = std::max(declared.maximum, (high - shift) * factor);
  }
  step.mean = std::move(mean);
  step.deviation = std::move(deviation);
}

std::string Preparation::binarization() const {
  if (binarize_ == Binarize::none) return "none";
  return fmt::format("{} (seed {})", binarize_ == Binarize::fixed ? "fixed" : "dynamic", seed_);
}

std::vector<ColumnCard> Preparation::cards() const {
  std::vector<ColumnCard> cards;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    if (c < steps_.size())
      cards.push_back({columns_[c], steps_[c].mean, steps_[c].deviation, steps_[c].fill});
    else
      cards.push_back({columns_[c], {}, {}, {}});
  }
  return cards;
}

void Preparation::apply(std::int64_t index, std::uint32_t draw, std::span<const TensorView> out, bool training) const {
  for (std::size_t c = steps_.size(); c < columns_.size(); ++c) std::ranges::fill(out[c].values(), 1.0F);
  for (std::size_t c = 0; c < steps_.size(); ++c) {
    const Step& step = steps_[c];
    if (!step.fill.empty()) replace_missing(step, out[c], out);
    if (!step.class_number.empty()) {
      for (std::int32_t& value : out[c].values<std::int32_t>()) {
        if (value >= 0 && static_cast<std::size_t>(value) < step.class_number.size())
          value = step.class_number[static_cast<std::size_t>(value)];
      }
    }
  }
  if (training && changes_pictures()) change_picture(index, draw, out[x_]);
  if (binarize_ != Binarize::none) binarize(index, binarize_ == Binarize::fixed ? 0 : draw, out[x_].values());
  for (std::size_t c = 0; c < steps_.size(); ++c) {
    const std::size_t features = steps_[c].shift.size();
    if (features == 0) continue;
    const std::span<float> values = out[c].values();
    for (std::size_t i = 0; i < values.size(); i += features) {
      for (std::size_t f = 0; f < features; ++f)
        values[i + f] = (values[i + f] - steps_[c].shift[f]) * steps_[c].factor[f];
    }
  }
}

void Preparation::replace_missing(const Step& step, const TensorView& values, std::span<const TensorView> out) const {
  float* mask = step.mask < 0 ? nullptr : out[static_cast<std::size_t>(step.mask)].data();
  const auto count = static_cast<std::size_t>(values.count());
  for (std::size_t i = 0; i < count; ++i) {
    if (values.dtype() == DType::i32) {
      std::int32_t& value = values.data<std::int32_t>()[i];
      if (value >= 0) continue;
      value = static_cast<std::int32_t>(step.fill[0]);
    } else {
      float& value = values.data()[i];
      if (!std::isnan(value)) continue;
      value = static_cast<float>(step.fill[i % step.fill.size()]);
    }
    if (mask != nullptr) mask[i] = 0;
  }
}

void Preparation::binarize(std::int64_t index, std::uint32_t draw, std::span<float> values) const {
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

}  // namespace loom

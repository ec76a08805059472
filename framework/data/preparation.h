// What is done to the columns of a data set between their reader and a graph, in this order: classes get the numbers of
// the run, missing values are replaced, x is binarized, numbers are normalised.
//
// Options of every data set, in addition to its own:
//   binarize: none | fixed | dynamic   each value of x becomes 1 with itself as probability, else 0; fixed draws once,
//                                      dynamic draws again at every `draw`
//   normalize: none | dataset          dataset: every column of numbers becomes (value - mean) / deviation, measured
//                                      feature by feature of the last axis on the training split; 1 stands for a
//                                      deviation of 0
//   normalize_mean, normalize_std      x becomes (x - mean) / std: one number, or one per channel
//   missing, fill                      of data sets that declare them (declare_missing)
//   flip, shift                        pictures of a training batch are mirrored at random, and moved by up to `shift`
//                                      pixels with their edges repeated; what is evaluated, encoded or shown never is
//
// Thread safety: immutable after construction. Errors: data_specification for options that do not go together,
// data_shape for features that are not those of the run.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/card.h"
#include "loom/options.h"

namespace loom {

// What the training split says of a column.
struct ColumnStatistics {
  std::vector<double> mean, deviation;  // of each feature, over the values that are there; of integers: empty
  std::int32_t mode = 0;                // of integers: the most frequent value
};
// Of these columns of a data set, one each, over the first `count` of `items`, or of the data set's own where that is
// empty. Items are read in parallel, and the result does not depend on the threads.
std::vector<ColumnStatistics> measure_columns(const Dataset& data, std::span<const std::int64_t> items,
                                              std::int64_t count, std::span<const std::size_t> of);

class Preparation {
 public:
  Preparation() = default;
  explicit Preparation(std::vector<Column> columns) : columns_(std::move(columns)), steps_(columns_.size()) {}  // none
  // `columns`: those of the reader. `card`: of the run, or null. `measure` gives the statistics of columns over the
  // training split; it is called where the card does not have them.
  using Measure = std::function<std::vector<ColumnStatistics>(std::span<const std::size_t>)>;
  Preparation(std::vector<Column> columns, const Options& options, const DataEntry& entry, const DataCard* card,
              const Measure& measure);

  // As a graph reads them: the reader's, then the masks of missing values.
  const std::vector<Column>& columns() const { return columns_; }
  // `out`: a view for each of columns(), of which the reader has written its own. `training`: with flip and shift.
  void apply(std::int64_t index, std::uint32_t draw, std::span<const TensorView> out, bool training) const;
  bool is_dynamic() const { return binarize_ == Binarize::dynamic || changes_pictures(); }
  std::string binarization() const;  // "none", "fixed (seed 1)", "dynamic (seed 1)"
  std::vector<ColumnCard> cards() const;
  // Classes that the run was not trained on, a finding for each: they have the numbers after those of the run, in this
  // order, and a graph must not read them.
  std::vector<Diagnostic> unknown_classes(std::size_t column) const;

 private:
  enum class Binarize { none, fixed, dynamic };
  enum class Missing { error, mask, mean, value };
  // What is done to one column of the reader.
  struct Step {
    std::vector<double> mean, deviation;     // per feature; empty: not normalised
    std::vector<float> shift, factor;        // the same, as it is applied
    std::vector<double> fill;                // per feature, of integers one; empty: no value is missing
    int mask = -1;                           // the column that says which values are there
    std::vector<std::int32_t> class_number;  // in the run, of each class here; empty: the same
    std::vector<Diagnostic> unknown;         // one for each class that the run does not have
  };

  void map_classes(const DataEntry& entry, const DataCard* card);
  void require_features(const DataEntry& entry, const DataCard* card) const;
  void plan_missing(const Options& options, const DataEntry& entry, const DataCard* card, const Measure& measure);
  void plan_binarize(const Options& options, const DataEntry& entry);
  void plan_normalize(const Options& options, const DataEntry& entry, const DataCard* card, const Measure& measure);
  void add_mask(std::size_t column, const DataEntry& entry);
  void scale(std::size_t column, std::vector<double> mean, std::vector<double> deviation);
  std::size_t x_for(const std::string& option, const DataEntry& entry) const;
  std::vector<std::size_t> numbers() const;  // columns of f32 that are data
  void replace_missing(const Step& step, const TensorView& values, std::span<const TensorView> out) const;
  void binarize(std::int64_t index, std::uint32_t draw, std::span<float> values) const;
  void plan_pictures(const Options& options, const DataEntry& entry);
  bool changes_pictures() const { return flip_ || shift_ > 0; }
  void change_picture(std::int64_t index, std::uint32_t draw, const TensorView& picture) const;

  std::vector<Column> columns_;
  std::vector<Step> steps_;  // of the reader's columns
  std::size_t x_ = 0;        // the column that binarize, flip and shift change
  bool flip_ = false;
  std::int64_t shift_ = 0;  // pixels
  Binarize binarize_ = Binarize::none;
  std::uint64_t seed_ = 1;
};

}  // namespace loom

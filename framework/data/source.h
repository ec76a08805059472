// A data set as a document names it. Finds the type in the registry, checks its options, and implements what is
// common to every data set: binarization, normalization, a limit.
//
// Options of every data set, in addition to its own:
//   binarize: none | fixed | dynamic   each value of x becomes 1 with itself as probability, else 0; fixed draws once,
//                                      dynamic draws again at every `draw`
//   normalize_mean, normalize_std      x becomes (x - mean) / std, after binarize; one number, or one per channel
//   limit                              only the first n items; 0: all
//   seed                               of binarize, and of the data set itself if it draws
//
// Thread safety: after construction every method may be called from many threads at once.
// Errors: the constructor throws Error(data_specification) for an unknown type, one Error with all diagnostics about
// the options, and the errors of the data set about its files, each with the position in the document.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "graph/graph_document.h"
#include "loom/dataset.h"
#include "loom/plugin.h"

namespace loom {

// The values that an input of a node accepts, both ends included.
struct ValueRange {
  double minimum = 0, maximum = 0;
  std::string reader;  // "the input 'target' of 'losses/reconstruction' (bernoulli_nll)"
  Location where;      // of that node
};

class DataSource {
 public:
  DataSource(const Registry& registry, const DataEntry& entry);
  // Items that the program itself has computed from a data set; `name` and `split` are those of that data set.
  DataSource(std::string name, std::string split, std::unique_ptr<Dataset> dataset);

  std::int64_t size() const { return size_; }
  const std::vector<Column>& columns() const { return columns_; }
  std::string hash() const { return dataset_->hash(); }
  std::vector<std::string> notices() const { return dataset_->notices(); }
  const std::string& name() const { return name_; }
  const std::string& split() const { return split_; }  // "" if the data set has no splits
  std::vector<std::int64_t> factor_sizes() const { return dataset_->factor_sizes(); }
  std::int64_t sample_rate() const { return dataset_->sample_rate(); }  // Hz; 0: not sounds
  bool is_dynamic() const { return binarize_ == Binarize::dynamic; }    // an item differs between reads
  std::string binarization() const;                                     // "none", "fixed (seed 1)", "dynamic (seed 1)"

  // Item `index`, one view per column in the order of columns(). `draw` affects only dynamic binarization: the same
  // draw gives the same item again. Allocates nothing beyond what the data set itself allocates.
  void read(std::int64_t index, std::uint32_t draw, std::span<const TensorView> out) const;
  // Throws Error(out_of_range) that names the first item with a value outside of the range, at `where`. Reads all items
  // unless the column declares a range within it.
  void require_range(std::size_t column, const ValueRange& range, const Location& where) const;

 private:
  enum class Binarize { none, fixed, dynamic };
  void apply_common_options(const Options& options, const DataEntry& entry);
  void binarize(std::int64_t index, std::uint32_t draw, std::span<float> values) const;
  void normalize(std::span<float> values) const;

  std::shared_ptr<const DatasetType> type_;  // holds the library open; declared first, so that it is destroyed last
  std::string name_, split_;
  std::unique_ptr<Dataset> dataset_;
  std::vector<Column> columns_;
  std::int64_t size_ = 0;
  std::size_t x_ = 0;  // the column that binarize and normalize change
  Binarize binarize_ = Binarize::none;
  std::uint64_t seed_ = 1;
  std::vector<float> mean_, inverse_std_;                                // one per channel; empty: no normalization
  mutable std::mutex mutex_;                                             // guards the next
  mutable std::vector<std::tuple<std::size_t, double, double>> within_;  // columns and ranges found to hold
};

// The type of an entry and its options, without opening its files. Diagnostics: E407, E1xx and E2xx of the options.
void check_data(const Registry& registry, const DataEntry& entry, Diagnostics& diagnostics);

// The same data with another split: "train", "test", "all".
// The options of a data set with those that every data set takes. The type must be registered.
Contract data_contract(const Registry& registry, const std::string& type);
DataEntry with_split(DataEntry entry, const std::string& split);
// The same data with paths that are valid from any working folder.
DataEntry with_absolute_paths(DataEntry entry);
// Whether two entries are the same type with the same options.
bool same_data(const DataEntry& one, const DataEntry& other);
// Whether data of this type is divided into splits; false for an unknown type.
bool has_splits(const Registry& registry, const DataEntry& data);
// Opens a split of the data, or all items if the data has no splits.
std::shared_ptr<const DataSource> open_split(const Registry& registry, const DataEntry& data, const std::string& split);

}  // namespace loom

// A data set as a document names it. Finds the type in the registry, checks its options, and does what is common to
// every data set: a limit, and what preparation.h says of its columns. With the data card of a run, the values are those
// that the run would have read: see card.h.
//
// Options of every data set, in addition to its own: those of preparation.h, and
//   limit                              only the first n items; 0: all
//   validation                         see validation_split.h
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

#include "data/preparation.h"
#include "graph/graph_document.h"
#include "loom/dataset.h"
#include "loom/plugin.h"

namespace loom {

// The values that an input of a node accepts, both ends included.
struct ValueRange {
  double minimum = 0, maximum = 0;
  std::string reader;       // "the input 'target' of 'losses/reconstruction' (bernoulli_nll)"
  Location where;           // of that node
  bool masked = false;      // what the column's own mask leaves out may be anything
  std::string remedy = {};  // "": scaling, or another likelihood
};

class DataSource {
 public:
  // `card`: of the run that reads the data, or null.
  DataSource(const Registry& registry, const DataEntry& entry, const DataCard* card = nullptr);
  // Items that the program itself has computed from a data set; `name` and `split` are those of that data set.
  DataSource(std::string name, std::string split, std::unique_ptr<Dataset> dataset);

  std::int64_t size() const { return size_; }
  const std::vector<Column>& columns() const { return preparation_.columns(); }
  std::string hash() const;          // computed once: every byte of the data is read for it
  std::string earlier_hash() const;  // Dataset::earlier_hash, or hash()
  // The data card of a run that trains on these data; without its hash, which takes a while.
  DataCard card() const;
  Origin origin(std::int64_t index) const { return dataset_->origin(place(index)); }
  std::int64_t length(std::int64_t index) const { return dataset_->length(place(index)); }  // -1: all is data
  std::vector<std::string> notices() const;
  const std::string& name() const { return name_; }
  const std::string& split() const { return split_; }  // "" if the data set has no splits
  std::vector<std::int64_t> factor_sizes() const { return dataset_->factor_sizes(); }
  std::int64_t sample_rate() const { return dataset_->sample_rate(); }  // Hz; 0: not sounds
  bool is_dynamic() const { return preparation_.is_dynamic(); }         // an item differs between reads
  // Whether the same data have a split "validation".
  bool has_validation() const { return has_validation_; }
  std::string binarization() const { return preparation_.binarization(); }

  // Item `index`, one view per column in the order of columns(). `draw` affects only dynamic binarization: the same
  // draw gives the same item again. Allocates nothing beyond what the data set itself allocates.
  // `training`: with the random changes of preparation.h.
  void read(std::int64_t index, std::uint32_t draw, std::span<const TensorView> out, bool training = false) const;
  // Throws Error(data_wrong_format) with the classes of a column that the run was not trained on, and the first item of
  // each.
  void require_known_classes(std::size_t column) const;
  // Throws Error(out_of_range) that names the first item with a value outside of the range, at `where`. Reads all items
  // unless the column declares a range within it.
  void require_range(std::size_t column, const ValueRange& range, const Location& where) const;

 private:
  std::shared_ptr<const DatasetType> type_;  // holds the library open; declared first, so that it is destroyed last
  std::string name_, split_;
  std::unique_ptr<Dataset> dataset_;
  void require_unit_interval(const Location& where) const;
  void choose_items(const DataEntry& entry, bool validation, std::int64_t limit);
  // The item of the data set.
  std::int64_t place(std::int64_t index) const {
    return items_.empty() ? index : items_[static_cast<std::size_t>(index)];
  }
  std::vector<ColumnStatistics> measure_train(const DataEntry& entry, std::span<const std::size_t> columns) const;

  std::size_t stored_columns_ = 0;  // of the data set itself
  std::int64_t size_ = 0;
  bool has_validation_ = false;
  std::vector<std::int64_t> items_;  // of the data set, where a part of its training items is held out; else empty
  Preparation preparation_;
  std::map<std::string, OptionValue> options_;  // for the card
  mutable std::mutex mutex_;                    // guards the next two
  mutable std::string hash_;
  mutable std::vector<std::tuple<std::size_t, double, double, bool>> within_;  // columns and ranges found to hold
};

// The type of an entry and its options, without opening its files. Diagnostics: E407, E1xx and E2xx of the options.
void check_data(const Registry& registry, const DataEntry& entry, Diagnostics& diagnostics);

// The options of a data set with those that every data set takes. The type must be registered.
Contract data_contract(const Registry& registry, const std::string& type);
Contract common_data_contract();  // the latter alone
// The same data with another split: "train", "test", "all".
DataEntry with_split(DataEntry entry, const std::string& split);
// The same data with paths that are valid from any working folder.
DataEntry with_absolute_paths(DataEntry entry);
// Whether two entries are the same type with the same options.
bool same_data(const DataEntry& one, const DataEntry& other);
// Whether data of this type is divided into splits; false for an unknown type.
bool has_splits(const Registry& registry, const DataEntry& data);
// Opens a split of the data, or all items if the data has no splits.
std::shared_ptr<const DataSource> open_split(const Registry& registry, const DataEntry& data, const std::string& split,
                                             const DataCard* card = nullptr);

}  // namespace loom

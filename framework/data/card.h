// The data card: what the data of a run mean. It is made when training opens its data, kept in the run (data.json) and
// in every checkpoint, and applied to whatever the run reads later: options that are left out are the card's, classes
// are numbered as in training, values are normalised and filled with what was measured on the training split.
//
// Ownership: values. Thread safety: values; functions without state. Errors: see each function.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "graph/graph_document.h"
#include "loom/dataset.h"
#include "loom/plugin.h"

namespace loom {

// The name of the mask of a column: "mask" of x, "counts_mask" of counts.
std::string mask_name(const std::string& column);

// A column as a graph reads it: value = (stored - mean) / deviation, feature by feature of the last axis.
struct ColumnCard {
  Column column;
  std::vector<double> mean, deviation;  // in the unit of the data; empty: the values are as stored
  // What replaces a missing value, per feature, before it is normalised; of integers: one class. Empty: none is missing.
  std::vector<double> fill;
};

struct DataCard {
  std::string type;  // of the data set
  // With which it was read: those of the document and those that the data set settled. Without files, splits and limits.
  std::map<std::string, OptionValue> options;
  std::vector<ColumnCard> columns;
  std::int64_t sample_rate = 0;               // Hz; 0: the items are not sounds
  std::map<std::string, std::int64_t> items;  // of each split that was opened; "all" where there are no splits
  std::string hash;                           // of the content of the training split

  const ColumnCard* find(const std::string& column) const;  // null where there is none
};

// Data that is read as the card's were: options that the entry leaves out are the card's. Where the types differ, this
// holds for the options of every data set alone.
DataEntry with_card(const Registry& registry, DataEntry entry, const DataCard& card);
// The options of an entry that say how data are read and not which: without files, splits and limits.
std::map<std::string, OptionValue> lasting_options(const DataEntry& entry);

// The values of a column in the unit of the data: what `values` [N, ...E] were before they were normalised. Nothing
// where the column is not normalised or the last axis has another extent.
void restore_units(const ColumnCard& card, const TensorView& values);
// The reverse: values in the unit of the data become what a graph reads.
void apply_units(const ColumnCard& card, const TensorView& values);

}  // namespace loom

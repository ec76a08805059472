// The splits that a data set does not make itself: validation, a part of the training data that chooses the best model, so
// that test only reports; and test, where it is a folder of its own.
//
// Options of every data set: validation: N (one of N of the training items; 0: none), or a path, whose items are all of
// the split. Where the items are of several groups (files, or values of the column that holdout_by names), whole groups are
// taken, so that pieces of one file are never on both sides.
//
// Thread safety: functions of their arguments.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/graph_document.h"
#include "loom/dataset.h"

namespace loom {

inline constexpr const char* kValidation = "validation";

// Whether the data have a validation split by the option of that name.
bool has_validation(const DataEntry& entry);
// Whether data of this type take the path of their test split by the common option `test`: those that would hold out items
// of the folder `path` otherwise, and have no such option of their own.
bool takes_test_path(const Contract& own);
// Whether data of this type can have a split "validation" of their own: Dataset::has_validation.
bool knows_validation(const Contract& own);
// The entry by which a data set of this type gives the items of the split that `entry` asks for. A validation split by the
// option is a part of those of train, or all of the option's path. Throws data_specification for the split all of two
// paths.
DataEntry entry_of_split(DataEntry entry, const Contract& own);
// Whether that is a path of its own.
bool has_own_path(const DataEntry& entry, const Contract& own);
// Which items of the training data stay in train, or are held out for validation: one of `each` items or groups, by a
// pseudo-random order; at least one where there are two.
std::vector<std::int64_t> validation_items(const Dataset& train, std::int64_t each, bool held_out);

}  // namespace loom

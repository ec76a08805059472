// A part of the training data that chooses the best model, so that test only reports.
//
// Options of every data set: validation: N (one of N of the training items; 0: none), or a path, whose items are all of
// the split. Where the items come from several files, whole files are taken, so that pieces of one file are never on both
// sides.
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
// The entry that gives the items of the split "validation": the training data, or the path of the option.
DataEntry validation_entry(DataEntry entry);
// Which items of the training data stay in train, or are held out for validation: one of `each` items or files, by a
// pseudo-random order; at least one where there are two.
std::vector<std::int64_t> validation_items(const Dataset& train, std::int64_t each, bool held_out);

}  // namespace loom

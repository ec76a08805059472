// `extends`: a document merged over its parent, and --set overrides merged over both.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "document/document.h"
#include "document/value.h"

namespace loom {

// Merges `over` into `base`: maps key by key, everything else replaced, null removes.
void merge_value(Value& base, const Value& over);

// Follows `extends` from `root` (read from `file`) to the top and returns the merged document. The parents' paths are
// added to `files`. E109, E110.
Value merge_parents(Value root, const std::string& file, const std::string& directory, std::set<std::string>& files,
                    Diagnostics& diagnostics);

// Applies --set overrides. E116 with the nearest name where a path leads nowhere.
void apply_overrides(Value& root, const std::vector<Override>& overrides, Diagnostics& diagnostics);

}  // namespace loom

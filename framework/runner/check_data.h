// graph-runner check DATA: reads every item of a data set, and says what its columns hold.
//
// Thread safety: one thread. Errors: those of the data set, all that opening it finds at once, then the first item that
// cannot be read.
#pragma once

#include <string>
#include <vector>

#include "loom/plugin.h"

namespace loom::runner {

// Whether the subject of check is data, TYPE:PATH,key=value, and not a type or a library.
bool is_data(const std::string& subject);
int check_data(const Registry& registry, const std::string& specification, int threads, bool json);

}  // namespace loom::runner

// How the lanes' sums become one.
//
// Internal to framework/run. The order in which lanes are added is fixed here and nowhere else: the same lanes give the
// same bits, whatever the threads do.
#pragma once

#include <span>

#include "run/executor.h"

namespace loom {

// Adds all parts into parts[0], element by element, as a balanced tree: (0 + 1) + (2 + 3), and so on; where the number of
// parts is not a power of two, the missing ones are left out. So a process that has the lanes of a whole subtree can add
// them by itself. All parts have one size; the others hold sums of subtrees afterwards. Cut into chunks that run in parallel.
// Allocates nothing.
void reduce_lanes(Executor& executor, std::span<const std::span<float>> parts);

}  // namespace loom

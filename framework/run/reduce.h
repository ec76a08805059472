// How the lanes' sums become one.
//
// Internal to framework/run. The order in which lanes are added is fixed here and nowhere else: the same lanes give the
// same bits, whatever the threads do.
#pragma once

#include <span>

#include "run/executor.h"

namespace loom {

// parts[0] += parts[1], += parts[2] and so on, element by element in this order; all parts have one size. Cut into
// chunks that run in parallel. Allocates nothing.
void reduce_lanes(Executor& executor, std::span<const std::span<float>> parts);

}  // namespace loom

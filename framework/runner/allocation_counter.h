// The heap allocations of this program, for `check`.
#pragma once

#include "testing/allocation_counter.h"

namespace loom::runner {

// Null where they cannot be counted: a sanitizer has a heap of its own.
testing::AllocationCounter* allocation_counter();

}  // namespace loom::runner

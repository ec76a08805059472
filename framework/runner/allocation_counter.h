// The heap allocations of this program, for `check`.
#pragma once

#include "loom/check.h"

namespace loom::runner {

// Null where they cannot be counted: a sanitizer has a heap of its own.
check::AllocationCounter* allocation_counter();

}  // namespace loom::runner

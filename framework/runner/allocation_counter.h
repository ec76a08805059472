// The heap allocations of this program, for `check` and for the tests of warmed-up steps.
//
// oneDNN builds an argument map inside every primitive execution; no caller can prevent that, so allocations with a
// frame of oneDNN (or of the OpenMP runtime) on their stack are counted apart.
#pragma once

#include "loom/check.h"

namespace loom::runner {

// Null where allocations cannot be counted: a sanitizer has a heap of its own.
check::AllocationCounter* allocation_counter();          // of the calling thread
check::AllocationCounter* process_allocation_counter();  // of every thread

// The innermost frames of the first allocation of our own since the last start of the process's counter, one per line; ""
// where there was none.
const char* first_own_allocation();

}  // namespace loom::runner

// Counts heap allocations of the whole process, by interposing malloc in this test program.
//
// oneDNN builds an argument map inside every primitive execution; no caller can prevent that, so allocations with a
// frame of oneDNN (or of the OpenMP runtime) on their stack are counted apart.
#pragma once

#include <cstdint>

namespace loom::check {

struct AllocationCount {
  std::int64_t own = 0;      // by this project, oneTBB and the C++ library on their behalf
  std::int64_t library = 0;  // inside oneDNN
};

void start_counting();
AllocationCount stop_counting();
// The innermost frames of the first allocation of our own since start_counting(), one a line; "" where there was none.
const char* first_own_allocation();

}  // namespace loom::check

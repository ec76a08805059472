// How much memory is allocated at once, counted by the address sanitizer: what C libraries take too.
#pragma once

#include <cstdint>

namespace loom::check {

// Whether this build can count. Without the address sanitizer it cannot, and live_bytes_peak() is 0.
bool counts_live_bytes();

// Starts counting anew; memory from before does not count, also where it is freed.
void start_live_bytes();
// The most that was allocated at once since the start, by all threads.
std::int64_t live_bytes_peak();

}  // namespace loom::check

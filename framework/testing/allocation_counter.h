// Counts the heap allocations of the calling thread. The program that hosts the check provides it, since only an
// executable can see every allocation: see runner/allocation_counter.cpp.
#pragma once

#include <cstdint>

namespace loom::testing {

struct Allocations {
  std::int64_t own = 0;
  std::int64_t library = 0;  // inside of oneDNN, which builds an argument map in every execution of a primitive
};

class AllocationCounter {
 public:
  virtual ~AllocationCounter() = default;
  virtual void start() = 0;
  virtual Allocations stop() = 0;
};

}  // namespace loom::testing

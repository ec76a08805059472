// Executes a plan over the rows of a call.
//
// Thread safety: a pure function of its arguments; the memory belongs to the call. No call allocates.
#pragma once

#include <span>

#include "expr/plan.h"

namespace loom::formula {

// The working memory of a call; what it holds before does not matter.
struct Memory {
  std::span<float> registers;    // register_floats()
  std::span<float*> table;       // Plan::entries
  std::span<float> temporaries;  // Plan::temporary_floats
  std::span<double> sums;        // Plan::sums of Plan::rows rows
};
std::int64_t register_floats(const Plan& plan);

// `sources`, `targets`: the first row of each. A target that is not among `wanted` may be null.
void run(const Plan& plan, const Memory& memory, std::span<const void* const> sources, std::span<float* const> targets,
         std::int64_t rows, Needed wanted);

}  // namespace loom::formula

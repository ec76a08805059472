// bench --sample: ancestral sampling, timed.
//
// Thread safety: one thread. Errors: usage for a graph whose generate.sample is not autoregressive.
#pragma once

#include <cstdint>

#include "generate/model_source.h"

namespace loom::runner {

struct SampleBench {
  std::int64_t count = 4;  // samples that are drawn together
  std::int64_t steps = 3;  // timed repetitions, after one to warm up
  int threads = 0;
  bool incremental = true;  // false: the whole graph for each position
};

// Prints the time of a position and of a sample; weights are the initial ones, and what is computed once the positions
// are drawn (a decoder, a picture) does not count.
int bench_sample(const ModelSource& model, const SampleBench& request, bool json);

}  // namespace loom::runner

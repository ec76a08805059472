// Sums over the rows of a batch, in double precision and in the order of the rows: no cut into chunks changes them.
#pragma once

#include <span>

#include "loom/node.h"

namespace loom::nodes {

// mean[i] = 1/M sum over n of x[n, i]; the places of an event are dealt to the cores.
inline void mean_of_rows(const Call& call, const TensorView& x, std::span<double> mean) {
  const std::int64_t rows = x.samples(), event = x.per_sample();
  call.parallel(event, [&](std::int64_t first, std::int64_t last, int) {
    std::fill(mean.begin() + first, mean.begin() + last, 0.0);
    for (std::int64_t n = 0; n < rows; ++n) {
      const float* row = x.data() + n * event;
      for (std::int64_t i = first; i < last; ++i) mean[static_cast<std::size_t>(i)] += static_cast<double>(row[i]);
    }
    for (std::int64_t i = first; i < last; ++i) mean[static_cast<std::size_t>(i)] /= static_cast<double>(rows);
  });
}

}  // namespace loom::nodes

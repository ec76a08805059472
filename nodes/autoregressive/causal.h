// What the nodes of this folder share: the runs of a kernel, and the samples of a batch of maps.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "dnnl/causal_product.h"
#include "loom/advance.h"
#include "loom/error.h"

namespace loom::nodes {

using dnnl::CausalProduct;
using dnnl::TapRun;

// The entries of a row of a kernel from `column` on, `count` of them.
inline void add_run(std::vector<TapRun>& runs, std::int64_t row, std::int64_t column, std::int64_t count,
                    std::int64_t kernel) {
  if (count > 0) runs.push_back({row, column, count, kernel});
}

// Sample n of a batch of maps.
inline const float* sample_of(const TensorView& batch, std::int64_t n) {
  return batch.empty() ? nullptr : batch.data() + n * batch.per_sample();
}
inline float* gradient_of(const TensorView& batch, std::int64_t n) {
  return batch.empty() ? nullptr : batch.data() + n * batch.per_sample();
}

}  // namespace loom::nodes

// Shared by the nodes of this folder: shapes of causal maps, and a causal convolution's parameters in a node's memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "dnnl/causal_product.h"
#include "loom/advance.h"
#include "loom/error.h"
#include "memory.h"

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

// Lays out one reservation in pieces that start on cache lines.
class Layout {
 public:
  std::size_t bytes(std::size_t count) {
    const std::size_t at = size_;
    size_ += aligned_bytes(count);
    return at;
  }
  std::size_t floats(std::int64_t count) { return bytes(static_cast<std::size_t>(count) * sizeof(float)); }
  std::size_t size() const { return size_; }

 private:
  std::size_t size_ = 0;
};

inline float* floats_at(std::byte* memory, std::size_t at) { return reinterpret_cast<float*>(memory + at); }

}  // namespace loom::nodes

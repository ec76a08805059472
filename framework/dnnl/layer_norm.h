// Layer normalization over the last axis, forward and backward.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace loom::dnnl {

// x and y are [rows,columns]: y = (x - mean) / sqrt(variance + epsilon) * scale + shift, where mean and variance are
// those of the row, and scale and shift are [columns]. Immutable; may run on many threads at once, each with its own
// scratch of scratch_bytes(), 64-byte aligned.
class LayerNorm {
 public:
  LayerNorm(std::int64_t rows, std::int64_t columns, float epsilon = 1e-5F);
  ~LayerNorm();
  LayerNorm(LayerNorm&&) noexcept;
  LayerNorm& operator=(LayerNorm&&) noexcept;

  std::size_t scratch_bytes() const;

  // Writes mean and variance, [rows] each, for backward().
  void forward(const float* x, const float* scale, const float* shift, float* y, float* mean, float* variance,
               void* scratch) const;
  // Overwrites diff_x; adds to diff_scale and diff_shift.
  void backward(const float* x, const float* scale, const float* mean, const float* variance, const float* diff_y,
                float* diff_x, float* diff_scale, float* diff_shift, void* scratch) const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace loom::dnnl

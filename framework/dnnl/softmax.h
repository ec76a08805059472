// Softmax and its logarithm over the last axis, forward and backward.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace loom::dnnl {

// x and y are [rows,columns]; each row of exp(y) (logarithm) or of y (not) sums to one. Immutable; may run on
// many threads at once, each with its own scratch of scratch_bytes(), 64-byte aligned.
class Softmax {
 public:
  Softmax(std::int64_t rows, std::int64_t columns, bool logarithm = false);
  ~Softmax();
  Softmax(Softmax&&) noexcept;
  Softmax& operator=(Softmax&&) noexcept;

  std::size_t scratch_bytes() const;

  // y may be x.
  void forward(const float* x, float* y, void* scratch) const;
  // diff_x = gradient by x, from the forward pass's y. diff_x may be diff_y.
  void backward(const float* diff_y, const float* y, float* diff_x, void* scratch) const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace loom::dnnl

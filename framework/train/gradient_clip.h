// The global norm of a list of gradients, and clipping by it as PyTorch's clip_grad_norm_.
//
// The norm is the same bits for any number of threads: squares are summed in double over fixed chunks, the chunks'
// sums are added in order. Gradients themselves are not rewritten: the optimizer multiplies by the factor.
//
// Thread safety: one thread calls; the work is spread over the executor. A warmed-up call allocates nothing.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "run/executor.h"

namespace loom {

class GradientNorm {
 public:
  // `gradients` in a fixed order; not finite where any element is not.
  double operator()(std::span<const std::span<float>> gradients, Executor& executor);
  // The same bits from sums over each kSquares elements of each gradient (Program::gradient_squares).
  static double from(std::span<const std::span<const double>> squares);

 private:
  struct Chunk {
    const float* data;
    std::int64_t count;
  };
  std::vector<Chunk> chunks_;
  std::vector<double> sums_;
};

// The factor that brings `norm` down to `clip_norm` (0: no clipping): min(1, clip_norm / (norm + 1e-6)).
double clip_factor(double norm, double clip_norm);

}  // namespace loom

// weight-gradients: the GFLOP/s of one core in the gradient of a bf16 convolution by its weight: oneDNN's kernel, the one
// on blocks of the stride's size, and the one that goes tap by tap. From its table come the rates of is_faster_by_taps()
// in framework/dnnl/convolution.cpp.
//
//   OMP_NUM_THREADS=1 build/release/bin/weight-gradients
//
// One thread; half a minute on a quiet machine. The best of several rounds counts.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "dnnl/convolution_methods.h"
#include "dnnl/cpu.h"
#include "dnnl/space_to_depth.h"
#include "loom/tensor.h"

namespace {

using namespace loom::dnnl;

loom::Tensor floats(std::int64_t count) { return {loom::DType::f32, loom::Shape{std::max<std::int64_t>(1, count)}}; }

double gflops(const BackwardWeightsKernel& kernel, const ConvolutionShape& s) {
  using Clock = std::chrono::steady_clock;
  const loom::Tensor x = floats(s.x_count()), diff_y = floats(s.y_count());
  loom::Tensor diff_weight = floats(s.weight_count());
  const loom::Tensor scratch = floats(static_cast<std::int64_t>(kernel.scratch_bytes() / sizeof(float)) + 1);
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    const auto start = Clock::now();
    kernel.execute(x.view().raw(), diff_y.view().raw(), diff_weight.view().data(), nullptr, scratch.view().raw());
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  const auto taps = static_cast<double>(s.kh * s.kw * s.c);
  return 2e-9 * static_cast<double>(s.y_count()) * taps / best;
}

// A kernel of k x k, with a stride of 2 from 4 on, that makes a map of `size` x `size`: of so many samples as a shard has.
ConvolutionShape shape_of(std::int64_t k, std::int64_t size, std::int64_t channels, std::int64_t filters) {
  const std::int64_t stride = k >= 4 ? 2 : 1;
  ConvolutionShape s{.n = std::clamp<std::int64_t>(2048 / (size * size), 2, 32),
                     .h = size * stride,
                     .w = size * stride,
                     .c = channels,
                     .filters = filters,
                     .kh = k,
                     .kw = k};
  s.stride_h = s.stride_w = stride;
  s.pad_top = s.pad_bottom = s.pad_left = s.pad_right = k == 5 ? 2 : k / 3;
  s.bf16 = s.x_bf16 = s.y_bf16 = true;
  return s;
}

}  // namespace

int main() {
  if (!has_bf16()) {
    std::fputs("weight-gradients: this processor does not multiply bf16\n", stderr);
    return 1;
  }
  using Channels = std::pair<std::int64_t, std::int64_t>;
  std::puts("kernel  map  channels  filters   oneDNN  blocks    taps");
  for (const std::int64_t k : {1, 3, 4, 5}) {
    for (const std::int64_t size : {4, 8, 16, 32}) {
      for (const auto& [channels, filters] :
           {Channels{32, 32}, Channels{32, 64}, Channels{64, 64}, Channels{64, 128}, Channels{128, 64},
            Channels{128, 128}, Channels{128, 256}, Channels{256, 256}}) {
        const ConvolutionShape s = shape_of(k, size, channels, filters);
        const double blocks = k >= 4 ? gflops(*make_strided_bf16_backward_weights(s), s) : 0;
        std::printf("%6ld %4ld %9ld %8ld %8.0f %7.0f %7.0f\n", static_cast<long>(k), static_cast<long>(size),
                    static_cast<long>(channels), static_cast<long>(filters), gflops(*make_bf16_backward_weights(s), s),
                    blocks, gflops(*make_taps_bf16_backward_weights(s), s));
      }
    }
  }
  return 0;
}

// bf16-forms: the GFLOP/s of one core in the three passes of a convolution in bf16: oneDNN's kernel as it is, on blocks of the
// stride's size, and tap by tap; and of the f32 kernels. The rules of framework/dnnl/bf16_choice.cpp come from its table.
//
//   build/release/bin/bf16-forms
//
// One thread; a minute on a quiet machine. The best of several rounds counts.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

#include "dnnl/convolution.h"
#include "dnnl/convolution_methods.h"
#include "dnnl/cpu.h"
#include "dnnl/space_to_depth.h"
#include "loom/tensor.h"

namespace {

using namespace loom::dnnl;

loom::Tensor floats(std::size_t bytes) {
  const auto count = static_cast<std::int64_t>(bytes / sizeof(float)) + 1;
  return {loom::DType::f32, loom::Shape{count}};
}

template <class Run>
double gflops(const ConvolutionShape& s, const Run& run) {
  using Clock = std::chrono::steady_clock;
  constexpr int kRounds = 5;
  double best = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    const auto start = Clock::now();
    run();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  const auto taps = static_cast<double>(s.kh * s.kw * s.c);
  return 2e-9 * static_cast<double>(s.y_count()) * taps / best;
}

std::size_t bytes(std::int64_t values) { return static_cast<std::size_t>(values) * sizeof(float); }

// x to y of `kernel`, or y to x for a gradient by the input: either is large enough in f32.
double rate(const PackingKernel& kernel, const ConvolutionShape& s, bool forward, const auto& execute) {
  const loom::Tensor x = floats(bytes(s.x_count())), y = floats(bytes(s.y_count()));
  const loom::Tensor weight = floats(bytes(s.weight_count())), packed = floats(kernel.packed_bytes());
  const loom::Tensor scratch = floats(std::max(kernel.scratch_bytes(), kernel.pack_scratch_bytes()));
  if (kernel.packed_bytes() > 0) kernel.pack(weight.view().data(), packed.view().raw(), scratch.view().raw());
  const void* used = kernel.packed_bytes() > 0 ? packed.view().raw() : weight.view().raw();
  void* from = forward ? x.view().raw() : y.view().raw();
  void* to = forward ? y.view().raw() : x.view().raw();
  return gflops(s, [&] { execute(from, used, to, scratch.view().raw()); });
}

double forward_rate(const ForwardKernel& kernel, const ConvolutionShape& s, bool forward) {
  return rate(kernel, s, forward, [&](const void* from, const void* weight, void* to, void* scratch) {
    kernel.execute(from, weight, nullptr, to, scratch);
  });
}

double data_rate(const BackwardDataKernel& kernel, const ConvolutionShape& s) {
  return rate(kernel, s, false, [&](const void* from, const void* weight, void* to, void* scratch) {
    kernel.execute(from, weight, to, scratch);
  });
}

double weight_rate(const BackwardWeightsKernel& kernel, const ConvolutionShape& s) {
  const loom::Tensor x = floats(bytes(s.x_count())), y = floats(bytes(s.y_count()));
  const loom::Tensor scratch = floats(kernel.scratch_bytes());
  loom::Tensor weight = floats(bytes(s.weight_count()));
  return gflops(
      s, [&] { kernel.execute(x.view().raw(), y.view().raw(), weight.view().data(), nullptr, scratch.view().raw()); });
}

// What makes a map of `size` x `size`, of so many samples as a shard has.
struct Window {
  std::int64_t rows, columns, stride, pad_above, pad;
};
constexpr Window kWindows[] = {{1, 1, 1, 0, 0}, {3, 3, 1, 1, 1}, {5, 5, 1, 2, 2}, {3, 3, 2, 1, 1},
                               {4, 4, 2, 1, 1}, {5, 5, 2, 2, 2}, {2, 3, 1, 1, 1}, {3, 5, 1, 2, 2}};

ConvolutionShape shape_of(const Window& window, std::int64_t size, std::int64_t channels, std::int64_t filters) {
  ConvolutionShape s{.n = std::clamp<std::int64_t>(2048 / (size * size), 2, 32),
                     .h = size * window.stride,
                     .w = size * window.stride,
                     .c = channels,
                     .filters = filters,
                     .kh = window.rows,
                     .kw = window.columns};
  s.stride_h = s.stride_w = window.stride;
  s.pad_top = window.pad_above, s.pad_left = window.pad;
  s.pad_bottom = (size - 1) * window.stride + window.rows - window.pad_above - s.h;
  s.pad_right = (size - 1) * window.stride + window.columns - window.pad - s.w;
  return s;
}

void print(const ConvolutionShape& s, std::int64_t size) {
  ConvolutionShape stored = s;
  stored.bf16 = stored.x_bf16 = stored.y_bf16 = true;
  std::printf("%ldx%ld /%ld %4ld %4ld %4ld |", static_cast<long>(s.kh), static_cast<long>(s.kw),
              static_cast<long>(s.stride_h), static_cast<long>(size), static_cast<long>(s.c),
              static_cast<long>(s.filters));
  std::printf(" %5.0f %5.0f %5.0f |", forward_rate(*make_bf16_forward(stored), stored, true),
              forward_rate(*make_strided_bf16_forward(stored), stored, true),
              forward_rate(*make_convolution_forward(s), s, true));
  std::printf(" %5.0f %5.0f %5.0f |", forward_rate(*make_bf16_backward_data(stored, false), stored, false),
              forward_rate(*make_strided_bf16_backward_data(stored, false), stored, false),
              data_rate(*make_convolution_backward_data(s), s));
  std::printf(" %5.0f %5.0f %5.0f %5.0f\n", weight_rate(*make_bf16_backward_weights(stored), stored),
              weight_rate(*make_strided_bf16_backward_weights(stored), stored),
              weight_rate(*make_taps_bf16_backward_weights(stored), stored),
              weight_rate(*make_convolution_backward_weights(s), s));
}

}  // namespace

int main() {
  if (!has_bf16()) {
    std::fputs("bf16-forms: this processor does not multiply bf16\n", stderr);
    return 1;
  }
  std::printf("%s\n", describe().c_str());
  std::puts("                         | forward           | by input          | by weight");
  std::puts("kernel     map    c    f | plain blocks   f32 | plain blocks   f32 | plain blocks  taps   f32");
  using Channels = std::pair<std::int64_t, std::int64_t>;
  for (const Window& window : kWindows) {
    for (const std::int64_t size : {4, 8, 16, 32}) {
      for (const auto& [channels, filters] :
           {Channels{1, 32}, Channels{3, 64}, Channels{8, 64}, Channels{64, 1}, Channels{64, 3}, Channels{64, 8},
            Channels{32, 32}, Channels{64, 64}, Channels{128, 128}, Channels{256, 256}})
        print(shape_of(window, size, channels, filters), size);
    }
  }
  return 0;
}

// winograd-table: measures where Winograd convolutions are faster, and prints framework/dnnl/winograd_table.inc.
//
//   build/release/bin/winograd-table > framework/dnnl/winograd_table.inc
//
// One thread; some minutes on a quiet machine. Both algorithms run in turn and the best of several rounds counts, so that
// a change of the clock rate meets both. Shards of kSamples samples, as in training.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <vector>

#include "dnnl/convolution.h"
#include "dnnl/winograd_choice.h"
#include "loom/tensor.h"

using loom::DType;
using loom::Shape;
using loom::Tensor;
using namespace loom::dnnl;
using namespace loom::dnnl::detail;

namespace {

constexpr std::int64_t kSamples = 4;
constexpr int kRounds = 9;
constexpr double kLeastSeconds = 1e-3;  // of one measurement

Tensor floats(std::int64_t count) {
  Tensor tensor(DType::f32, Shape{count});
  float* values = tensor.view().data();
  for (std::int64_t i = 0; i < count; ++i) values[i] = static_cast<float>((i * 7919) % 1000) / 500 - 1;
  return tensor;
}

// One pass of a layer with memory of its own.
class Pass {
 public:
  Pass(const ConvolutionShape& s, ConvolutionPass pass, ConvolutionAlgorithm algorithm)
      : x_(floats(s.x_count())), y_(floats(s.y_count())), weight_(floats(s.weight_count())) {
    switch (pass) {
      case ConvolutionPass::forward: pack(*(forward_ = make_convolution_forward(s, algorithm))); break;
      case ConvolutionPass::by_input: pack(*(by_input_ = make_convolution_backward_data(s, algorithm))); break;
      case ConvolutionPass::by_weight:
        by_weight_ = make_convolution_backward_weights(s, algorithm);
        scratch_ = bytes(by_weight_->scratch_bytes());
    }
  }

  void run() {
    float *x = x_.view().data(), *y = y_.view().data(), *scratch = scratch_.view().data();
    const void* weight = packed_.shape().rank() > 0 ? packed_.view().data() : weight_.view().data();
    if (forward_) forward_->execute(x, weight, nullptr, y, scratch);
    if (by_input_) by_input_->execute(y, weight, x, scratch);
    if (by_weight_) by_weight_->execute(x, y, weight_.view().data(), nullptr, scratch);
  }

  double seconds(int repeats) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < repeats; ++i) run();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / repeats;
  }

 private:
  static Tensor bytes(std::size_t count) { return floats(static_cast<std::int64_t>(count / sizeof(float)) + 1); }
  void pack(const PackingKernel& kernel) {
    scratch_ = bytes(kernel.scratch_bytes());
    if (kernel.packed_bytes() == 0) return;
    packed_ = bytes(kernel.packed_bytes());
    kernel.pack(weight_.view().data(), packed_.view().data(), scratch_.view().data());
  }

  Tensor x_, y_, weight_, packed_, scratch_;
  std::unique_ptr<const ForwardKernel> forward_;
  std::unique_ptr<const BackwardDataKernel> by_input_;
  std::unique_ptr<const BackwardWeightsKernel> by_weight_;
};

double speedup(const ConvolutionShape& shape, ConvolutionPass pass) {
  Pass other(shape, pass, ConvolutionAlgorithm::automatic), winograd(shape, pass, ConvolutionAlgorithm::winograd);
  winograd.run();
  other.run();
  const int repeats = 1 + static_cast<int>(kLeastSeconds / std::max(other.seconds(1), 1e-7));
  double best_other = 1e9, best_winograd = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    best_other = std::min(best_other, other.seconds(repeats));
    best_winograd = std::min(best_winograd, winograd.seconds(repeats));
  }
  return best_other / best_winograd;
}

ConvolutionShape layer(const WinogradGeometry& g, std::int64_t extent, std::int64_t c, std::int64_t filters) {
  ConvolutionShape s;
  s.n = kSamples, s.h = s.w = extent * g.stride, s.c = c, s.filters = filters;
  s.kh = s.kw = g.kernel, s.stride_h = s.stride_w = g.stride;
  s.pad_top = s.pad_left = g.padding;
  s.pad_bottom = s.pad_right = g.kernel - g.stride - g.padding;
  return s;
}

void print_row(const WinogradGeometry& g, ConvolutionPass pass, std::int64_t extent, std::int64_t c) {
  for (const std::int64_t filters : kMeasuredChannels) {
    const double tenths = std::round(10 * speedup(layer(g, extent, c, filters), pass));
    std::printf("%s%2d", filters == kMeasuredChannels[0] ? "{" : ", ", static_cast<int>(std::clamp(tenths, 0.0, 99.0)));
  }
  std::puts("},");
  std::fflush(stdout);
}

}  // namespace

int main() {
  const char* const passes[] = {"forward", "by input", "by weight"};
  std::puts("// Written by tests/bench/winograd_table.cpp.");
  for (const WinogradGeometry& g : kMeasured) {
    const auto kernel = static_cast<int>(g.kernel);
    std::puts("{");
    for (const auto pass : {ConvolutionPass::forward, ConvolutionPass::by_input, ConvolutionPass::by_weight}) {
      std::puts("{");
      for (const std::int64_t extent : kMeasuredExtents) {
        const auto size = static_cast<int>(extent);
        std::printf("{  // %dx%d, stride %d, %s, y of %dx%d\n", kernel, kernel, static_cast<int>(g.stride),
                    passes[static_cast<int>(pass)], size, size);
        for (const std::int64_t c : kMeasuredChannels) print_row(g, pass, extent, c);
        std::puts("},");
      }
      std::puts("},");
    }
    std::puts("},");
  }
}

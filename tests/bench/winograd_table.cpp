// winograd-table: measures where Winograd convolutions are faster, and prints this processor's table: with AMX
// framework/dnnl/winograd_table_amx.inc, without it winograd_table_no_amx.inc.
//
//   build/release/bin/winograd-table > framework/dnnl/winograd_table_no_amx.inc
//   build/release/bin/winograd-table 3 >> framework/dnnl/winograd_table_no_amx.inc    only the geometries from the fourth on
//
// One thread; some minutes on a quiet machine. Both algorithms run in turn and the best of several rounds counts, so that
// a change of the clock rate meets both; the time is that of the thread, so that other programs do not count.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <vector>

#include "dnnl/causal_product.h"
#include "dnnl/convolution.h"
#include "dnnl/winograd_choice.h"
#include "dnnl/winograd_chunks.h"
#include "loom/tensor.h"

using loom::DType;
using loom::Shape;
using loom::Tensor;
using namespace loom::dnnl;
using namespace loom::dnnl::detail;

namespace {

// Of a shard: at least so many, and so many that y has at least so many positions. A shard of a net of such layers has at least
// 444, so that the sums of its gradients take a small share of the time (choose_shard in framework/run/division.cpp).
constexpr std::int64_t kLeastSamples = 4, kLeastPositions = 512;
constexpr int kRounds = 9;
constexpr double kLeastSeconds = 1e-3;  // of one measurement

Tensor floats(std::int64_t count) {
  Tensor tensor(DType::f32, Shape{count});
  float* values = tensor.view().data();
  for (std::int64_t i = 0; i < count; ++i) values[i] = static_cast<float>((i * 7919) % 1000) / 500 - 1;
  return tensor;
}

Tensor bytes(std::size_t count) { return floats(static_cast<std::int64_t>(count / sizeof(float)) + 1); }

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// One pass of a layer with memory of its own.
class Pass {
 public:
  explicit Pass(const ConvolutionShape& s)
      : x_(floats(s.x_count())), y_(floats(s.y_count())), weight_(floats(s.weight_count())) {}
  virtual ~Pass() = default;
  virtual void run() = 0;

  double seconds(int repeats) {
    const double begin = thread_seconds();
    for (int i = 0; i < repeats; ++i) run();
    return (thread_seconds() - begin) / repeats;
  }

 protected:
  Tensor x_, y_, weight_, packed_, scratch_;
};

class ConvolutionByKernels final : public Pass {
 public:
  ConvolutionByKernels(const ConvolutionShape& s, ConvolutionPass pass, ConvolutionAlgorithm algorithm) : Pass(s) {
    switch (pass) {
      case ConvolutionPass::forward: pack(*(forward_ = make_convolution_forward(s, algorithm))); break;
      case ConvolutionPass::by_input: pack(*(by_input_ = make_convolution_backward_data(s, algorithm))); break;
      case ConvolutionPass::by_weight:
        by_weight_ = make_convolution_backward_weights(s, algorithm);
        scratch_ = bytes(by_weight_->scratch_bytes());
    }
  }

  void run() override {
    float *x = x_.view().data(), *y = y_.view().data(), *scratch = scratch_.view().data();
    const void* weight = packed_.shape().rank() > 0 ? packed_.view().data() : weight_.view().data();
    if (forward_) forward_->execute(x, weight, nullptr, y, scratch);
    if (by_input_) by_input_->execute(y, weight, x, scratch);
    if (by_weight_) by_weight_->execute(x, y, weight_.view().data(), nullptr, scratch);
  }

 private:
  void pack(const PackingKernel& kernel) {
    scratch_ = bytes(std::max(kernel.scratch_bytes(), kernel.pack_scratch_bytes()));
    if (kernel.packed_bytes() == 0) return;
    packed_ = bytes(kernel.packed_bytes());
    kernel.pack(weight_.view().data(), packed_.view().data(), scratch_.view().data());
  }

  std::unique_ptr<const ForwardKernel> forward_;
  std::unique_ptr<const BackwardDataKernel> by_input_;
  std::unique_ptr<const BackwardWeightsKernel> by_weight_;
};

// As the gated PixelCNN block uses it: sample by sample.
class CausalByProducts final : public Pass {
 public:
  CausalByProducts(const ConvolutionShape& s, ConvolutionPass pass)
      : Pass(s), shape_(s), pass_(pass), product_(product_of(s)), sums_(floats(product_.sum_count())) {
    packed_ = bytes(product_.packed_bytes());
    scratch_ = bytes(product_.scratch_bytes());
    const float* weight = weight_.view().data();
    product_.pack(&weight, packed_.view().data());
  }

  void run() override {
    for (std::int64_t n = 0; n < shape_.n; ++n) {
      float* x = x_.view().data() + n * product_.positions() * shape_.c;
      float* y = y_.view().data() + n * product_.positions() * shape_.filters;
      const void* weight = packed_.view().data();
      void* scratch = scratch_.view().data();
      if (pass_ == ConvolutionPass::by_weight) {
        product_.backward_weights(&x, y, 0, product_.positions(), sums_.view().data(), scratch);
        continue;
      }
      product_.for_each_chunk([&](std::int64_t first, std::int64_t last) {
        float* rows = y + first * shape_.filters;
        if (pass_ == ConvolutionPass::forward)
          product_.forward(&x, first, last, weight, nullptr, rows, scratch);
        else
          product_.backward_data(rows, first, last, weight, &x, scratch);
      });
    }
  }

 private:
  static CausalProduct product_of(const ConvolutionShape& s) {
    CausalSource rows{.channels = s.c, .kernel = s.kh * s.kw, .runs = {}};
    for (std::int64_t row = 0; row < s.kh; ++row) rows.runs.push_back({row - s.pad_top, -s.pad_left, s.kw, row * s.kw});
    return CausalProduct(
        {.height = s.h, .width = s.w, .filters = s.filters, .sources = {std::move(rows)}, .backward = true});
  }

  ConvolutionShape shape_;
  ConvolutionPass pass_;
  CausalProduct product_;
  Tensor sums_;
};

// A line lies along the columns, as nodes have it.
ConvolutionShape layer(const WinogradGeometry& g, std::int64_t extent, std::int64_t c, std::int64_t filters) {
  ConvolutionShape s;
  s.n = std::max(kLeastSamples, kLeastPositions / (extent * extent)), s.c = c, s.filters = filters;
  if (g.is_line()) {
    s.w = extent * extent * g.stride_h, s.kw = g.kh, s.stride_w = g.stride_h;
    s.pad_left = g.pad_top, s.pad_right = g.pad_bottom();
    return s;
  }
  s.h = extent * g.stride_h, s.w = extent * g.stride_w;
  s.kh = g.kh, s.kw = g.kw, s.stride_h = g.stride_h, s.stride_w = g.stride_w;
  s.pad_top = g.pad_top, s.pad_left = g.pad_left, s.pad_bottom = g.pad_bottom(), s.pad_right = g.pad_right();
  return s;
}

// Small maps of many channels are not transformed: with them vae-gan-64 was 3 to 4 % faster, and took 5 % more memory.
bool takes_too_much(const ConvolutionShape& s, std::int64_t extent, ConvolutionPass pass) {
  constexpr std::int64_t kMostFloats = 8 << 20, kSmall = 8;
  const std::int64_t transformed =
      form_of(winograd_kind(s).value()).inputs() * s.stride_h * s.stride_w * s.c * s.filters;
  return pass != ConvolutionPass::by_weight && extent <= kSmall && transformed > kMostFloats;
}

double speedup(const WinogradGeometry& g, const ConvolutionShape& shape, ConvolutionPass pass) {
  std::unique_ptr<Pass> other;
  if (g.causal())
    other = std::make_unique<CausalByProducts>(shape, pass);
  else
    other = std::make_unique<ConvolutionByKernels>(shape, pass, ConvolutionAlgorithm::automatic);
  ConvolutionByKernels winograd(shape, pass, ConvolutionAlgorithm::winograd);
  winograd.run();
  other->run();
  const int repeats = 1 + static_cast<int>(kLeastSeconds / std::max(other->seconds(1), 1e-7));
  double best_other = 1e9, best_winograd = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    best_other = std::min(best_other, other->seconds(repeats));
    best_winograd = std::min(best_winograd, winograd.seconds(repeats));
  }
  return best_other / best_winograd;
}

void print_row(const WinogradGeometry& g, ConvolutionPass pass, std::int64_t extent, std::int64_t c) {
  for (const std::int64_t filters : kMeasuredChannels) {
    const ConvolutionShape shape = layer(g, extent, c, filters);
    const double tenths =
        !g.is_line() && takes_too_much(shape, extent, pass) ? 0 : std::round(10 * speedup(g, shape, pass));
    std::printf("%s%2d", filters == kMeasuredChannels[0] ? "{" : ", ", static_cast<int>(std::clamp(tenths, 0.0, 99.0)));
  }
  std::puts("},");
  std::fflush(stdout);
}

void print_geometry(const WinogradGeometry& g) {
  const char* const passes[] = {"forward", "by input", "by weight"};
  std::puts("{");
  for (const auto pass : {ConvolutionPass::forward, ConvolutionPass::by_input, ConvolutionPass::by_weight}) {
    std::puts("{");
    for (const std::int64_t extent : kMeasuredExtents) {
      const auto size = static_cast<int>(extent);
      std::printf("{  // %dx%d, stride %dx%d, %s%s, y of %dx%d\n", static_cast<int>(g.kh), static_cast<int>(g.kw),
                  static_cast<int>(g.stride_h), static_cast<int>(g.stride_w), g.causal() ? "causal, " : "",
                  passes[static_cast<int>(pass)], g.is_line() ? size * size : size, g.is_line() ? 1 : size);
      for (const std::int64_t c : kMeasuredChannels) print_row(g, pass, extent, c);
      std::puts("},");
    }
    std::puts("},");
  }
  std::puts("},");
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t first = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 0;
  if (first == 0) std::puts("// Written by tests/bench/winograd_table.cpp.");
  for (std::size_t i = first; i < std::size(kMeasured); ++i) print_geometry(kMeasured[i]);
}

// bfloat16: the rounding against its definition, and the kernels on rounded operands against sums in double precision.
#include "dnnl/bf16.h"

#include <array>
#include <boost/test/unit_test.hpp>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "dnnl/convolution.h"
#include "dnnl/convolution_methods.h"
#include "dnnl/gradient_kernel.h"
#include "dnnl/linear.h"
#include "dnnl/matmul.h"
#include "support.h"

using namespace loom::dnnl;
using namespace loom_test;

namespace {

// Of the error's norm to that of the result: two roundings of 2^-9 each, and sums in f32.
constexpr double kBound = 5e-3;

float widened(std::uint16_t half) { return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16); }

std::uint16_t nearest(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>((bits | 0x400000) >> 16);
  const auto down = static_cast<std::uint16_t>(bits >> 16), up = static_cast<std::uint16_t>(down + 1);
  const std::uint32_t rest = bits & 0xFFFF;
  if (rest != 0x8000) return rest < 0x8000 ? down : up;
  return down % 2 == 0 ? down : up;
}

double relative_error(const std::vector<float>& got, const std::vector<float>& expected) {
  double error = 0, norm = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    error += std::pow(static_cast<double>(got[i]) - static_cast<double>(expected[i]), 2);
    norm += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(error / norm);
}

template <class Kernel>
std::vector<std::byte> packed(const Kernel& kernel, const std::vector<float>& weight) {
  Scratch scratch(kernel.pack_scratch_bytes());
  std::vector<std::byte> memory(kernel.packed_bytes());
  kernel.pack(weight.data(), memory.data(), scratch.get());
  BOOST_CHECK(scratch.intact());
  return memory;
}

const void* weight_of(const std::vector<std::byte>& packed, const std::vector<float>& plain) {
  return packed.empty() ? static_cast<const void*>(plain.data()) : packed.data();
}

// Values in one of the two types.
class Stored {
 public:
  Stored(const std::vector<float>& values, bool is_bf16) : plain_(values), halves_(is_bf16 ? values.size() : 0) {
    if (is_bf16) loom::math::to_bf16(values.data(), halves_.data(), static_cast<std::int64_t>(values.size()));
  }
  const void* raw() const { return halves_.empty() ? static_cast<const void*>(plain_.data()) : halves_.data(); }
  void* raw() { return halves_.empty() ? static_cast<void*>(plain_.data()) : halves_.data(); }
  std::vector<float> values() const {
    std::vector<float> wide = plain_;
    if (!halves_.empty()) loom::math::to_f32(halves_.data(), wide.data(), static_cast<std::int64_t>(wide.size()));
    return wide;
  }

 private:
  std::vector<float> plain_;
  std::vector<Bf16> halves_;
};

// The three passes of a layer.
struct Passes {
  std::vector<float> y, diff_x, diff_weight, diff_bias;

  template <class Forward, class Data, class Weights>
  Passes(const Forward& forward, const Data& data, const Weights& weights, const std::vector<float>& x,
         const std::vector<float>& weight, const std::vector<float>& bias, const std::vector<float>& diff_y,
         bool x_bf16 = false, bool y_bf16 = false)
      : y(diff_y.size(), std::nanf("")),
        diff_x(x.size(), std::nanf("")),
        diff_weight(weight.size()),
        diff_bias(bias.size()) {
    const Scratch scratch(std::max({forward.scratch_bytes(), data.scratch_bytes(), weights.scratch_bytes()}));
    const auto forward_weight = packed(forward, weight), data_weight = packed(data, weight);
    const Stored from_x(x, x_bf16), from_y(diff_y, y_bf16);
    Stored to_y(y, y_bf16), to_x(diff_x, x_bf16);
    forward.execute(from_x.raw(), weight_of(forward_weight, weight), bias.data(), to_y.raw(), scratch.get());
    data.execute(from_y.raw(), weight_of(data_weight, weight), to_x.raw(), scratch.get());
    weights.execute(from_x.raw(), from_y.raw(), diff_weight.data(), diff_bias.data(), scratch.get());
    check_overwriting(weights, from_x.raw(), from_y.raw(), weight.size(), bias.size(), "weights");
    y = to_y.values(), diff_x = to_x.values();
    BOOST_TEST(scratch.intact());
  }
};

void check_close(const Passes& rounded, const Passes& whole, const std::string& what) {
  BOOST_TEST(relative_error(rounded.y, whole.y) < kBound, what << " forward " << relative_error(rounded.y, whole.y));
  BOOST_TEST(relative_error(rounded.diff_x, whole.diff_x) < kBound, what << " by the input");
  BOOST_TEST(relative_error(rounded.diff_weight, whole.diff_weight) < kBound, what << " by the weight");
  BOOST_TEST((rounded.diff_x != whole.diff_x), what);
}

// Values stored in bf16 give what the same values in f32 give, but for their rounding.
void check_stored(const ConvolutionShape& s) {
  const auto x = random_floats(s.x_count(), 1), weight = random_floats(s.weight_count(), 2),
             bias = random_floats(s.filters, 4), diff_y = random_floats(s.y_count(), 3);
  const auto passes = [&](const ConvolutionShape& shape) {
    return Passes(*make_convolution_forward(shape), *make_convolution_backward_data(shape),
                  *make_convolution_backward_weights(shape), x, weight, bias, diff_y, shape.x_bf16, shape.y_bf16);
  };
  ConvolutionShape stored = s;
  stored.x_bf16 = stored.y_bf16 = true;
  const Passes plain = passes(s), rounded = passes(stored);
  check_close(rounded, plain, describe(s));
  BOOST_TEST(relative_error(rounded.diff_bias, plain.diff_bias) < kBound, describe(s));
}

bool skipped() {
  if (has_bf16()) return false;
  BOOST_TEST_MESSAGE("SKIPPED: this processor does not multiply bf16");
  return true;
}

// A window of at least so many taps along each axis, and an image that has room for it.
template <class Between>
void draw_window(ConvolutionShape& s, const Between& between, std::int64_t least_taps, std::int64_t least_room) {
  s.kh = between(least_taps, 5), s.kw = between(least_taps, 5), s.stride_h = between(1, 2), s.stride_w = between(1, 2);
  s.pad_top = between(0, s.kh - 1), s.pad_bottom = between(0, s.kh - 1);
  s.pad_left = between(0, s.kw - 1), s.pad_right = between(0, s.kw - 1);
  s.h = s.kh + between(least_room, 12), s.w = s.kw + between(least_room, 12);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bf16)

BOOST_AUTO_TEST_CASE(rounds_to_the_nearest_and_ties_to_even) {
  std::vector<float> values = {0.0F,
                               -0.0F,
                               1.0F,
                               1.00390625F,
                               1.01171875F,
                               3.3895314e38F,
                               -3.3895314e38F,
                               1e-45F,
                               std::numeric_limits<float>::max(),
                               std::numeric_limits<float>::infinity(),
                               -std::numeric_limits<float>::infinity(),
                               std::nanf(""),
                               std::bit_cast<float>(0x7F800001U),
                               std::bit_cast<float>(0xFFFFFFFFU)};
  std::mt19937 generator(3);
  for (int i = 0; i < 100000; ++i) values.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(generator())));
  for (std::uint32_t i = 0; i < 1000; ++i) values.push_back(std::bit_cast<float>(0x3F808000U + (i << 16)));  // ties
  std::vector<Bf16> rounded(values.size());
  loom::math::to_bf16(values.data(), rounded.data(), static_cast<std::int64_t>(values.size()));
  for (std::size_t i = 0; i < values.size(); ++i)
    BOOST_TEST(rounded[i].bits == nearest(values[i]), values[i] << " became " << widened(rounded[i].bits));
}

// What is stored in bf16 is read and written as it is: the operands are those that would have been rounded.
BOOST_AUTO_TEST_CASE(stored_values) {
  if (skipped()) return;
  for (const std::int64_t stride : {1, 2}) {
    for (const std::int64_t channels : {1, 3, 40}) {  // in f32 kernels, in those of bf16, and in either
      ConvolutionShape s;
      s.n = 3, s.h = 9, s.w = 12, s.c = channels, s.filters = 24, s.kh = 3, s.kw = 4, s.bias = true, s.relu = true;
      s.stride_h = s.stride_w = stride, s.pad_top = s.pad_left = s.pad_right = 1, s.bf16 = true;
      check_stored(s);
    }
  }
}

// f32 kernels of values in bf16 take some of the samples at once: here three, two and one of six.
BOOST_AUTO_TEST_CASE(wide_copies_of_some_samples_at_once) {
  if (skipped()) return;
  for (const std::int64_t size : {45, 58, 88}) {
    ConvolutionShape s{
        .n = 6, .h = size, .w = size, .c = 1, .filters = 60, .kh = 3, .kw = 3, .bias = true, .bf16 = true};
    check_stored(s);
    ConvolutionShape stored = s;
    stored.x_bf16 = stored.y_bf16 = true;
    const auto bytes = [&](const ConvolutionShape& shape) { return make_convolution_forward(shape)->scratch_bytes(); };
    BOOST_TEST(bytes(stored) < bytes(s) + (3U << 20), describe(s));
  }
}

BOOST_AUTO_TEST_CASE(convolutions_of_many_shapes) {
  if (skipped()) return;
  std::mt19937 generator(5);
  const auto between = [&](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(generator);
  };
  for (int i = 0; i < 60; ++i) {
    ConvolutionShape s;
    s.n = between(1, 3), s.c = between(1, 70), s.filters = between(1, 70), s.bias = between(0, 1) == 1;
    draw_window(s, between, 1, 0);
    const auto x = random_floats(s.x_count(), 1), weight = random_floats(s.weight_count(), 2),
               bias = random_floats(s.filters, 4), diff_y = random_floats(s.y_count(), 3);
    const auto passes = [&](ConvolutionAlgorithm algorithm) {
      return Passes(*make_convolution_forward(s, algorithm), *make_convolution_backward_data(s, algorithm),
                    *make_convolution_backward_weights(s, algorithm), x, weight, bias, diff_y);
    };
    const Passes rounded = passes(ConvolutionAlgorithm::bf16), whole = passes(ConvolutionAlgorithm::direct);
    check_close(rounded, whole, describe(s));
    if (s.bias) BOOST_TEST(relative_error(rounded.diff_bias, whole.diff_bias) < 1e-5, describe(s));
  }
}

// A result of one column, with a stride: some of these oneDNN 3.7 computes in part.
BOOST_AUTO_TEST_CASE(strided_columns) {
  if (skipped()) return;
  for (const auto& [h, w, kh, kw] :
       {std::array<std::int64_t, 4>{12, 3, 2, 2}, {15, 6, 5, 5}, {9, 2, 5, 2}, {30, 3, 3, 3}}) {
    for (const std::int64_t stride_h : {1, 2}) {
      ConvolutionShape s{.n = 2, .h = h, .w = w, .c = 40, .filters = 48, .kh = kh, .kw = kw, .bias = true};
      s.stride_h = stride_h, s.stride_w = 2;
      BOOST_TEST_REQUIRE(s.out_w() == 1);
      const auto x = random_floats(s.x_count(), 1), weight = random_floats(s.weight_count(), 2),
                 bias = random_floats(s.filters, 4), diff_y = random_floats(s.y_count(), 3);
      const auto passes = [&](ConvolutionAlgorithm algorithm) {
        return Passes(*make_convolution_forward(s, algorithm), *make_convolution_backward_data(s, algorithm),
                      *make_convolution_backward_weights(s, algorithm), x, weight, bias, diff_y);
      };
      check_close(passes(ConvolutionAlgorithm::bf16), passes(ConvolutionAlgorithm::direct), describe(s));
    }
  }
}

// Every form, whichever one this processor takes: oneDNN's kernels as they are, and those on blocks of the stride's size.
BOOST_AUTO_TEST_CASE(both_forms_of_many_shapes) {
  if (skipped()) return;
  std::mt19937 generator(7);
  const auto between = [&](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(generator);
  };
  for (int i = 0; i < 40; ++i) {
    ConvolutionShape s{.n = between(1, 5), .c = between(2, 40), .filters = between(8, 70)};
    draw_window(s, between, 2, 2);
    s.bf16 = s.x_bf16 = s.y_bf16 = i % 2 == 0;
    const auto x = random_floats(s.x_count(), 1), weight = random_floats(s.weight_count(), 2),
               diff_y = random_floats(s.y_count(), 3);
    const auto passes = [&](const ConvolutionShape& shape, auto forward, auto data, auto weights) {
      return Passes(*forward, GradientKernel(std::move(data)), *weights, x, weight, {}, diff_y, shape.x_bf16,
                    shape.y_bf16);
    };
    ConvolutionShape wide = s;
    wide.bf16 = wide.x_bf16 = wide.y_bf16 = false;
    const Passes whole = passes(wide, make_direct_forward(wide), make_direct_backward_data(wide, false),
                                make_direct_backward_weights(wide));
    if (s.out_w() > 1 || s.stride_w == 1)
      check_close(passes(s, make_bf16_forward(s), make_bf16_backward_data(s, false), make_bf16_backward_weights(s)),
                  whole, "plain " + describe(s));
    check_close(passes(s, make_strided_bf16_forward(s), make_strided_bf16_backward_data(s, false),
                       make_strided_bf16_backward_weights(s)),
                whole, "blocks " + describe(s));
  }
}

// Maps so small, and of so many channels, that the gradient is computed tap by tap, in several parts and a last one.
BOOST_AUTO_TEST_CASE(weight_gradients_by_taps) {
  if (skipped()) return;
  ConvolutionShape strided{
      .n = 40, .h = 7, .w = 7, .c = 64, .filters = 72, .kh = 5, .kw = 5, .bias = true, .bf16 = true};
  strided.stride_h = strided.stride_w = 2;
  strided.pad_top = strided.pad_bottom = strided.pad_left = strided.pad_right = 2;
  ConvolutionShape dilated{
      .n = 50, .h = 6, .w = 4, .c = 48, .filters = 50, .kh = 3, .kw = 2, .bias = true, .bf16 = true};
  dilated.dilation_h = 2, dilated.dilation_w = 1, dilated.pad_left = 1, dilated.pad_top = 3;
  const ConvolutionShape pointwise{.n = 3, .h = 15, .w = 15, .c = 64, .filters = 50, .bf16 = true};
  for (ConvolutionShape s : {strided, dilated, pointwise}) {
    const auto x = random_floats(s.x_count(), 1), diff_y = random_floats(s.y_count(), 3);
    std::vector<float> expected(static_cast<std::size_t>(s.weight_count())), bias(static_cast<std::size_t>(s.filters));
    const auto whole = make_convolution_backward_weights(s, ConvolutionAlgorithm::direct);
    const Scratch scratch(whole->scratch_bytes());
    whole->execute(x.data(), diff_y.data(), expected.data(), bias.data(), scratch.get());
    for (const bool stored : {false, true}) {
      s.x_bf16 = s.y_bf16 = stored;
      const auto by_taps = make_taps_bf16_backward_weights(s);
      BOOST_TEST(by_taps->implementation().starts_with("bf16 taps"), describe(s));
      const Scratch work(by_taps->scratch_bytes());
      std::vector<float> got(expected.size(), 1.0F), diff_bias(bias.size());
      const Stored from_x(x, stored), from_y(diff_y, stored);
      by_taps->execute(from_x.raw(), from_y.raw(), got.data(), diff_bias.data(), work.get());
      for (float& value : got) value -= 1.0F;  // it is added to what is there
      BOOST_TEST(work.intact());
      BOOST_TEST(relative_error(got, expected) < kBound, describe(s));
      if (s.bias) BOOST_TEST(relative_error(diff_bias, bias) < kBound, describe(s));
    }
  }
}

BOOST_AUTO_TEST_CASE(few_channels_stay_in_f32) {
  if (skipped()) return;
  ConvolutionShape s{.n = 2, .h = 16, .w = 16, .c = 1, .filters = 64, .kh = 3, .kw = 3, .bf16 = true};
  BOOST_TEST(!make_convolution_forward(s)->implementation().starts_with("bf16"));
  s.c = 64;
  BOOST_TEST(make_convolution_forward(s)->implementation().starts_with("bf16"));
  s.bf16 = false;
  BOOST_TEST(!make_convolution_forward(s)->implementation().starts_with("bf16"));
}

BOOST_AUTO_TEST_CASE(linear_layers_of_many_shapes) {
  if (skipped()) return;
  for (const auto& [rows, inputs, outputs] :
       {std::tuple<std::int64_t, std::int64_t, std::int64_t>{1, 16, 16}, {7, 33, 65}, {64, 784, 400}, {128, 20, 400}}) {
    for (const bool relu : {false, true}) {
      LinearShape s{.rows = rows, .inputs = inputs, .outputs = outputs, .bias = true, .relu = relu};
      const auto x = random_floats(rows * inputs, 1), weight = random_floats(inputs * outputs, 2),
                 bias = random_floats(outputs, 4), diff_y = random_floats(rows * outputs, 3);
      const auto passes = [&](bool bf16) {
        s.bf16 = bf16;
        return Passes(*make_linear_forward(s), *make_linear_backward_data(s), *make_linear_backward_weights(s), x,
                      weight, bias, diff_y);
      };
      check_close(passes(true), passes(false), "linear " + std::to_string(inputs) + " to " + std::to_string(outputs));
    }
  }
}

BOOST_AUTO_TEST_CASE(only_dense_products_are_rounded) {
  BOOST_CHECK_THROW(Matmul({.m = 4, .n = 4, .k = 4, .bf16 = true, .lda = 8}), std::invalid_argument);
  BOOST_CHECK_THROW(Matmul({.m = 4, .n = 4, .k = 4, .batch = 2, .bf16 = true}), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()

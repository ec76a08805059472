#include "dnnl/convolution.h"

#include <boost/test/unit_test.hpp>
#include <thread>

#include "dnnl/vector_loops.h"
#include "support.h"

using namespace loom::dnnl;
using namespace loom_test;

namespace {

// Calls body(x index, weight index, y index) for every product of the convolution.
template <class Body>
void for_each_product(const ConvolutionShape& s, const Body& body) {
  const std::int64_t out_h = s.out_h(), out_w = s.out_w(), per_group = s.c / s.groups;
  const std::int64_t filters_per_group = s.filters / s.groups;
  for (std::int64_t n = 0; n < s.n; ++n)
    for (std::int64_t oy = 0; oy < out_h; ++oy)
      for (std::int64_t ox = 0; ox < out_w; ++ox)
        for (std::int64_t ky = 0; ky < s.kh; ++ky)
          for (std::int64_t kx = 0; kx < s.kw; ++kx) {
            const std::int64_t y = oy * s.stride_h - s.pad_top + ky * s.dilation_h;
            const std::int64_t x = ox * s.stride_w - s.pad_left + kx * s.dilation_w;
            if (y < 0 || y >= s.h || x < 0 || x >= s.w) continue;
            for (std::int64_t f = 0; f < s.filters; ++f)
              for (std::int64_t c = 0; c < per_group; ++c) {
                const std::int64_t channel = f / filters_per_group * per_group + c;
                body(((n * s.h + y) * s.w + x) * s.c + channel, ((f * per_group + c) * s.kh + ky) * s.kw + kx,
                     ((n * out_h + oy) * out_w + ox) * s.filters + f);
              }
          }
}

std::string name(const ConvolutionShape& s) {
  std::string text;
  for (const auto v : {s.n, s.h, s.w, s.c, s.filters, s.kh, s.kw, s.stride_h, s.stride_w, s.pad_top, s.pad_bottom,
                       s.pad_left, s.pad_right, s.dilation_h, s.dilation_w, s.groups}) {
    text += std::to_string(v) + " ";
  }
  return text;
}

void add_bias_and_relu(std::vector<float>& y, const std::vector<float>& bias, bool with_bias, bool relu) {
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (with_bias) y[i] += bias[i % bias.size()];
    if (relu) y[i] = std::max(y[i], 0.0F);
  }
}

// The plain weight, or its packed form where the class has one.
template <class Convolution>
struct Weight {
  Weight(const Convolution& convolution, const std::vector<float>& plain)
      : plain_(&plain), packed_(convolution.packed_bytes()), is_packed_(convolution.packed_bytes() != 0) {
    Scratch scratch(convolution.pack_scratch_bytes());
    convolution.pack(plain.data(), packed_.get(), scratch.get());
    BOOST_CHECK(scratch.intact());
    BOOST_CHECK(packed_.intact());
  }
  const void* get() const { return is_packed_ ? packed_.get() : plain_->data(); }

 private:
  const std::vector<float>* plain_;
  Scratch packed_;
  bool is_packed_;
};

void check_convolution(const ConvolutionShape& s, ConvolutionAlgorithm algorithm) {
  // There is no mirrored gradient by the input.
  const auto data_algorithm = algorithm == ConvolutionAlgorithm::mirrored ? ConvolutionAlgorithm::automatic : algorithm;
  const auto x = random_floats(s.x_count(), 1), weight = random_floats(s.weight_count(), 2);
  const auto bias = random_floats(s.filters, 3), diff_y = random_floats(s.y_count(), 4);

  std::vector<float> y(diff_y.size(), std::nanf("")), expected(y.size());
  for_each_product(s, [&](auto i, auto j, auto k) { expected[k] += x[i] * weight[j]; });
  add_bias_and_relu(expected, bias, s.bias, s.relu);
  const auto forward = make_convolution_forward(s, algorithm);
  const auto what = name(s) + forward->implementation();
  {
    Scratch scratch(forward->scratch_bytes());
    forward->execute(x.data(), Weight(*forward, weight).get(), bias.data(), y.data(), scratch.get());
    BOOST_CHECK_MESSAGE(scratch.intact(), what);
  }
  check_close(y, expected, what + " forward");

  std::vector<float> diff_x(x.size(), std::nanf(""));
  expected.assign(x.size(), 0.0F);
  for_each_product(s, [&](auto i, auto j, auto k) { expected[i] += diff_y[k] * weight[j]; });
  const auto backward_data = make_convolution_backward_data(s, data_algorithm);
  {
    Scratch scratch(backward_data->scratch_bytes());
    backward_data->execute(diff_y.data(), Weight(*backward_data, weight).get(), diff_x.data(), scratch.get());
    BOOST_CHECK_MESSAGE(scratch.intact(), what);
  }
  check_close(diff_x, expected, what + " backward data");

  // Running sums: whatever is there stays.
  auto diff_weight = random_floats(s.weight_count(), 5), diff_bias = random_floats(s.filters, 6);
  auto expected_weight = diff_weight, expected_bias = diff_bias;
  for_each_product(s, [&](auto i, auto j, auto k) { expected_weight[j] += x[i] * diff_y[k]; });
  if (s.bias) {
    for (std::size_t i = 0; i < diff_y.size(); ++i) expected_bias[i % expected_bias.size()] += diff_y[i];
  }
  const auto backward_weights = make_convolution_backward_weights(s, algorithm);
  {
    Scratch scratch(backward_weights->scratch_bytes());
    backward_weights->execute(x.data(), diff_y.data(), diff_weight.data(), diff_bias.data(), scratch.get());
    BOOST_CHECK_MESSAGE(scratch.intact(), what);
  }
  check_close(diff_weight, expected_weight, what + " backward weights");
  check_overwriting(*backward_weights, x.data(), diff_y.data(), diff_weight.size(), diff_bias.size(), what);
  check_close(diff_bias, expected_bias, what + " backward bias");
}

// Whether there is a Winograd form: two or three taps along each axis, in each phase of a stride.
bool is_short(const ConvolutionShape& s) {
  const auto taps = [](std::int64_t kernel, std::int64_t stride) { return (kernel + stride - 1) / stride; };
  const auto down = taps(s.kh, s.stride_h), across = taps(s.kw, s.stride_w);
  return s.groups == 1 && s.dilation_h == 1 && s.dilation_w == 1 && std::min(down, across) >= 2 &&
         std::max(down, across) <= 3;
}

void check_all(const ConvolutionShape& shape) {
  if (is_short(shape)) {
    auto s = shape;
    check_convolution(s, ConvolutionAlgorithm::winograd);
    s.bias = s.relu = true;
    check_convolution(s, ConvolutionAlgorithm::winograd);
  }
  for (const auto algorithm :
       {ConvolutionAlgorithm::automatic, ConvolutionAlgorithm::direct, ConvolutionAlgorithm::columns}) {
    if (algorithm == ConvolutionAlgorithm::columns && shape.groups != 1) continue;
    for (const bool extras : {false, true}) {
      auto s = shape;
      s.bias = s.relu = extras;
      check_convolution(s, algorithm);
    }
  }
  if (shape.groups != 1 || shape.stride_h != 1 || shape.stride_w != 1) return;
  auto s = shape;
  const std::int64_t reach_h = (s.kh - 1) * s.dilation_h, reach_w = (s.kw - 1) * s.dilation_w;
  if (std::max(s.pad_top, s.pad_bottom) > reach_h || std::max(s.pad_left, s.pad_right) > reach_w) return;
  check_convolution(s, ConvolutionAlgorithm::mirrored);
  s.bias = s.relu = true;
  check_convolution(s, ConvolutionAlgorithm::mirrored);
}

void check_transposed(TransposedConvolutionShape s, ConvolutionAlgorithm algorithm) {
  const auto mirrored = s.mirrored();
  BOOST_REQUIRE_EQUAL(mirrored.out_h(), s.h);
  BOOST_REQUIRE_EQUAL(mirrored.out_w(), s.w);
  BOOST_REQUIRE_EQUAL(mirrored.weight_count(), s.weight_count());
  const auto x = random_floats(s.x_count(), 1), weight = random_floats(s.weight_count(), 2);
  const auto bias = random_floats(s.filters, 3), diff_y = random_floats(s.y_count(), 4);

  std::vector<float> y(diff_y.size(), std::nanf("")), expected(y.size());
  for_each_product(mirrored, [&](auto i, auto j, auto k) { expected[i] += x[k] * weight[j]; });
  add_bias_and_relu(expected, bias, s.bias, s.relu);
  const auto forward = make_transposed_convolution_forward(s, algorithm);
  const auto what = name(mirrored) + forward->implementation();
  {
    Scratch scratch(forward->scratch_bytes());
    forward->execute(x.data(), Weight(*forward, weight).get(), bias.data(), y.data(), scratch.get());
    BOOST_CHECK_MESSAGE(scratch.intact(), what);
  }
  check_close(y, expected, what + " transposed forward");

  std::vector<float> diff_x(x.size(), std::nanf(""));
  expected.assign(x.size(), 0.0F);
  for_each_product(mirrored, [&](auto i, auto j, auto k) { expected[k] += diff_y[i] * weight[j]; });
  const auto backward_data = make_transposed_convolution_backward_data(s, algorithm);
  {
    Scratch scratch(backward_data->scratch_bytes());
    backward_data->execute(diff_y.data(), Weight(*backward_data, weight).get(), diff_x.data(), scratch.get());
  }
  check_close(diff_x, expected, what + " transposed backward data");

  auto diff_weight = random_floats(s.weight_count(), 5), diff_bias = random_floats(s.filters, 6);
  auto expected_weight = diff_weight, expected_bias = diff_bias;
  for_each_product(mirrored, [&](auto i, auto j, auto k) { expected_weight[j] += x[k] * diff_y[i]; });
  if (s.bias) {
    for (std::size_t i = 0; i < diff_y.size(); ++i) expected_bias[i % expected_bias.size()] += diff_y[i];
  }
  const auto backward_weights = make_transposed_convolution_backward_weights(s, algorithm);
  {
    Scratch scratch(backward_weights->scratch_bytes());
    backward_weights->execute(x.data(), diff_y.data(), diff_weight.data(), diff_bias.data(), scratch.get());
    BOOST_CHECK_MESSAGE(scratch.intact(), what);
  }
  check_close(diff_weight, expected_weight, what + " transposed backward weights");
  check_overwriting(*backward_weights, x.data(), diff_y.data(), diff_weight.size(), diff_bias.size(), what);
  check_close(diff_bias, expected_bias, what + " transposed backward bias");
}

void check_all(const TransposedConvolutionShape& shape) {
  for (const auto algorithm :
       {ConvolutionAlgorithm::automatic, ConvolutionAlgorithm::direct, ConvolutionAlgorithm::columns}) {
    if (algorithm == ConvolutionAlgorithm::columns && shape.groups != 1) continue;
    for (const bool extras : {false, true}) {
      auto s = shape;
      s.bias = s.relu = extras;
      check_transposed(s, algorithm);
    }
  }
}

ConvolutionShape square(std::int64_t n, std::int64_t size, std::int64_t c, std::int64_t filters, std::int64_t k,
                        std::int64_t stride, std::int64_t pad) {
  ConvolutionShape s;
  s.n = n, s.h = s.w = size, s.c = c, s.filters = filters, s.kh = s.kw = k, s.stride_h = s.stride_w = stride;
  s.pad_top = s.pad_bottom = s.pad_left = s.pad_right = pad;
  return s;
}

TransposedConvolutionShape transposed(std::int64_t n, std::int64_t size, std::int64_t c, std::int64_t filters,
                                      std::int64_t k, std::int64_t stride, std::int64_t pad, std::int64_t extra = 0) {
  TransposedConvolutionShape s;
  s.n = n, s.h = s.w = size, s.c = c, s.filters = filters, s.kh = s.kw = k, s.stride_h = s.stride_w = stride;
  s.pad_top = s.pad_bottom = s.pad_left = s.pad_right = pad;
  s.output_padding_h = s.output_padding_w = extra;
  return s;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(dnnl_convolution)

BOOST_AUTO_TEST_CASE(usual_shapes) {
  for (const std::int64_t n : {1, 3}) {
    check_all(square(n, 28, 1, 32, 4, 2, 1));
    check_all(square(n, 14, 32, 64, 4, 2, 1));
    check_all(square(n, 16, 3, 20, 5, 2, 2));
    check_all(square(n, 9, 16, 16, 3, 1, 1));
    check_all(square(n, 9, 32, 3, 5, 1, 2));
    check_all(square(n, 9, 32, 1, 3, 1, 0));
    check_all(square(n, 7, 24, 40, 1, 1, 0));
    check_all(square(n, 8, 6, 1, 1, 2, 0));
    check_all(square(n, 5, 1, 1, 3, 1, 1));
    check_all(square(n, 4, 2, 3, 4, 1, 0));
  }
}

BOOST_AUTO_TEST_CASE(odd_sizes_and_gaps) {
  for (const std::int64_t c : {1, 2, 3, 5, 17, 40}) {
    check_all(square(2, 11, c, 7, 3, 2, 0));  // the last column and row are not reached
    check_all(square(2, 12, c, 7, 2, 3, 1));  // windows do not touch
    check_all(square(2, 10, c, 5, 5, 3, 2));  // windows overlap by less than a stride
    check_all(square(2, 9, c, 5, 7, 2, 3));
  }
}

BOOST_AUTO_TEST_CASE(asymmetric) {
  for (const std::int64_t c : {1, 4, 16}) {
    auto s = square(2, 9, c, 8, 3, 1, 0);
    s.w = 13, s.kw = 4, s.stride_w = 2, s.pad_top = 2, s.pad_left = 3, s.pad_right = 1;
    check_all(s);
    s.stride_h = 3, s.pad_bottom = 2, s.pad_top = 0;
    check_all(s);
    s = square(1, 12, c, 8, 3, 2, 0);
    s.pad_top = 5, s.pad_left = 4;  // whole windows in the padding
    check_all(s);
  }
}

BOOST_AUTO_TEST_CASE(dilated) {
  for (const std::int64_t c : {1, 3, 16}) {
    auto s = square(2, 12, c, 8, 3, 1, 2);
    s.dilation_h = s.dilation_w = 2;
    check_all(s);
    s.stride_h = s.stride_w = 2, s.dilation_w = 3;
    check_all(s);
    s.dilation_h = 3, s.dilation_w = 1;
    check_all(s);
  }
}

BOOST_AUTO_TEST_CASE(sequences) {
  for (const std::int64_t c : {1, 8, 32}) {
    ConvolutionShape s;  // causal: all the padding on the left
    s.n = 2, s.w = 37, s.c = c, s.filters = 16, s.kw = 2, s.dilation_w = 8, s.pad_left = 8;
    check_all(s);
    s.kw = 4, s.dilation_w = 1, s.stride_w = 2, s.pad_left = s.pad_right = 1;
    check_all(s);
  }
}

BOOST_AUTO_TEST_CASE(grouped) {
  for (const std::int64_t groups : {2, 4, 16}) {
    auto s = square(2, 9, 16, 32, 3, 2, 1);
    s.groups = groups;
    check_all(s);
    s.filters = 16, s.stride_h = s.stride_w = 1;
    check_all(s);
  }
}

BOOST_AUTO_TEST_CASE(in_parts) {
  // Large enough that the columns of one sample, or of all samples, are made in several parts with a
  // remainder.
  check_all(square(1, 128, 3, 8, 4, 2, 1));
  check_all(square(1, 90, 1, 4, 7, 1, 3));
  check_all(square(23, 32, 1, 4, 5, 1, 2));
  check_all(square(1, 20, 1, 2, 18, 1, 9));  // more runs meet at a pixel than the fast loops foresee
  auto s = square(1, 60, 2, 4, 3, 1, 0);
  s.kh = 5, s.dilation_h = 9, s.w = 200, s.pad_left = 2;
  check_all(s);
}

BOOST_AUTO_TEST_CASE(transposed_shapes) {
  for (const std::int64_t n : {1, 3}) {
    check_all(transposed(n, 7, 64, 32, 4, 2, 1));
    check_all(transposed(n, 14, 32, 1, 4, 2, 1));
    check_all(transposed(n, 8, 16, 3, 5, 2, 2, 1));
    check_all(transposed(n, 5, 3, 8, 3, 1, 1));
    check_all(transposed(n, 5, 8, 2, 2, 3, 0, 2));
    check_all(transposed(n, 6, 8, 12, 1, 1, 0));
  }
  auto s = transposed(2, 6, 16, 8, 3, 2, 1);
  s.groups = 4;
  check_all(s);
  check_all(transposed(5, 64, 4, 3, 4, 2, 1));
  s = transposed(2, 6, 4, 3, 3, 1, 1);
  s.dilation_h = s.dilation_w = 2, s.pad_top = 0;
  check_all(s);
}

BOOST_AUTO_TEST_CASE(impossible_shapes) {
  BOOST_CHECK_THROW(make_convolution_forward(square(1, 3, 1, 1, 5, 1, 0)), std::invalid_argument);
  BOOST_CHECK_THROW(make_convolution_forward(square(0, 3, 1, 1, 3, 1, 0)), std::invalid_argument);
  auto s = square(1, 8, 6, 4, 3, 1, 1);
  s.groups = 4;
  BOOST_CHECK_THROW(make_convolution_backward_data(s), std::invalid_argument);
  s.groups = 2;
  BOOST_CHECK_THROW(make_convolution_backward_data(s, ConvolutionAlgorithm::columns), std::invalid_argument);
  BOOST_CHECK_THROW(make_convolution_forward(square(1, 8, 2, 2, 3, 2, 1), ConvolutionAlgorithm::mirrored),
                    std::invalid_argument);
  BOOST_CHECK_THROW(make_convolution_backward_data(square(1, 8, 2, 2, 3, 1, 1), ConvolutionAlgorithm::mirrored),
                    std::invalid_argument);
  BOOST_CHECK_THROW(make_transposed_convolution_forward(transposed(1, 4, 2, 2, 4, 2, 1, 2)), std::invalid_argument);
}

// One object, many threads: the same bits everywhere.
BOOST_AUTO_TEST_CASE(concurrent) {
  for (const auto& s : {square(4, 28, 1, 32, 4, 2, 1), square(4, 14, 32, 64, 4, 2, 1)}) {
    const auto forward = make_convolution_forward(s);
    const auto backward_data = make_convolution_backward_data(s);
    const auto backward_weights = make_convolution_backward_weights(s);
    const auto x = random_floats(s.x_count(), 1), weight = random_floats(s.weight_count(), 2);
    const auto diff_y = random_floats(s.y_count(), 4);
    const Weight forward_weight(*forward, weight);
    const Weight backward_weight(*backward_data, weight);
    struct Result {
      std::vector<float> y, diff_x, diff_weight;
    };
    std::vector<Result> results(8);
    std::vector<std::thread> threads;
    for (auto& result : results) {
      threads.emplace_back([&] {
        Scratch scratch(
            std::max({forward->scratch_bytes(), backward_data->scratch_bytes(), backward_weights->scratch_bytes()}));
        result.y.resize(diff_y.size()), result.diff_x.resize(x.size());
        for (int repeat = 0; repeat < 20; ++repeat) {
          result.diff_weight.assign(weight.size(), 0.0F);
          forward->execute(x.data(), forward_weight.get(), nullptr, result.y.data(), scratch.get());
          backward_data->execute(diff_y.data(), backward_weight.get(), result.diff_x.data(), scratch.get());
          backward_weights->execute(x.data(), diff_y.data(), result.diff_weight.data(), nullptr, scratch.get());
        }
      });
    }
    for (auto& thread : threads) thread.join();
    for (const auto& result : results) {
      BOOST_CHECK(result.y == results[0].y);
      BOOST_CHECK(result.diff_x == results[0].diff_x);
      BOOST_CHECK(result.diff_weight == results[0].diff_weight);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

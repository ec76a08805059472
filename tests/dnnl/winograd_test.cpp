// Winograd convolutions against sums in double precision, over 1,000 random shapes: kernels of 2 to 3 taps with stride 1, of
// 3 to 6 with stride 2, of 5 to 9 with stride 3, paddings on each side, any number of channels, tiles that are cut off; and
// over 300 with kernels of 2x3 and 3x5 taps, whose forms differ between rows and columns; and over 500 with kernels of one row,
// dilated or strided; and over 12 of so many channels that the phases of a stride are summed one after another.
#include <boost/test/unit_test.hpp>
#include <random>

#include "dnnl/convolution.h"
#include "support.h"

using namespace loom::dnnl;
using namespace loom_test;

namespace {

constexpr int kShapes = 1000, kMixedShapes = 300, kLines = 500, kWideShapes = 12;
// The header's bound: of the error's norm to that of the result.
constexpr double kBound = 5e-6;

class RandomShapes {
 public:
  ConvolutionShape next() {
    ConvolutionShape s;
    s.n = between(1, 3), s.c = between(1, 40), s.filters = between(1, 40);
    s.stride_h = between(1, 3), s.stride_w = between(0, 1) ? s.stride_h : between(1, 3);
    s.kh = between(s.stride_h + 1, 3 * s.stride_h), s.kw = between(s.stride_w + 1, 3 * s.stride_w);
    s.pad_top = between(0, s.kh - 1), s.pad_bottom = between(0, s.kh - 1);
    s.pad_left = between(0, s.kw - 1), s.pad_right = between(0, s.kw - 1);
    s.h = s.kh + between(0, 12), s.w = s.kw + between(0, 12);
    return s;
  }
  // Transformed weights of more than 16 MiB.
  ConvolutionShape next_wide() {
    ConvolutionShape s;
    s.n = between(1, 2), s.c = between(160, 200), s.filters = between(300, 360), s.stride_h = s.stride_w = 2;
    s.kh = between(3, 6), s.kw = between(3, 6);
    s.pad_top = between(0, s.kh - 1), s.pad_bottom = between(0, s.kh - 1);
    s.pad_left = between(0, s.kw - 1), s.pad_right = between(0, s.kw - 1);
    s.h = s.kh + between(0, 6), s.w = s.kw + between(0, 6);
    return s;
  }
  // A row sees itself and those above, as in a gated PixelCNN, or any others. Also images smaller than a tile.
  ConvolutionShape next_mixed() {
    ConvolutionShape s;
    s.n = between(1, 4), s.c = between(1, 72), s.filters = between(1, 72);
    const std::int64_t half = between(1, 2), kernel = 2 * half + 1;
    s.kh = half + 1, s.kw = kernel;
    const bool causal = between(0, 2) > 0;
    s.pad_top = causal ? half : between(0, half), s.pad_bottom = causal ? 0 : between(0, half);
    s.pad_left = causal ? half : between(0, 2 * half), s.pad_right = causal ? half : between(0, 2 * half);
    s.h = std::max<std::int64_t>(between(1, 19), s.kh - s.pad_top - s.pad_bottom);
    s.w = std::max<std::int64_t>(between(1, 19), s.kw - s.pad_left - s.pad_right);
    return s;
  }

  // Sequences, and rows of images.
  ConvolutionShape next_line() {
    ConvolutionShape s;
    s.n = between(1, 3), s.h = between(0, 3) ? 1 : between(2, 5), s.c = between(1, 40), s.filters = between(1, 40);
    constexpr std::int64_t kTaps[] = {2, 3, 5};
    const std::int64_t taps = kTaps[between(0, 2)];
    s.stride_w = between(0, 2) ? 1 : between(2, 3);
    s.kw = s.stride_w == 1 ? taps : between((taps - 1) * s.stride_w + 1, taps * s.stride_w);
    s.dilation_w = s.stride_w == 1 && between(0, 1) ? between(2, 9) : 1;
    s.pad_left = between(0, s.kw - 1) * s.dilation_w, s.pad_right = between(0, s.kw - 1) * s.dilation_w;
    s.w = (s.kw + between(0, 40)) * s.dilation_w;
    return s;
  }

 private:
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(generator_);
  }
  std::mt19937 generator_{7};
};

// The sums of products into y, diff_x or diff_weight, in double precision.
struct Sums {
  std::vector<double> y, diff_x, diff_weight;

  Sums(const ConvolutionShape& s, const std::vector<float>& x, const std::vector<float>& weight,
       const std::vector<float>& diff_y)
      : y(diff_y.size()), diff_x(x.size()), diff_weight(weight.size()) {
    for (std::int64_t n = 0; n < s.n; ++n)
      for (std::int64_t i = 0; i < s.out_h() * s.out_w(); ++i)
        for (std::int64_t k = 0; k < s.kh * s.kw; ++k) {
          const std::int64_t row = i / s.out_w() * s.stride_h - s.pad_top + k / s.kw;
          const std::int64_t column = i % s.out_w() * s.stride_w - s.pad_left + k % s.kw * s.dilation_w;
          if (row < 0 || row >= s.h || column < 0 || column >= s.w) continue;
          add_pixel(s, ((n * s.h + row) * s.w + column) * s.c, (n * s.out_h() * s.out_w() + i) * s.filters, k, x,
                    weight, diff_y);
        }
  }

 private:
  void add_pixel(const ConvolutionShape& s, std::int64_t at_x, std::int64_t at_y, std::int64_t k,
                 const std::vector<float>& x, const std::vector<float>& weight, const std::vector<float>& dy) {
    for (std::int64_t f = 0; f < s.filters; ++f)
      for (std::int64_t c = 0; c < s.c; ++c) {
        const auto a = static_cast<std::size_t>(at_x + c), b = static_cast<std::size_t>(at_y + f);
        const auto w = static_cast<std::size_t>((f * s.c + c) * s.kh * s.kw + k);
        y[b] += static_cast<double>(x[a]) * static_cast<double>(weight[w]);
        diff_x[a] += static_cast<double>(dy[b]) * static_cast<double>(weight[w]);
        diff_weight[w] += static_cast<double>(x[a]) * static_cast<double>(dy[b]);
      }
  }
};

double relative_error(const std::vector<float>& got, const std::vector<double>& expected) {
  double error = 0, norm = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    error += std::pow(static_cast<double>(got[i]) - expected[i], 2);
    norm += expected[i] * expected[i];
  }
  return norm == 0 ? std::sqrt(error) : std::sqrt(error / norm);
}

template <class Kernel>
std::vector<float> packed(const Kernel& kernel, const std::vector<float>& weight) {
  Scratch scratch(kernel.pack_scratch_bytes());
  std::vector<float> memory(kernel.packed_bytes() / sizeof(float));
  kernel.pack(weight.data(), memory.data(), scratch.get());
  BOOST_CHECK(scratch.intact());
  return memory;
}

// 3x3, and y as large as x.
ConvolutionShape padded(std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c, std::int64_t filters) {
  ConvolutionShape s;
  s.n = n, s.h = h, s.w = w, s.c = c, s.filters = filters, s.kh = s.kw = 3;
  s.pad_top = s.pad_bottom = s.pad_left = s.pad_right = 1;
  return s;
}

// The errors of the forward pass, of the gradient by the input and of that by the weight.
struct Errors {
  double of_pass[3] = {};

  explicit Errors(const ConvolutionShape& s) {
    const auto x = random_floats(s.x_count(), 1), weight = random_floats(s.weight_count(), 2),
               diff_y = random_floats(s.y_count(), 3);
    const Sums expected(s, x, weight, diff_y);
    const auto forward = make_convolution_forward(s, ConvolutionAlgorithm::winograd);
    const auto data = make_convolution_backward_data(s, ConvolutionAlgorithm::winograd);
    const auto weights = make_convolution_backward_weights(s, ConvolutionAlgorithm::winograd);
    const Scratch scratch(std::max({forward->scratch_bytes(), data->scratch_bytes(), weights->scratch_bytes()}));
    std::vector<float> y(diff_y.size(), std::nanf("")), diff_x(x.size(), std::nanf("")), diff_weight(weight.size());
    forward->execute(x.data(), packed(*forward, weight).data(), nullptr, y.data(), scratch.get());
    data->execute(diff_y.data(), packed(*data, weight).data(), diff_x.data(), scratch.get());
    weights->execute(x.data(), diff_y.data(), diff_weight.data(), nullptr, scratch.get());
    check_overwriting(*weights, x.data(), diff_y.data(), diff_weight.size(), static_cast<std::size_t>(s.filters),
                      describe(s));
    of_pass[0] = relative_error(y, expected.y);
    of_pass[1] = relative_error(diff_x, expected.diff_x);
    of_pass[2] = relative_error(diff_weight, expected.diff_weight);
  }
};

void expect_small_errors(int shapes, ConvolutionShape (RandomShapes::*next)()) {
  RandomShapes random;
  double worst[3] = {};
  for (int i = 0; i < shapes; ++i) {
    const ConvolutionShape s = (random.*next)();
    const Errors errors(s);
    for (int pass = 0; pass < 3; ++pass) {
      const double error = errors.of_pass[pass];
      BOOST_TEST(error < kBound, describe(s) << " pass " << pass << ": " << error);
      worst[pass] = std::max(worst[pass], error);
    }
  }
  BOOST_TEST_MESSAGE("the worst of " << shapes << " shapes: forward " << worst[0] << ", by the input " << worst[1]
                                     << ", by the weight " << worst[2]);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(winograd)

BOOST_AUTO_TEST_CASE(random_shapes_against_double_precision) { expect_small_errors(kShapes, &RandomShapes::next); }

BOOST_AUTO_TEST_CASE(forms_that_differ_between_rows_and_columns) {
  expect_small_errors(kMixedShapes, &RandomShapes::next_mixed);
}

BOOST_AUTO_TEST_CASE(kernels_of_one_row) { expect_small_errors(kLines, &RandomShapes::next_line); }

// The least floats that the transformed sum of four phases takes: the gradient by the weight must not hold all of it.
bool holds_some_phases(const ConvolutionShape& s) {
  const auto whole = static_cast<std::size_t>(25 * 4 * s.c * s.filters) * sizeof(float);
  return make_convolution_backward_weights(s, ConvolutionAlgorithm::winograd)->scratch_bytes() < whole;
}

BOOST_AUTO_TEST_CASE(many_channels) {
  expect_small_errors(kWideShapes, &RandomShapes::next_wide);
  RandomShapes random;
  for (int i = 0; i < kWideShapes; ++i) {
    const ConvolutionShape s = random.next_wide();
    BOOST_TEST(holds_some_phases(s), describe(s));
  }
  ConvolutionShape chunks = padded(70, 7, 8, 192, 256);  // more tiles than a chunk has
  chunks.stride_h = chunks.stride_w = 2, chunks.kh = 4, chunks.kw = 5, chunks.pad_left = 2;
  ConvolutionShape rows = padded(3, 12, 9, 256, 256);  // two phases
  rows.stride_h = 2, rows.kh = 5, rows.pad_top = 2;
  BOOST_TEST(holds_some_phases(chunks));
  for (const ConvolutionShape& s : {chunks, rows})
    for (const double error : Errors(s).of_pass) BOOST_TEST(error < kBound, describe(s));
}

BOOST_AUTO_TEST_CASE(one_sample_alone_has_the_bits_that_it_has_in_a_batch) {
  const ConvolutionShape many = padded(7, 13, 10, 24, 40);
  ConvolutionShape one = many;
  one.n = 1;
  const auto x = random_floats(many.x_count(), 1), weight = random_floats(many.weight_count(), 2);
  std::vector<float> together(static_cast<std::size_t>(many.y_count())), alone(together.size());
  for (const ConvolutionShape& s : {many, one}) {
    const auto forward = make_convolution_forward(s, ConvolutionAlgorithm::winograd);
    const Scratch scratch(forward->scratch_bytes());
    const auto memory = packed(*forward, weight);
    for (std::int64_t n = 0; n < many.n; n += s.n)
      forward->execute(x.data() + n * s.x_count() / s.n, memory.data(), nullptr,
                       (s.n == 1 ? alone : together).data() + n * s.y_count() / s.n, scratch.get());
  }
  BOOST_TEST((together == alone));
}

BOOST_AUTO_TEST_CASE(what_is_not_finite_stays_so) {
  ConvolutionShape s = padded(1, 8, 8, 16, 16);
  s.relu = true;
  auto x = random_floats(s.x_count(), 1);
  const auto weight = random_floats(s.weight_count(), 2);
  x[100] = std::nanf("");
  const auto forward = make_convolution_forward(s, ConvolutionAlgorithm::winograd);
  const Scratch scratch(forward->scratch_bytes());
  std::vector<float> y(static_cast<std::size_t>(s.y_count()));
  forward->execute(x.data(), packed(*forward, weight).data(), nullptr, y.data(), scratch.get());
  BOOST_TEST(std::ranges::any_of(y, [](float value) { return std::isnan(value); }));
}

BOOST_AUTO_TEST_CASE(shapes_without_a_short_form_are_refused) {
  for (const ConvolutionShape& s :
       {ConvolutionShape{.h = 9, .w = 9, .kh = 1, .kw = 1}, ConvolutionShape{.h = 9, .w = 9, .kh = 4, .kw = 4},
        ConvolutionShape{.h = 9, .w = 9, .c = 2, .filters = 2, .kh = 3, .kw = 3, .groups = 2},
        ConvolutionShape{.h = 9, .w = 9, .kh = 3, .kw = 3, .dilation_h = 2},
        ConvolutionShape{.w = 16, .kw = 2, .dilation_w = 3}, ConvolutionShape{.w = 16, .kw = 4}})
    BOOST_CHECK_THROW(make_convolution_forward(s, ConvolutionAlgorithm::winograd), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()

// Causal products against the convolutions they stand for, in sizes that take several chunks of positions, a remainder,
// and several slices of the weight.
#include "dnnl/causal_product.h"

#include <boost/test/unit_test.hpp>

#include "dnnl/convolution.h"
#include "dnnl/cpu.h"
#include "support.h"

using namespace loom::dnnl;
using namespace loom_test;

namespace {

// A vertical stack's convolution (rows above and the row itself), and one to the left of a second image with other
// channels: their sum is one product.
struct Case {
  std::int64_t h, w, c, second, filters;

  ConvolutionShape above() const {
    return {.h = h, .w = w, .c = c, .filters = filters, .kh = 3, .kw = 5, .pad_top = 2, .pad_left = 2, .pad_right = 2};
  }
  ConvolutionShape left() const {
    return {.h = h, .w = w, .c = second, .filters = filters, .kh = 1, .kw = 3, .pad_left = 4, .dilation_w = 2};
  }
  CausalProductShape product() const {
    CausalProductShape shape{.height = h, .width = w, .filters = filters, .sources = {}, .bias = true};
    shape.sources.push_back({c, 15, {{-2, -2, 5, 0}, {-1, -2, 5, 5}, {0, -2, 5, 10}}});
    shape.sources.push_back({second, 3, {{0, -4, 1, 0}, {0, -2, 1, 1}, {0, 0, 1, 2}}});
    return shape;
  }
};

struct Data {
  explicit Data(const Case& c)
      : x(random_floats(c.above().x_count(), 1)),
        second(random_floats(c.left().x_count(), 2)),
        weight(random_floats(c.above().weight_count(), 3)),
        second_weight(random_floats(c.left().weight_count(), 4)),
        bias(random_floats(c.filters, 5)),
        diff(random_floats(c.above().y_count(), 6)) {}
  std::vector<float> x, second, weight, second_weight, bias, diff;
};

template <class Convolution>
const void* packed(const Convolution& convolution, const std::vector<float>& weight, Scratch& memory) {
  if (convolution.packed_bytes() == 0) return weight.data();
  Scratch scratch(convolution.scratch_bytes());
  convolution.pack(weight.data(), memory.get(), scratch.get());
  return memory.get();
}

std::vector<float> convolved(const ConvolutionShape& shape, const std::vector<float>& x,
                             const std::vector<float>& weight) {
  const auto convolution = make_convolution_forward(shape);
  Scratch memory(convolution->packed_bytes()), scratch(convolution->scratch_bytes());
  std::vector<float> y(static_cast<std::size_t>(shape.y_count()));
  convolution->execute(x.data(), packed(*convolution, weight, memory), nullptr, y.data(), scratch.get());
  return y;
}

std::vector<float> diff_data(const ConvolutionShape& shape, const std::vector<float>& diff,
                             const std::vector<float>& weight) {
  const auto convolution = make_convolution_backward_data(shape);
  Scratch memory(convolution->packed_bytes()), scratch(convolution->scratch_bytes());
  std::vector<float> x(static_cast<std::size_t>(shape.x_count()));
  convolution->execute(diff.data(), packed(*convolution, weight, memory), x.data(), scratch.get());
  return x;
}

std::vector<float> diff_weight(const ConvolutionShape& shape, const std::vector<float>& x,
                               const std::vector<float>& diff) {
  const auto convolution = make_convolution_backward_weights(shape);
  Scratch scratch(convolution->scratch_bytes());
  std::vector<float> weight(static_cast<std::size_t>(shape.weight_count()));
  convolution->execute(x.data(), diff.data(), weight.data(), nullptr, scratch.get());
  return weight;
}

// y of the sum of both convolutions.
std::vector<float> expected_sum(const Case& c, const Data& data) {
  std::vector<float> y = convolved(c.above(), data.x, data.weight);
  const std::vector<float> left = convolved(c.left(), data.second, data.second_weight);
  for (std::size_t i = 0; i < y.size(); ++i) y[i] += left[i] + data.bias[i % data.bias.size()];
  return y;
}

const std::vector<Case> kCases = {{20, 20, 64, 48, 256}, {5, 7, 3, 2, 4}, {1, 300, 5, 8, 6}, {9, 1, 4, 4, 3}};

void check_passes(const Case& c, bool bf16) {
  const float tolerance = bf16 ? 1e-2F : 1e-4F;
  const Data data(c);
  CausalProductShape shape = c.product();
  shape.backward = true;
  shape.bf16 = bf16;
  const CausalProduct product(shape);
  Scratch memory(product.packed_bytes()), scratch(product.scratch_bytes());
  const float* weights[] = {data.weight.data(), data.second_weight.data()};
  product.pack(weights, memory.get());
  const float* images[] = {data.x.data(), data.second.data()};
  std::vector<float> y(data.diff.size()), diff_x(data.x.size()), diff_second(data.second.size());
  std::vector<float> sums(static_cast<std::size_t>(product.sum_count())), by_chunk(sums.size());
  float* diff_images[] = {diff_x.data(), diff_second.data()};
  product.for_each_chunk([&](std::int64_t first, std::int64_t last) {
    const float* diff = data.diff.data() + first * c.filters;
    product.forward(images, first, last, memory.get(), data.bias.data(), y.data() + first * c.filters, scratch.get());
    product.backward_data(diff, first, last, memory.get(), diff_images, scratch.get());
    product.backward_weights(images, diff, first, last, by_chunk.data(), scratch.get());
  });
  product.backward_weights(images, data.diff.data(), 0, product.positions(), sums.data(), scratch.get());
  BOOST_CHECK(scratch.intact());
  BOOST_CHECK(memory.intact());
  check_close(y, expected_sum(c, data), "y", tolerance);
  check_close(diff_x, diff_data(c.above(), data.diff, data.weight), "diff_x", tolerance);
  check_close(diff_second, diff_data(c.left(), data.diff, data.second_weight), "diff_second", tolerance);
  for (const auto& sum : {sums, by_chunk}) {
    std::vector<float> weight(data.weight.size()), second(data.second_weight.size());
    product.add_weight_gradient(0, sum.data(), weight.data());
    product.add_weight_gradient(1, sum.data(), second.data());
    check_close(weight, diff_weight(c.above(), data.x, data.diff), "diff_weight", tolerance);
    check_close(second, diff_weight(c.left(), data.second, data.diff), "diff_second_weight", tolerance);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(causal_product)

BOOST_AUTO_TEST_CASE(equals_the_convolutions) {
  for (const Case& c : kCases) check_passes(c, false);
}

BOOST_AUTO_TEST_CASE(equals_them_but_for_rounding_in_bf16) {
  if (!has_bf16()) {
    BOOST_TEST_MESSAGE("SKIPPED: this processor does not multiply bf16");
    return;
  }
  for (const Case& c : kCases) check_passes(c, true);
}

// Three samples that are the same image: each row of a position equals the convolution.
BOOST_AUTO_TEST_CASE(advances_by_positions_and_rows) {
  constexpr std::int64_t kSamples = 3;
  for (const Case& c : kCases) {
    const Data data(c);
    CausalProductShape shape = c.product();
    shape.samples = kSamples;
    const CausalProduct product(shape);
    Scratch memory(product.packed_bytes()), scratch(product.scratch_bytes());
    const float* weights[] = {data.weight.data(), data.second_weight.data()};
    product.pack(weights, memory.get());
    const auto repeated = [&](const std::vector<float>& image, std::int64_t channels) {
      std::vector<float> map;
      for (std::int64_t p = 0; p < c.h * c.w; ++p) {
        for (std::int64_t n = 0; n < kSamples; ++n)
          map.insert(map.end(), image.begin() + p * channels, image.begin() + (p + 1) * channels);
      }
      return map;
    };
    const std::vector<float> x = repeated(data.x, c.c), second = repeated(data.second, c.second);
    const std::vector<float> expected = repeated(expected_sum(c, data), c.filters);
    const float* maps[] = {x.data(), second.data()};
    std::vector<float> y(expected.size());
    for (const std::int64_t count : {std::int64_t{1}, c.h > 1 ? c.w : 1}) {
      std::fill(y.begin(), y.end(), 0.0F);
      for (std::int64_t first = 0; first < c.h * c.w; first += count) {
        product.advance(maps, first, count, memory.get(), data.bias.data(), y.data() + first * kSamples * c.filters,
                        scratch.get());
      }
      BOOST_CHECK(scratch.intact());
      check_close(y, expected, "y by " + std::to_string(count));
    }
  }
}

BOOST_AUTO_TEST_CASE(refuses_what_is_impossible) {
  CausalProductShape shape{.height = 2, .width = 2, .filters = 1, .sources = {{1, 1, {}}}};
  BOOST_CHECK_THROW(CausalProduct{shape}, std::invalid_argument);
  shape.sources = {{1, 1, {{1, 0, 1, 0}}}};
  BOOST_CHECK_THROW(CausalProduct{shape}, std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()

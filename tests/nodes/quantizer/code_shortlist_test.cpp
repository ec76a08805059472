// Codebooks of so many codes that a product in bf16 makes a shortlist, where the processor has bf16: the code is that of the
// search in double precision, whatever the data look like. Without bf16 the same is asked of the product in f32.
#include <cmath>
#include <limits>

#include "dnnl/cpu.h"
#include "loom/node.h"
#include "nodes/node_checks.h"
#include "quantizer/code_shortlist.h"

using namespace loom;
using namespace loom::check;

namespace {

constexpr std::int64_t kCodes = 4096 + 77;

double distance(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t d = 0; d < a.size(); ++d) {
    const double difference = static_cast<double>(a[d]) - static_cast<double>(b[d]);
    sum += difference * difference;
  }
  return sum;
}

struct Search {
  std::int32_t code = 0;
  double distance = std::numeric_limits<double>::infinity();
};

Search nearest(std::span<const float> x, const TensorView& codebook) {
  Search best;
  for (std::int64_t k = 0; k < codebook.shape()[0]; ++k) {
    const double now = distance(x, codebook[k]);
    if (now < best.distance) best = {static_cast<std::int32_t>(k), now};
  }
  return best;
}

std::vector<std::int32_t> codes_of(const Tensor& codebook, const Tensor& x) {
  const Tensor vectors(DType::f32, {x.shape()[0], 1, codebook.shape()[1]});
  std::ranges::copy(x.values(), vectors.values().begin());
  auto tester = node("vector_quantizer");
  tester.option("codes", codebook.shape()[0]).input("x", vectors.clone()).state("codebook", codebook.clone());
  const NodeResult result = tester.run();
  const auto codes = result.outputs.at("codes").values<std::int32_t>();
  return {codes.begin(), codes.end()};
}

// At least as near as the nearest, but for the rounding of a distance in f32.
void expect_nearest(const Tensor& codebook, const Tensor& x, const char* what, double rounding = 2e-6) {
  const std::vector<std::int32_t> found = codes_of(codebook, x);
  int others = 0;
  for (std::int64_t i = 0; i < x.shape()[0]; ++i) {
    const Search best = nearest(x.view()[i], codebook.view());
    const std::int32_t code = found[static_cast<std::size_t>(i)];
    others += code == best.code ? 0 : 1;
    BOOST_TEST(distance(x.view()[i], codebook.view()[code]) <= best.distance * (1 + rounding),
               what << ", vector " << i << ": " << code << " in place of " << best.code);
  }
  BOOST_TEST(others <= x.shape()[0] / 20, what << ": " << others << " of " << x.shape()[0] << " are other codes");
}

Tensor scaled(const Tensor& from, float factor, float offset = 0) {
  Tensor tensor = from.clone();
  for (float& value : tensor.values()) value = factor * value + offset;
  return tensor;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(code_shortlist)

BOOST_AUTO_TEST_CASE(is_used_for_many_codes) {
  BOOST_TEST(loom::nodes::CodeShortlist::pays(kCodes) == dnnl::has_bf16());
  BOOST_TEST(!loom::nodes::CodeShortlist::pays(4095));
}

BOOST_AUTO_TEST_CASE(finds_the_nearest_code) {
  for (const std::int64_t dim : {1, 3, 64, 200}) {
    const Tensor codebook = random_tensor({kCodes, dim}, 3), x = random_tensor({100, dim}, 4);
    expect_nearest(codebook, x, "as large as the codes");
    expect_nearest(scaled(codebook, 1e-4F), x, "codes near 0");
    expect_nearest(scaled(codebook, 1e-18F), scaled(x, 1e-18F), "small numbers");
  }
}

// In f32 a distance between such vectors is known to 1e-7 of their squares, and far worse of itself.
BOOST_AUTO_TEST_CASE(finds_it_far_from_zero) {
  if (!dnnl::has_bf16()) return;
  const Tensor codebook = random_tensor({kCodes, 32}, 5), x = random_tensor({100, 32}, 6);
  expect_nearest(scaled(codebook, 1, 300), scaled(x, 1, 300), "an offset of 300 deviations");
}

// Codes that bf16 cannot tell apart, with a few that lie far out.
BOOST_AUTO_TEST_CASE(finds_it_among_codes_that_are_alike) {
  const Tensor noise = random_tensor({kCodes, 16}, 7);
  Tensor codebook = scaled(noise, 1e-3F, 1);
  std::ranges::fill(codebook.view()[77], 1e6F);
  expect_nearest(codebook, scaled(random_tensor({40, 16}, 8), 1e-3F, 1), "alike", 1e-4);
}

BOOST_AUTO_TEST_CASE(ties_go_to_the_lowest_code) {
  Tensor codebook = random_tensor({kCodes, 8}, 9);
  for (const std::int64_t copy : {40, 1023, 1024, 4100})
    std::ranges::copy(codebook.view()[5], codebook.view()[copy].begin());
  const Tensor x = random_tensor({20, 8}, 10);
  for (std::int64_t i = 0; i < 20; i += 2) std::ranges::copy(codebook.view()[5], x.view()[i].begin());
  const std::vector<std::int32_t> codes = codes_of(codebook, x);
  for (std::size_t i = 0; i < 20; i += 2) BOOST_TEST(codes[i] == 5);
}

BOOST_AUTO_TEST_CASE(a_code_that_is_not_finite_is_never_found) {
  Tensor codebook = random_tensor({kCodes, 8}, 11);
  codebook.view()[17][3] = std::nanf("");
  codebook.view()[4111][0] = std::numeric_limits<float>::infinity();
  const Tensor x = random_tensor({50, 8}, 12);
  for (const std::int32_t code : codes_of(codebook, x)) BOOST_TEST((code != 17 && code != 4111));
}

BOOST_AUTO_TEST_CASE(a_vector_that_is_not_finite_has_no_code) {
  const Tensor codebook = random_tensor({kCodes, 8}, 13), x = random_tensor({5, 8}, 14);
  for (const float value : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    x.view()[3][2] = value;
    BOOST_CHECK_EXCEPTION(codes_of(codebook, x), Error,
                          [](const Error& error) { return error.code() == ErrorCode::not_finite; });
  }
}

BOOST_AUTO_TEST_SUITE_END()

// The gate against plain arithmetic in double, with and without an offset, for channels that fill no vector.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "loom/math.h"
#include "loom/random.h"
#include "math/gate.h"

namespace math = loom::math;

namespace {

constexpr std::int64_t kRows = 3;

std::vector<float> values(std::int64_t n, std::uint32_t block, float scale = 1) {
  std::vector<float> x(static_cast<std::size_t>(n));
  loom::RandomStream(7, 1, 0).normal(0, x, block);
  for (float& value : x) value *= scale;
  return x;
}

void close(const char* what, const std::vector<float>& got, const std::vector<double>& expected) {
  for (std::size_t i = 0; i < got.size(); ++i) {
    BOOST_TEST(std::abs(static_cast<double>(got[i]) - expected[i]) <= 1e-6 * std::max(1.0, std::abs(expected[i])),
               what << ", element " << i << ": " << got[i] << " against " << expected[i]);
  }
}

// Everything the gate computes for rows of `channels`, in double.
struct Expected {
  std::vector<double> parts, y, diff_x;

  Expected(std::int64_t channels, const std::vector<float>& x, const std::vector<float>& offset,
           const std::vector<float>& diff_y)
      : parts(x.size()), y(diff_y.size()), diff_x(x.size()) {
    for (std::size_t i = 0; i < y.size(); ++i) {
      const std::size_t half = static_cast<std::size_t>(channels), row = i / half, c = i % half;
      const std::size_t at = row * 2 * half + c;
      const double a = static_cast<double>(x[at]) + (offset.empty() ? 0.0 : static_cast<double>(offset[c]));
      const double b =
          static_cast<double>(x[at + half]) + (offset.empty() ? 0.0 : static_cast<double>(offset[c + half]));
      const double value = std::tanh(a), opening = 1 / (1 + std::exp(-b)), d = static_cast<double>(diff_y[i]);
      parts[at] = value, parts[at + half] = opening, y[i] = value * opening;
      diff_x[at] = d * opening * (1 - value * value), diff_x[at + half] = d * value * opening * (1 - opening);
    }
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(vector_math_gate)

BOOST_AUTO_TEST_CASE(equals_plain_arithmetic) {
  for (const std::int64_t channels : {1, 5, 16, 19, 64}) {
    for (const bool with_offset : {false, true}) {
      for (const float scale : {1.0F, 30.0F}) {
        const std::vector<float> x = values(kRows * 2 * channels, 0, scale), diff_y = values(kRows * channels, 1);
        const std::vector<float> offset = with_offset ? values(2 * channels, 2) : std::vector<float>();
        const float* shift = with_offset ? offset.data() : nullptr;
        const Expected expected(channels, x, offset, diff_y);
        std::vector<float> y(diff_y.size()), parts = x, diff_x(x.size());
        math::gate(x.data(), shift, nullptr, y.data(), kRows, channels);
        close("y", y, expected.y);
        math::gate(parts.data(), shift, parts.data(), y.data(), kRows, channels);
        close("y, in place", y, expected.y);
        close("parts", parts, expected.parts);
        math::gate_product(parts.data(), y.data(), kRows, channels);
        close("product", y, expected.y);
        math::gate_gradient(x.data(), shift, diff_y.data(), diff_x.data(), kRows, channels);
        close("gradient", diff_x, expected.diff_x);
        math::gate_gradient_from_parts(parts.data(), diff_y.data(), parts.data(), kRows, channels);
        close("gradient from parts", parts, expected.diff_x);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(carries_nan_and_has_finite_limits) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();
  const auto gate = [](float a, float b) {
    const std::vector<float> x = {a, b};
    float y = 0;
    math::gate(x.data(), nullptr, nullptr, &y, 1, 1);
    return y;
  };
  BOOST_TEST(std::isnan(gate(kNan, 1)));
  BOOST_TEST(std::isnan(gate(1, kNan)));
  BOOST_TEST(gate(kInfinity, kInfinity) == 1);
  BOOST_TEST(gate(-kInfinity, kInfinity) == -1);
  BOOST_TEST(std::abs(gate(-kInfinity, -kInfinity)) < 1e-17F);
  BOOST_TEST(std::abs(gate(1, -1000)) < 1e-17F);
}

BOOST_AUTO_TEST_SUITE_END()

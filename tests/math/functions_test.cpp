// Elementary functions against double precision over the whole range of floats: relative errors in units of 2^-24, limits, NaN,
// and results that are subnormal.
#include "loom/math.h"
#include "math/activation.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <vector>

namespace math = loom::math;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr double kLeastNormal = std::numeric_limits<float>::min(), kLeast = 0x1p-149;

using Kernel = std::function<void(const float*, float*, std::int64_t)>;

// Floats from low to high, whose bits are equally far apart: small numbers are as many as large ones.
std::vector<float> floats(float low, float high) {
  const auto key = [](float x) {
    std::int32_t bits = 0;
    std::memcpy(&bits, &x, sizeof(bits));
    return bits < 0 ? std::int64_t{std::numeric_limits<std::int32_t>::min()} - bits : std::int64_t{bits};
  };
  std::vector<float> made;
  constexpr std::int64_t kCount = 400003;
  for (std::int64_t i = 0; i < kCount; ++i) {
    const std::int64_t at = key(low) + (key(high) - key(low)) * i / (kCount - 1);
    const auto bits =
        static_cast<std::int32_t>(at < 0 ? std::int64_t{std::numeric_limits<std::int32_t>::min()} - at : at);
    float value = 0;
    std::memcpy(&value, &bits, sizeof(value));
    made.push_back(value);
  }
  return made;
}

// The largest error: relative in units of 2^-24 where the result is a normal number; beyond, in units of the least number.
void check(const char* name, const Kernel& kernel, double (*exact)(double), float low, float high, double most) {
  const std::vector<float> x = floats(low, high);
  std::vector<float> y(x.size());
  kernel(x.data(), y.data(), static_cast<std::int64_t>(x.size()));
  double worst = 0;
  float where = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double wanted = exact(static_cast<double>(x[i])), got = static_cast<double>(y[i]);
    const bool is_normal = std::abs(wanted) >= kLeastNormal;
    const double error = is_normal ? std::abs(got / wanted - 1) * 0x1p24 : std::abs(got - wanted) / kLeast;
    if (!(error <= worst)) {
      worst = error;
      where = x[i];
    }
  }
  BOOST_TEST(worst <= most, name << ": an error of " << worst << " units at " << where);
}

Kernel activation(math::Activation function) {
  return [function](const float* x, float* y, std::int64_t n) { math::activate(function, 1, x, y, n); };
}
Kernel slope(math::Activation function) {
  return [function](const float* x, float* y, std::int64_t n) {
    const std::vector<float> ones(static_cast<std::size_t>(n), 1.0F);
    math::activation_gradient(function, 1, x, ones.data(), y, n);
  };
}

double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double mish(double x) { return x * std::tanh(softplus(x)); }
double mish_slope(double x) {
  const double t = std::tanh(softplus(x));
  return t + x * (1 - t * t) * sigmoid(x);
}

float one(const Kernel& kernel, float x) {
  float y = 0;
  kernel(&x, &y, 1);
  return y;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(functions)

BOOST_AUTO_TEST_CASE(errors_over_the_whole_range) {
  check(
      "exp", math::exp, [](double x) { return std::exp(x); }, -103, 88.7F, 1.4);
  check("sigmoid", math::sigmoid, sigmoid, -87, 200, 3.2);
  check(
      "tanh", math::tanh, [](double x) { return std::tanh(x); }, -200, 200, 2.2);
  check("softplus", math::softplus, softplus, -87, 1e30F, 3.5);
  check(
      "elu", activation(math::Activation::elu), [](double x) { return x > 0 ? x : std::expm1(x); }, -200, 1e30F, 2.5);
  check("mish", activation(math::Activation::mish), mish, -80, 1e30F, 6);
}

// Where the slope is near 0, the difference of nearly equal terms has an absolute error.
BOOST_AUTO_TEST_CASE(slope_of_mish) {
  const std::vector<float> x = floats(-60, 60);
  std::vector<float> y(x.size());
  slope(math::Activation::mish)(x.data(), y.data(), static_cast<std::int64_t>(x.size()));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double error = std::abs(static_cast<double>(y[i]) - mish_slope(static_cast<double>(x[i])));
    if (!(error <= 5e-7)) BOOST_TEST(error <= 5e-7, "at " << x[i]);
  }
}

BOOST_AUTO_TEST_CASE(limits_and_nan) {
  BOOST_TEST(one(math::exp, 0) == 1);
  BOOST_TEST(one(math::exp, kInfinity) == kInfinity);
  BOOST_TEST(one(math::exp, 1000) == kInfinity);
  BOOST_TEST(one(math::exp, -kInfinity) == 0);
  BOOST_TEST(one(math::exp, -1000) == 0);
  BOOST_TEST(one(math::exp, -100) > 0);  // subnormal
  BOOST_TEST(one(math::tanh, kInfinity) == 1);
  BOOST_TEST(one(math::tanh, -kInfinity) == -1);
  BOOST_TEST(std::signbit(one(math::tanh, -0.0F)));
  BOOST_TEST(one(math::sigmoid, kInfinity) == 1);
  BOOST_TEST(one(math::sigmoid, -kInfinity) == 0);
  BOOST_TEST(one(math::softplus, kInfinity) == kInfinity);
  BOOST_TEST(one(math::softplus, -kInfinity) == 0);
  BOOST_TEST(one(activation(math::Activation::mish), 1e30F) == 1e30F);
  for (const Kernel& kernel : std::initializer_list<Kernel>{math::exp, math::tanh, math::sigmoid, math::softplus})
    BOOST_TEST(std::isnan(one(kernel, kNan)));
  for (const math::Activation function : {math::Activation::mish, math::Activation::hardtanh, math::Activation::relu6,
                                          math::Activation::hardsigmoid, math::Activation::elu}) {
    BOOST_TEST(std::isnan(one(activation(function), kNan)), "activation " << static_cast<int>(function));
  }
  float clamped = 0;
  math::clamp(-1, 1, &kNan, &clamped, 1);
  BOOST_TEST(std::isnan(clamped));
}

// A row's softmax and its logarithm do not depend on where in memory or how long the row is.
BOOST_AUTO_TEST_CASE(softmax_of_long_rows_sums_to_one) {
  for (const std::int64_t n : {1, 5, 16, 33, 1000, 16384, 16385, 50000, 65536}) {
    std::vector<float> x(static_cast<std::size_t>(n)), y(x.size()), logs(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 97) / 10;
    math::softmax(x.data(), y.data(), n);
    math::log_softmax(x.data(), logs.data(), n);
    double exact = 0, sum = 0;
    for (const float value : x) exact += std::exp(static_cast<double>(value));
    for (std::size_t i = 0; i < x.size(); ++i) {
      sum += static_cast<double>(y[i]);
      const double wanted = static_cast<double>(x[i]) - std::log(exact);
      if (!(std::abs(static_cast<double>(logs[i]) - wanted) <= 2e-6)) BOOST_TEST(logs[i] == wanted, "of " << n);
    }
    BOOST_TEST(std::abs(sum - 1) < 2e-6, n << " values sum to " << sum);
  }
}

// Within little more than half a unit of the last place of each value, also of rows far from 0, and never above 0.
BOOST_AUTO_TEST_CASE(log_softmax_to_the_last_place) {
  for (const double offset : {0.0, 0.1, 0.2, 0.3, -37.5, 1000.3, 1e6}) {
    for (std::int64_t n = 1; n < 6000; n += 1 + n / 4) {
      std::vector<float> x(static_cast<std::size_t>(n)), y(x.size());
      for (std::size_t i = 0; i < x.size(); ++i)
        x[i] = static_cast<float>(offset + 30 * std::sin(1.7 * static_cast<double>(i * i + 1)));
      math::log_softmax(x.data(), y.data(), n);
      const double most = static_cast<double>(*std::max_element(x.begin(), x.end()));
      double sum = 0;
      for (const float value : x) sum += std::exp(static_cast<double>(value) - most);
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double wanted = static_cast<double>(x[i]) - most - std::log(sum);
        const double unit = 0.52 * std::ldexp(1, std::ilogb(std::min(wanted, -0.5)) - 23) + 1e-7;
        if (!(y[i] <= 0 && std::abs(static_cast<double>(y[i]) - wanted) <= unit))
          BOOST_TEST(y[i] == wanted, "of " << n << " at " << offset);
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

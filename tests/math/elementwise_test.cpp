// Every kernel against a plain loop in double, at lengths around the widths of vectors.
#include "loom/math.h"
#include "math/activation.h"
#include "math/channels.h"
#include "math/likelihood.h"
#include "math/update.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "loom/random.h"

namespace math = loom::math;

namespace {

const std::vector<std::int64_t> kLengths = {0, 1, 3, 4, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 129, 1000};
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> values(std::int64_t n, std::uint32_t block = 0, float scale = 1) {
  std::vector<float> x(static_cast<std::size_t>(n));
  loom::RandomStream(7, 1, 0).normal(0, x, block);
  for (float& value : x) value *= scale;
  return x;
}

std::vector<float> positive(std::int64_t n, std::uint32_t block = 0) {
  std::vector<float> x = values(n, block);
  for (float& value : x) value = std::abs(value) + 0.01F;
  return x;
}

void close(const std::vector<float>& got, const std::vector<double>& expected, double tolerance = 2e-6) {
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double bound = tolerance * std::max(1e-3, std::abs(expected[i]));
    BOOST_TEST(std::abs(static_cast<double>(got[i]) - expected[i]) <= bound,
               "element " << i << " of " << got.size() << ": " << got[i] << " against " << expected[i]);
  }
}

using Unary = void (*)(const float*, float*, std::int64_t);
void check_unary(Unary function, const std::function<double(double)>& reference, bool only_positive = false,
                 double tolerance = 2e-6) {
  for (std::int64_t n : kLengths) {
    const std::vector<float> x = only_positive ? positive(n) : values(n, 0, 4);
    std::vector<float> y(x.size() + 1, 42.0F);
    function(x.data(), y.data(), n);
    BOOST_TEST(y.back() == 42.0F);  // nothing is written past the end
    y.pop_back();
    std::vector<double> expected;
    for (float value : x) expected.push_back(reference(static_cast<double>(value)));
    close(y, expected, tolerance);
  }
}

double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }
double softplus_of(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

float one(Unary function, float x) {
  float y = 0;
  function(&x, &y, 1);
  return y;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(vector_math)

BOOST_AUTO_TEST_CASE(functions) {
  check_unary(math::exp, [](double x) { return std::exp(x); });
  check_unary(
      math::log, [](double x) { return std::log(x); }, true);
  check_unary(
      math::log1p, [](double x) { return std::log1p(x); }, true);
  check_unary(math::sigmoid, sigmoid_of);
  check_unary(math::tanh, [](double x) { return std::tanh(x); });
  check_unary(math::softplus, softplus_of, false, 4e-6);
  check_unary(math::erf, [](double x) { return std::erf(x); });
}

BOOST_AUTO_TEST_CASE(functions_at_the_edges) {
  BOOST_TEST(one(math::exp, 200) == kInfinity);
  BOOST_TEST(one(math::exp, kInfinity) == kInfinity);
  BOOST_TEST(one(math::exp, -200) == 0);
  BOOST_TEST(one(math::exp, -kInfinity) == 0);
  BOOST_TEST(one(math::log, 0) == -kInfinity);
  BOOST_TEST(one(math::log, kInfinity) == kInfinity);
  BOOST_TEST(std::isnan(one(math::log, -1)));
  BOOST_TEST(one(math::sigmoid, 1000) == 1);
  BOOST_TEST(one(math::sigmoid, -1000) == 0);
  BOOST_TEST(one(math::tanh, 1000) == 1);
  BOOST_TEST(one(math::softplus, 1000) == 1000);
  BOOST_TEST(one(math::softplus, -1000) == 0);
  for (Unary function : {math::exp, math::log, math::log1p, math::sigmoid, math::tanh, math::softplus, math::erf}) {
    BOOST_TEST(std::isnan(one(function, kNan)));
  }
}

BOOST_AUTO_TEST_CASE(combinations) {
  for (std::int64_t n : kLengths) {
    const std::vector<float> a = values(n, 1), b = values(n, 2), c = values(n, 3);
    const auto check = [&](const std::function<void(float*)>& run,
                           const std::function<double(double, double, double)>& f) {
      std::vector<float> y = c;
      run(y.data());
      std::vector<double> expected;
      for (std::size_t i = 0; i < a.size(); ++i) {
        expected.push_back(f(static_cast<double>(a[i]), static_cast<double>(b[i]), static_cast<double>(c[i])));
      }
      close(y, expected, 1e-4);  // differences of nearly equal numbers
    };
    check([&](float* y) { math::add(a.data(), b.data(), y, n); }, [](double u, double v, double) { return u + v; });
    check([&](float* y) { math::multiply(a.data(), b.data(), y, n); },
          [](double u, double v, double) { return u * v; });
    check([&](float* y) { math::multiply_add(a.data(), b.data(), y, n); },
          [](double u, double v, double w) { return w + u * v; });
    check([&](float* y) { math::scale(2.5F, a.data(), y, n); }, [](double u, double, double) { return 2.5 * u; });
    check([&](float* y) { math::accumulate(-0.5F, a.data(), y, n); },
          [](double u, double, double w) { return w - 0.5 * u; });
    check([&](float* y) { math::scaled_difference(3, a.data(), b.data(), y, n); },
          [](double u, double v, double) { return 3 * (u - v); });
    check([&](float* y) { math::clamp(-0.5F, 0.25F, a.data(), y, n); },
          [](double u, double, double) { return std::clamp(u, -0.5, 0.25); });
    check([&](float* y) { math::moving_average(y, a.data(), 0.9, n); },
          [](double u, double, double w) { return 0.9 * w + 0.1 * u; });
  }
}

BOOST_AUTO_TEST_CASE(sums) {
  for (std::int64_t n : {0, 1, 5, 16, 100, 20000, 70001}) {
    const std::vector<float> a = values(n, 1), b = values(n, 2);
    double sum = 0, squares = 0, dot = 0, distance = 0, absolute = 0, size = 1e-9;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const double u = static_cast<double>(a[i]), v = static_cast<double>(b[i]);
      sum += u, squares += u * u, dot += u * v, distance += (u - v) * (u - v), absolute += std::abs(u - v),
          size += std::abs(u);
    }
    BOOST_TEST(std::abs(math::sum(a.data(), n) - sum) < 1e-6 * size);
    BOOST_TEST(std::abs(math::sum_of_squares(a.data(), n) - squares) <= 1e-6 * squares);
    BOOST_TEST(std::abs(math::dot(a.data(), b.data(), n) - dot) < 1e-6 * size);
    BOOST_TEST(std::abs(math::squared_distance(a.data(), b.data(), n) - distance) <= 1e-6 * distance);
    BOOST_TEST(std::abs(math::absolute_distance(a.data(), b.data(), n) - absolute) <= 1e-6 * absolute);
    if (n > 0) BOOST_TEST(math::maximum(a.data(), n) == *std::max_element(a.begin(), a.end()));
  }
}

BOOST_AUTO_TEST_CASE(finds_what_is_not_finite) {
  for (std::int64_t n : {1, 15, 16, 40, 1001}) {
    std::vector<float> x = values(n);
    BOOST_TEST(math::all_finite(x.data(), n));
    for (float bad : {kNan, kInfinity, -kInfinity}) {
      x.back() = bad;
      BOOST_TEST(!math::all_finite(x.data(), n));
    }
  }
}

BOOST_AUTO_TEST_CASE(rows_of_logits) {
  for (std::int64_t n : {1, 2, 7, 16, 30, 256}) {
    const std::vector<float> x = values(n, 0, 20);
    std::vector<float> y(x.size()), logarithm(x.size());
    math::softmax(x.data(), y.data(), n);
    math::log_softmax(x.data(), logarithm.data(), n);
    const double most = static_cast<double>(*std::max_element(x.begin(), x.end()));
    double total = 0;
    for (float value : x) total += std::exp(static_cast<double>(value) - most);
    BOOST_TEST(std::abs(math::log_sum_exp(x.data(), n) - most - std::log(total)) < 1e-6);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double expected = static_cast<double>(x[i]) - most - std::log(total);
      BOOST_TEST(std::abs(static_cast<double>(logarithm[i]) - expected) < 1e-5);
      BOOST_TEST(std::abs(static_cast<double>(y[i]) - std::exp(expected)) < 1e-6);
    }
  }
}

BOOST_AUTO_TEST_CASE(rows_of_channels) {
  for (std::int64_t channels : {1, 3, 16, 20, 67, 130}) {
    const std::int64_t rows = 300;
    const std::vector<float> x = values(rows * channels, 1), d = values(rows * channels, 2),
                             pivot = values(channels, 3);
    std::vector<double> first(static_cast<std::size_t>(channels), 0.5), second = first, third = first, fourth = first;
    math::channel_moments(x.data(), pivot.data(), first.data(), second.data(), rows, channels);
    math::channel_products(d.data(), x.data(), pivot.data(), third.data(), fourth.data(), rows, channels);
    for (std::int64_t c = 0; c < channels; ++c) {
      double a = 0.5, b = 0.5, e = 0.5, g = 0.5;
      for (std::int64_t r = 0; r < rows; ++r) {
        const auto i = static_cast<std::size_t>(r * channels + c);
        const double centred = static_cast<double>(x[i]) - static_cast<double>(pivot[static_cast<std::size_t>(c)]);
        a += centred, b += centred * centred, e += static_cast<double>(d[i]), g += static_cast<double>(d[i]) * centred;
      }
      const auto k = static_cast<std::size_t>(c);
      BOOST_TEST(std::abs(first[k] - a) < 1e-3);
      BOOST_TEST(std::abs(second[k] - b) < 1e-5 * b);
      BOOST_TEST(std::abs(third[k] - e) < 1e-3);
      BOOST_TEST(std::abs(fourth[k] - g) < 1e-3);
    }
  }
}

BOOST_AUTO_TEST_CASE(gaussian_terms) {
  for (std::int64_t n : kLengths) {
    const std::vector<float> mu = values(n, 1), logvar = values(n, 2), noise = values(n, 3);
    std::vector<float> z(mu.size());
    math::reparametrise(mu.data(), logvar.data(), noise.data(), z.data(), n);
    double kl = 0, ratio = 0;
    for (std::size_t i = 0; i < mu.size(); ++i) {
      const double m = static_cast<double>(mu[i]), l = static_cast<double>(logvar[i]), v = static_cast<double>(z[i]);
      BOOST_TEST(std::abs(v - m - std::exp(l / 2) * static_cast<double>(noise[i])) < 1e-5);
      kl += 0.5 * (std::exp(l) + m * m - 1 - l);
      ratio += 0.5 * (v * v - l - (v - m) * (v - m) * std::exp(-l));
    }
    BOOST_TEST(std::abs(math::gaussian_kl(mu.data(), logvar.data(), nullptr, n) - kl) <= 1e-5 * kl + 1e-9);
    BOOST_TEST(std::abs(math::gaussian_log_ratio(mu.data(), logvar.data(), z.data(), n) - ratio) <= 1e-5 * (kl + 1));
  }
}

// The formulas of torch.optim, in double, three steps each.
BOOST_AUTO_TEST_CASE(optimizer_updates) {
  const std::int64_t n = 37;
  const auto run = [&](const auto& update, const auto& reference) {
    std::vector<float> weight = values(n, 1), state1(static_cast<std::size_t>(n)), state2 = state1;
    std::vector<double> w(weight.begin(), weight.end()), s1(weight.size()), s2(weight.size());
    for (int t = 1; t <= 3; ++t) {
      const std::vector<float> gradient = values(n, static_cast<std::uint32_t>(10 + t));
      update(weight.data(), gradient.data(), state1.data(), state2.data(), t);
      for (std::size_t i = 0; i < w.size(); ++i) reference(w[i], static_cast<double>(gradient[i]), s1[i], s2[i], t);
    }
    close(weight, w, 1e-5);
  };
  for (bool decoupled : {false, true}) {
    math::AdamStep step{.learning_rate = 0.01,
                        .beta1 = 0.8,
                        .beta2 = 0.95,
                        .weight_decay = 0.1,
                        .decoupled = decoupled,
                        .gradient_factor = 0.5};
    run(
        [&](float* w, const float* g, float* m, float* v, int t) {
          step.correction1 = 1 - std::pow(0.8, t), step.correction2 = 1 - std::pow(0.95, t);
          math::adam_update(w, g, m, v, n, step);
        },
        [&](double& w, double g, double& m, double& v, int t) {
          g = 0.5 * g + (decoupled ? 0 : 0.1 * w);
          if (decoupled) w *= 1 - 0.01 * 0.1;
          m = 0.8 * m + 0.2 * g, v = 0.95 * v + 0.05 * g * g;
          w -= 0.01 / (1 - std::pow(0.8, t)) * m / (std::sqrt(v) / std::sqrt(1 - std::pow(0.95, t)) + 1e-8);
        });
  }
  math::AdamStep adamax{.learning_rate = 0.01, .beta1 = 0.8, .beta2 = 0.95};
  run(
      [&](float* w, const float* g, float* m, float* u, int t) {
        adamax.correction1 = 1 - std::pow(0.8, t);
        math::adamax_update(w, g, m, u, n, adamax);
      },
      [&](double& w, double g, double& m, double& u, int t) {
        m = 0.8 * m + 0.2 * g, u = std::max(0.95 * u, std::abs(g) + 1e-8);
        w -= 0.01 / (1 - std::pow(0.8, t)) * m / u;
      });
  const math::RmspropStep rmsprop{.learning_rate = 0.01, .alpha = 0.9, .momentum = 0.7, .weight_decay = 0.1};
  run([&](float* w, const float* g, float* v, float* velocity,
          int) { math::rmsprop_update(w, g, v, velocity, nullptr, n, rmsprop); },
      [&](double& w, double g, double& v, double& velocity, int) {
        g += 0.1 * w, v = 0.9 * v + 0.1 * g * g;
        velocity = 0.7 * velocity + g / (std::sqrt(v) + 1e-8), w -= 0.01 * velocity;
      });
  for (bool nesterov : {false, true}) {
    math::SgdStep sgd{.learning_rate = 0.01, .momentum = 0.9, .dampening = nesterov ? 0 : 0.3, .nesterov = nesterov};
    run(
        [&](float* w, const float* g, float* velocity, float*, int t) {
          sgd.first = t == 1;
          math::sgd_update(w, g, velocity, n, sgd);
        },
        [&](double& w, double g, double& velocity, double&, int t) {
          velocity = t == 1 ? g : 0.9 * velocity + (nesterov ? 1 : 0.7) * g;
          w -= 0.01 * (nesterov ? g + 0.9 * velocity : velocity);
        });
  }
}

float math_value(math::Activation function, double x) {
  const auto input = static_cast<float>(x);
  float y = 0;
  math::activate(function, math::default_shape(function), &input, &y, 1);
  return y;
}

BOOST_AUTO_TEST_CASE(activations_have_their_derivatives) {
  for (const std::string& name : math::activation_names()) {
    const math::Activation function = math::activation_of(name);
    const float shape = math::default_shape(function);
    for (double x : {-2.9, -0.7, -0.3, 0.2, 0.9, 2.5}) {
      if (!std::isfinite(math_value(function, x - 0.02)) || !std::isfinite(math_value(function, x))) continue;
      const auto value = [&](double at) {
        float input = static_cast<float>(at), y = 0;
        math::activate(function, shape, &input, &y, 1);
        return static_cast<double>(y);
      };
      const float input = static_cast<float>(x), one = 1, y = static_cast<float>(value(x));
      float slope = 0, slope_from_output = 0;
      math::activation_gradient(function, shape, &input, &one, &slope, 1);
      const double near = value(x + 0.01) - value(x - 0.01), far = value(x + 0.02) - value(x - 0.02);
      const double expected = (8 * near - far) / 0.12;
      BOOST_TEST(std::abs(static_cast<double>(slope) - expected) < 2e-4 * std::max(1.0, std::abs(expected)),
                 name << " at " << x);
      if (!math::derivative_from_output(function)) continue;
      math::activation_gradient_from_output(function, shape, &y, &one, &slope_from_output, 1);
      BOOST_TEST(std::abs(slope - slope_from_output) < 1e-5F * std::max(1.0F, std::abs(slope)), name << " at " << x);
    }
  }
}

BOOST_AUTO_TEST_CASE(same_bits_each_time) {
  const std::vector<float> x = values(12345);
  BOOST_TEST(math::sum(x.data(), 12345) == math::sum(x.data(), 12345));
  BOOST_TEST(!math::simd_target().empty());
}

BOOST_AUTO_TEST_CASE(the_largest_value_is_found_where_it_first_is) {
  for (std::int64_t n : kLengths) {
    std::vector<float> x = values(n);
    const auto expected = [&] { return n == 0 ? 0 : std::max_element(x.begin(), x.end()) - x.begin(); };
    BOOST_TEST(math::index_of_maximum(x.data(), n) == expected());
    for (const std::int64_t at : {n - 1, n / 2, n / 3}) {  // the same again, further and further to the front
      if (n == 0) continue;
      x[static_cast<std::size_t>(at)] = 9;
      BOOST_TEST(math::index_of_maximum(x.data(), n) == expected());
    }
    std::vector<float> equal(static_cast<std::size_t>(n), -kInfinity);
    BOOST_TEST(math::index_of_maximum(equal.data(), n) == 0);
    std::ranges::fill(equal, kNan);
    BOOST_TEST(math::index_of_maximum(equal.data(), n) == 0);
    if (n > 2) equal[2] = -1e30F;
    BOOST_TEST(math::index_of_maximum(equal.data(), n) == (n > 2 ? 2 : 0));
  }
}

BOOST_AUTO_TEST_CASE(combination_of_three) {
  for (std::int64_t n : kLengths) {
    const std::vector<float> a = values(n), b = values(n, 1), c = values(n, 2);
    std::vector<float> y(a.size() + 1, 42.0F);
    math::combine(2, a.data(), -3, b.data(), 0.5F, c.data(), y.data(), n);
    BOOST_TEST(y.back() == 42.0F);
    y.pop_back();
    for (std::size_t i = 0; i < y.size(); ++i) BOOST_TEST(std::abs(y[i] - (2 * a[i] - 3 * b[i] + 0.5F * c[i])) < 1e-5F);
  }
}

BOOST_AUTO_TEST_SUITE_END()

// The nodes of the hyperspherical VAE: Bessel functions compared with mpmath, draws with their moments, gradients with
// the derivatives of known expectations.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "latent/von_mises_fisher_angle.h"
#include "latent/von_mises_fisher_concentration.h"
#include "nodes/latent/von_mises_fisher_values.h"
#include "nodes/node_checks.h"

using namespace loom;
using namespace loom::check;
using boost::test_tools::tolerance;

namespace {

Tensors gradient(const std::string& port, Tensor value) {
  Tensors gradients;
  gradients.emplace(port, std::move(value));
  return gradients;
}

// Unit vectors [shape], and kappas [shape, 1] from 0.05 to 50.
Tensor directions(Shape shape) {
  Tensor mu = random_tensor(shape, 5);
  const auto dim = static_cast<std::size_t>(shape.back());
  for (std::size_t at = 0; at < mu.values().size(); at += dim) {
    double square = 0;
    for (std::size_t i = at; i < at + dim; ++i) square += std::pow(static_cast<double>(mu.values()[i]), 2);
    for (std::size_t i = at; i < at + dim; ++i) mu.values()[i] /= static_cast<float>(std::sqrt(square));
  }
  return mu;
}
Tensor concentrations(Shape shape) {
  Tensor kappa = random_tensor(shape, 6);
  for (float& value : kappa.values()) value = 0.05F + std::exp(1.3F * value);
  return kappa;
}

// `count` draws around one direction; `mu` and `kappa` are those of all rows.
constexpr std::int64_t kDraws = 50000;
NodeTester draws(std::int64_t dim, float kappa) {
  auto tester = node("von_mises_fisher_sampler");
  const Tensor one = directions({1, dim});
  Tensor mu(DType::f32, {kDraws, dim}), concentration(DType::f32, {kDraws, 1});
  for (std::int64_t n = 0; n < kDraws; ++n) std::ranges::copy(one.values(), mu.view()[n].begin());
  std::ranges::fill(concentration.values(), kappa);
  tester.input("mu", std::move(mu)).input("kappa", std::move(concentration));
  return tester;
}

double cosine(const Tensor& a, const Tensor& b, std::int64_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < a.view()[n].size(); ++i)
    sum += static_cast<double>(a.view()[n][i]) * static_cast<double>(b.view()[n][i]);
  return sum;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(hyperspherical)

BOOST_AUTO_TEST_CASE(moments_equal_mpmath) {
  for (const ReferenceValue& expected : kReference) {
    const sphere::Moments got = sphere::Concentration(expected.dim).at(expected.kappa);
    BOOST_TEST_CONTEXT("dim " << expected.dim << ", kappa " << expected.kappa) {
      BOOST_TEST(got.log_m == expected.log_m, tolerance(1e-12));
      BOOST_TEST(got.mean == expected.mean, tolerance(1e-13));
      BOOST_TEST(got.variance == expected.variance, tolerance(2e-11));
      BOOST_TEST(got.kl(expected.kappa) == expected.kl, tolerance(1e-11));
    }
  }
  BOOST_TEST(sphere::Concentration(4).at(0).variance == 0.25);
  BOOST_TEST(sphere::log_area(2) == std::log(2 * std::numbers::pi), tolerance(1e-14));
  BOOST_TEST(sphere::log_area(3) == std::log(4 * std::numbers::pi), tolerance(1e-14));
}

BOOST_AUTO_TEST_CASE(kl_node_equals_mpmath) {
  for (const ReferenceValue& expected : kReference) {
    auto tester = node("von_mises_fisher_kl");
    tester.input("mu", directions({1, expected.dim}));
    tester.input("kappa", tensor_of({1, 1}, std::vector{static_cast<float>(expected.kappa)}));
    const NodeResult result = tester.run(gradient("loss", tensor_of({1}, std::vector{1.0F})));
    BOOST_TEST(static_cast<double>(result.outputs.at("loss").values()[0]) == expected.kl, tolerance(1e-6));
    BOOST_TEST(static_cast<double>(result.diff_inputs.at("kappa").values()[0]) == expected.kappa * expected.variance,
               tolerance(1e-6));
  }
}

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  for (const Shape& shape : {Shape{5, 2}, Shape{4, 3, 7}, Shape{3, 40}}) {
    Shape ones = shape;
    ones[shape.rank() - 1] = 1;
    auto parameters = node("von_mises_fisher_parameters");
    expect_ok(parameters.random_input("direction", shape).random_input("concentration", ones).check());
    auto kl = node("von_mises_fisher_kl");
    kl.input("mu", directions(shape)).input("kappa", concentrations(ones));
    expect_ok(kl.check());
    expect_ok(kl.random_input("z", shape).check());
    auto sampler = node("von_mises_fisher_sampler");
    sampler.input("mu", directions(shape)).input("kappa", concentrations(ones)).option("gradient", "rejection");
    expect_ok(sampler.check());
    // The implicit gradient by kappa is not that of fixed proposals: its expectation is checked below.
    sampler.option("gradient", "implicit");
    expect_ok(sampler.check_repeatable());
    expect_ok(sampler.check_shards());
  }
}

BOOST_AUTO_TEST_CASE(draws_have_the_moments) {
  for (const auto& [dim, kappa] :
       {std::pair{2, 3.0F}, {3, 0.5F}, {3, -2.0F}, {8, 20.0F}, {40, 400.0F}, {5, 10000.0F}}) {
    auto tester = draws(dim, kappa);
    const Tensor z = std::move(tester.run().outputs.at("z"));
    const Tensor mu = directions({1, dim});
    Tensor all(DType::f32, {kDraws, dim});
    for (std::int64_t n = 0; n < kDraws; ++n) std::ranges::copy(mu.values(), all.view()[n].begin());
    double sum = 0, squares = 0, worst_length = 0;
    for (std::int64_t n = 0; n < kDraws; ++n) {
      const double c = 1 - cosine(z, all, n);
      sum += c;
      squares += c * c;
      worst_length = std::max(worst_length, std::abs(cosine(z, z, n) - 1));
    }
    const double mean = sum / kDraws, variance = squares / kDraws - mean * mean;
    const sphere::Moments expected = sphere::Concentration(dim).at(kappa);
    BOOST_TEST_CONTEXT("dim " << dim << ", kappa " << kappa) {
      BOOST_TEST(worst_length < 1e-6);
      BOOST_TEST(std::abs(mean - (1 - expected.mean)) < 5 * std::sqrt(expected.variance / kDraws) + 1e-7);
      BOOST_TEST(variance == expected.variance, tolerance(0.05));
    }
  }
}

// The mean of the gradient of mu . z is A', that of (mu . z)^2 is d/dkappa (1 - (m - 1) A / kappa).
BOOST_AUTO_TEST_CASE(implicit_gradient_is_that_of_the_expectation) {
  for (const auto& [dim, kappa] : {std::pair{2, 3.0F}, {3, 0.5F}, {3, -2.0F}, {8, 20.0F}, {40, 50.0F}}) {
    auto tester = draws(dim, kappa);
    const Tensor z = std::move(tester.run().outputs.at("z"));
    const Tensor one = directions({1, dim});
    Tensor mu(DType::f32, {kDraws, dim}), twice(DType::f32, {kDraws, dim});
    for (std::int64_t n = 0; n < kDraws; ++n) {
      std::ranges::copy(one.values(), mu.view()[n].begin());
      const auto factor = static_cast<float>(2 * cosine(z, mu, n));
      std::ranges::transform(one.values(), twice.view()[n].begin(), [=](float v) { return factor * v; });
    }
    const auto slope = [&](const Tensor& above) {
      const NodeResult result = tester.run(gradient("z", above.clone()));
      double sum = 0;
      for (const float value : result.diff_inputs.at("kappa").values()) sum += static_cast<double>(value);
      return sum / kDraws;
    };
    const sphere::Moments m = sphere::Concentration(dim).at(kappa);
    const double k = kappa, second = (dim - 1) * (m.mean / (k * k) - m.variance / k);
    BOOST_TEST_CONTEXT("dim " << dim << ", kappa " << kappa) {
      BOOST_TEST(slope(mu) == m.variance, tolerance(0.03));
      BOOST_TEST(slope(twice) == second, tolerance(0.05));
      tester.option("gradient", "rejection");
      BOOST_TEST_MESSAGE("dim " << dim << ", kappa " << kappa << ": rejection alone gives " << slope(mu) / m.variance
                                << " and " << slope(twice) / second << " of the gradient");
    }
  }
}

// Both sides of the angle, and the error of Gauss-Legendre, compared with a sum over many strips: from theta to the
// end where the integrand keeps its sign, since the other sum cancels.
BOOST_AUTO_TEST_CASE(implicit_angle_equals_its_integral) {
  for (const auto& [dim, kappa] : {std::pair{2, 2.0}, {6, 30.0}, {64, 5.0}, {64, 3000.0}}) {
    const double mean = sphere::Concentration(dim).at(kappa).mean, typical = std::acos(mean);
    for (const double theta : {0.5 * typical, 0.99 * typical, 1.01 * typical, std::min(1.6 * typical, 3.0)}) {
      const auto density = [&, d = dim, k = kappa](double phi) {
        return k * std::cos(phi) + (d - 2) * std::log(std::sin(phi));
      };
      const int strips = 200000;
      const double from = theta < typical ? 0 : theta, to = theta < typical ? theta : std::numbers::pi;
      double sum = 0;
      for (int i = 0; i < strips; ++i) {
        const double phi = from + (to - from) * (i + 0.5) / strips;
        sum += (std::cos(phi) - mean) * std::exp(density(phi) - density(theta));
      }
      const double got = sphere::ImplicitAngle(dim, kappa, mean).slope(theta);
      BOOST_TEST_CONTEXT("dim " << dim << ", kappa " << kappa << ", theta " << theta) {
        BOOST_TEST(got == (theta < typical ? -sum : sum) * (to - from) / strips, tolerance(5e-6));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(uniform_prior) {
  auto tester = node("hyperspherical_uniform");
  tester.option("shape", std::vector<OptionValue>{4, 3}).samples(20000);
  const NodeResult result = tester.run();
  BOOST_TEST(static_cast<double>(result.outputs.at("log_density").values()[7]) == -4 * std::log(4 * std::numbers::pi),
             tolerance(1e-6));
  double mean = 0, square = 0;
  const auto y = result.outputs.at("y").values();
  for (std::size_t i = 0; i < y.size(); i += 3) {
    mean += static_cast<double>(y[i]) / (y.size() / 3.0);
    square += std::pow(static_cast<double>(y[i]), 2) / (y.size() / 3.0);
  }
  BOOST_TEST(std::abs(mean) < 0.01);
  BOOST_TEST(square == 1.0 / 3, tolerance(0.01));
  expect_ok(tester.check_repeatable());
  expect_ok(tester.check_shards());
  auto density = node("hyperspherical_uniform");
  expect_ok(density.input("z", directions({4, 5})).check());
}

BOOST_AUTO_TEST_CASE(refuses) {
  auto flat = node("von_mises_fisher_sampler");
  flat.random_input("mu", {3, 1}).random_input("kappa", {3, 1});
  BOOST_TEST(flat.error().find("one dimension") != std::string::npos, flat.error());
  auto wide = node("von_mises_fisher_kl");
  wide.random_input("mu", {3, 4}).random_input("kappa", {3, 4});
  BOOST_TEST(!wide.error().empty());
  auto shapeless = node("hyperspherical_uniform");
  BOOST_TEST(shapeless.samples(2).error().find("neither z, like nor shape") != std::string::npos, shapeless.error());
  for (const char* type : {"von_mises_fisher_sampler", "von_mises_fisher_kl"}) {
    auto diverged = node(type);
    diverged.input("mu", directions({2, 3})).input("kappa", tensor_of({2, 1}, std::vector{1.0F, NAN}));
    BOOST_CHECK_EXCEPTION(diverged.run(), Error, [](const Error& e) {
      return e.code() == ErrorCode::not_finite && std::string(e.what()).find("sample 1") != std::string::npos;
    });
  }
}

BOOST_AUTO_TEST_SUITE_END()

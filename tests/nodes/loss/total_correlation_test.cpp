#include <cmath>
#include <numbers>

#include "nodes/node_checks.h"

using namespace loom::check;
using loom::Tensor;

namespace {

constexpr std::int64_t kRows = 7, kWidth = 3;

// Stratified sampling as the formula says it, in double precision.
struct Batch {
  Tensor z = random_tensor({kRows, kWidth}, 1), mu = random_tensor({kRows, kWidth}, 2),
         logvar = random_tensor({kRows, kWidth}, 3);

  NodeTester tester() const {
    auto tester = node("total_correlation");
    tester.input("z", z.clone()).input("mu", mu.clone()).input("logvar", logvar.clone());
    return tester;
  }
  static double weight(std::int64_t i, std::int64_t j, std::int64_t size) {
    const double all = static_cast<double>(std::max(size, kRows)), others = kRows - 1;
    if (j == i) return 1 / all;
    return j == (i + 1) % kRows ? (all - others) / (all * others) : 1 / others;
  }
  // ln q(z_i) of one dimension; of all for -1.
  double log_density(std::int64_t i, std::int64_t only, std::int64_t size) const {
    double sum = 0;
    for (std::int64_t j = 0; j < kRows; ++j) {
      double log_density = 0;
      for (std::int64_t d = 0; d < kWidth; ++d) {
        if (only >= 0 && only != d) continue;
        const auto value = [&](const Tensor& of, std::int64_t row) {
          return static_cast<double>(of.values()[static_cast<std::size_t>(row * kWidth + d)]);
        };
        const double deviation = value(z, i) - value(mu, j), v = value(logvar, j);
        log_density -= (deviation * deviation / std::exp(v) + v + std::log(2 * std::numbers::pi)) / 2;
      }
      sum += weight(i, j, size) * std::exp(log_density);
    }
    return std::log(sum);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(total_correlation)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("total_correlation"); }

BOOST_AUTO_TEST_CASE(gradients) {
  auto tester = node("total_correlation");
  for (const char* port : {"z", "mu", "logvar"}) tester.random_input(port, {6, 3});
  expect_ok(tester.option("dataset_size", 1000).check());
}

// The paper's weights: for each sample its own posterior, one of another sample, and the others alike.
BOOST_AUTO_TEST_CASE(stratified_sampling) {
  for (const std::int64_t size : {1000, 7, 2}) {
    const Batch batch;
    auto tester = batch.tester();
    const NodeResult result = tester.option("dataset_size", size).option("sampling", "stratified").run();
    for (std::int64_t i = 0; i < kRows; ++i) {
      const double expected = batch.log_density(i, -1, size) - batch.log_density(i, 0, size) -
                              batch.log_density(i, 1, size) - batch.log_density(i, 2, size);
      const float got = result.outputs.at("loss").values()[static_cast<std::size_t>(i)];
      BOOST_TEST(std::abs(static_cast<double>(got) - expected) < 1e-5);
    }
    expect_ok(batch.tester().option("dataset_size", size).option("sampling", "stratified").check());
  }
}

// A batch of one sample says nothing of the others.
BOOST_AUTO_TEST_CASE(stratified_sampling_of_one_sample) {
  auto tester = node("total_correlation");
  for (const char* port : {"z", "mu", "logvar"}) tester.random_input(port, {1, 2});
  const NodeResult result = tester.option("dataset_size", 100).option("sampling", "stratified").run();
  BOOST_TEST(std::isfinite(result.outputs.at("loss").values()[0]));
}

// One dimension has no correlation: the three parts are ln q(z|x) - ln p(z) in any case.
BOOST_AUTO_TEST_CASE(the_parts_add_up) {
  for (const std::int64_t width : {1, 4}) {
    auto tester = node("total_correlation");
    auto kl = node("gaussian_kl");
    for (const char* port : {"z", "mu", "logvar"}) {
      tester.random_input(port, {8, width});
      kl.random_input(port, {8, width});
    }
    const NodeResult parts = tester.option("dataset_size", 500).run(), whole = kl.run();
    for (std::size_t n = 0; n < 8; ++n) {
      const float sum = parts.outputs.at("loss").values()[n] + parts.outputs.at("mutual_information").values()[n] +
                        parts.outputs.at("dimension_wise_kl").values()[n];
      BOOST_TEST(std::abs(sum - whole.outputs.at("log_ratio").values()[n]) < 1e-3F);
      if (width == 1) BOOST_TEST(std::abs(parts.outputs.at("loss").values()[n]) < 1e-4F);
    }
  }
}

BOOST_AUTO_TEST_CASE(wants_vectors_and_a_size) {
  auto tester = node("total_correlation");
  for (const char* port : {"z", "mu", "logvar"}) tester.random_input(port, {6, 3});
  expect_error(tester, "dataset_size");
}

BOOST_AUTO_TEST_SUITE_END()

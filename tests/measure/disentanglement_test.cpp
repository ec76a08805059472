// Scores of disentanglement: exact for a copy of the factors, near 0 for noise, between for what mixes them.
#include "measure/disentanglement.h"

#include <boost/test/unit_test.hpp>

#include <numbers>

#include "loom/error.h"
#include "measure/support.h"

using namespace loom;
using namespace loom::check;
using namespace loom::measure;

namespace {

const std::vector<std::int64_t> kSizes = {3, 6, 10, 8};

struct Scored {
  Executor executor{2};
  struct Scores {
    double mig, dci_disentanglement, dci_completeness, dci_informativeness, factor_vae, sap;
  };
  Scores of(const Tensor& codes, const Tensor& factors, Executor* threads = nullptr) {
    const MetricPass pass{.samples = codes.shape()[0], .threads = threads == nullptr ? &executor : threads};
    const auto score = [&](const char* metric, const char* key) {
      return number_at(measured(metric, {{{"codes", codes}, {"factors", factors}}}, pass), key);
    };
    return {score("mig", "mig"),
            score("dci", "dci_disentanglement"),
            score("dci", "dci_completeness"),
            score("dci", "dci_informativeness"),
            score("factor_vae", "factor_vae"),
            score("sap", "sap")};
  }
};

// Each factor in a dimension of its own, in another order, scaled and shifted.
Tensor copy_of(const Tensor& factors) {
  return codes_from(factors, 4, [](std::span<const std::int32_t> row, std::int64_t d) {
    return static_cast<float>(row[static_cast<std::size_t>(3 - d)]) * (d % 2 == 0 ? -0.7F : 2.5F) +
           static_cast<float>(d);
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(disentanglement_scores)

BOOST_FIXTURE_TEST_CASE(a_copy_of_the_factors_is_perfect, Scored) {
  const Tensor factors = grid_of_factors(kSizes, 2);
  const Scores scores = of(copy_of(factors), factors);
  BOOST_TEST(std::abs(scores.mig - 1) < 1e-9);  // every factor has fewer values than there are bins
  BOOST_TEST(std::abs(scores.dci_disentanglement - 1) < 1e-9);
  BOOST_TEST(std::abs(scores.dci_completeness - 1) < 1e-9);
  BOOST_TEST(scores.dci_informativeness == 1.0);
  BOOST_TEST(scores.factor_vae == 1.0);
  BOOST_TEST(std::abs(scores.sap - 1) < 1e-9);
}

BOOST_FIXTURE_TEST_CASE(more_values_than_bins_cost_what_the_bins_lose, Scored) {
  const Tensor factors = grid_of_factors({40, 25});
  const Tensor codes = codes_from(
      factors, 2, [](auto row, std::int64_t d) { return static_cast<float>(row[static_cast<std::size_t>(d)]); });
  // 40 values fall two by two into 20 bins: ln 20 of ln 40 nats are left. 25 values: 5 bins of two, 15 of one.
  const double expected =
      0.5 * (std::log(20.0) / std::log(40.0) + (std::log(25.0) - 5 * 2.0 / 25 * std::log(2.0)) / std::log(25.0));
  BOOST_TEST(std::abs(mutual_information_gap(codes, factors) - expected) < 1e-9);
}

BOOST_FIXTURE_TEST_CASE(noise_knows_nothing, Scored) {
  const Tensor factors = grid_of_factors(kSizes, 7);  // 10,080 items
  const Scores scores = of(noise(factors.shape()[0], 5, 3), factors);
  BOOST_TEST(scores.mig < 0.01);
  BOOST_TEST(scores.dci_disentanglement < 0.02);
  BOOST_TEST(scores.dci_completeness < 0.02);
  const double chance = (1.0 / 3 + 1.0 / 6 + 1.0 / 10 + 1.0 / 8) / 4;
  BOOST_TEST(std::abs(scores.dci_informativeness - chance) < 0.02);
  BOOST_TEST(std::abs(scores.factor_vae - 0.25) < 0.04);
  BOOST_TEST(scores.sap < 0.005);
}

BOOST_FIXTURE_TEST_CASE(a_rotated_copy_is_informative_but_mixed, Scored) {
  const Tensor factors = grid_of_factors({10, 10}, 20);
  const Tensor codes = codes_from(factors, 2, [](auto row, std::int64_t d) {
    const auto a = static_cast<float>(row[0]), b = static_cast<float>(row[1]);
    return d == 0 ? a + b : a - b;
  });
  const Scores scores = of(codes, factors);
  BOOST_TEST(scores.mig < 0.05);
  BOOST_TEST(scores.dci_disentanglement < 0.1);
  BOOST_TEST(scores.dci_completeness < 0.1);
  BOOST_TEST(scores.dci_informativeness > 0.99);
  BOOST_TEST(scores.factor_vae < 0.75);
  BOOST_TEST(scores.sap < 1e-9);  // either dimension explains half of either factor
}

BOOST_FIXTURE_TEST_CASE(a_factor_in_two_dimensions_is_disentangled_but_not_complete, Scored) {
  const Tensor factors = grid_of_factors({10, 8}, 10);
  const Tensor codes = codes_from(factors, 3, [](auto row, std::int64_t d) {
    return static_cast<float>(d == 0 ? row[0] / 4 : d == 1 ? row[0] % 4 : row[1]);  // 10 = 3 x 4, less 2
  });
  const Dci scores = dci(codes, factors, 1, executor);
  BOOST_TEST(std::abs(scores.disentanglement - 1) < 1e-9);
  BOOST_TEST(scores.completeness < 0.8);
  BOOST_TEST(scores.completeness > 0.5);
  BOOST_TEST(scores.informativeness == 1.0);
}

BOOST_FIXTURE_TEST_CASE(a_dead_dimension_does_not_vote, Scored) {
  const Tensor factors = grid_of_factors(kSizes, 2);
  const Tensor copy = copy_of(factors);
  const Tensor dead = noise(factors.shape()[0], 1, 5, 1e-4F);
  const Tensor codes = codes_from(factors, 5, [](auto, std::int64_t) { return 0.0F; });
  for (std::int64_t n = 0; n < codes.shape()[0]; ++n) {
    std::ranges::copy(copy.view()[n], codes.view()[n].begin());
    codes.view()[n][4] = dead.view()[n][0];
  }
  BOOST_TEST(factor_vae_score(codes, factors) == 1.0);
  BOOST_TEST(std::abs(mutual_information_gap(codes, factors) - 1) < 0.02);
}

BOOST_FIXTURE_TEST_CASE(threads_change_no_bit_and_constant_factors_do_not_count, Scored) {
  const Tensor factors = grid_of_factors({4, 1, 6}, 30);
  const Tensor codes = codes_from(factors, 2, [](auto row, std::int64_t d) {
    return static_cast<float>(row[d == 0 ? 0 : 2]) + 0.05F * static_cast<float>(row[d == 0 ? 2 : 0]);
  });
  Executor one(1);
  const Scores a = of(codes, factors), b = of(codes, factors, &one);
  BOOST_TEST(a.dci_disentanglement == b.dci_disentanglement);
  BOOST_TEST(a.dci_completeness == b.dci_completeness);
  BOOST_TEST(a.factor_vae == b.factor_vae);
  BOOST_TEST(a.mig > 0.3);
  const Tensor constant = grid_of_factors({1}, 20);
  BOOST_TEST(std::isnan(of(noise(20, 2, 1), constant).mig));
  BOOST_CHECK_THROW(of(noise(19, 2, 1), constant), Error);
}

BOOST_AUTO_TEST_SUITE_END()

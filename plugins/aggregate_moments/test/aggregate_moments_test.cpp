// aggregate_moments against values that follow from closed forms, and against NumPy.
#define BOOST_TEST_MODULE aggregate_moments
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <map>
#include <vector>

#include <loom/check.h>
#include <loom/metric.h>

using namespace loom;
using namespace loom::check;
using boost::test_tools::tolerance;

namespace {

std::shared_ptr<const MetricType> type() {
  static const auto loaded = [] {
    auto types = std::make_unique<Registry>();
    load_plugin(*types, PLUGIN_FILE);
    return types;
  }();
  return loaded->find<MetricType>("aggregate_moments");
}

using Values = std::map<std::string, OptionValue>;

struct Measure {
  std::int64_t max_dimensions = 512, rows_at_once = 1000000;
  bool fixed_prior = true;

  Values operator()(const Tensor& mu, const Tensor& logvar) const {
    Options options;
    options.set("max_dimensions", max_dimensions);
    const auto metric = type()->create(options);
    const std::int64_t samples = mu.shape()[0];
    metric->begin({.samples = samples, .fixed_prior = fixed_prior});
    for (std::int64_t first = 0; first < samples; first += rows_at_once) {
      const std::int64_t count = std::min(rows_at_once, samples - first);
      const std::vector<TensorView> inputs = {mu.view().rows(first, count), logvar.view().rows(first, count)};
      metric->add(inputs);
    }
    Values values;
    for (const MetricResult& result : metric->finish()) values[result.key] = result.value;
    return values;
  }
};

double number(const Values& values, const std::string& key) { return std::get<double>(values.at(key)); }

}  // namespace

// One posterior N(m, v): the bound is its own KL, with no correlations.
BOOST_AUTO_TEST_CASE(one_gaussian_has_its_own_kl) {
  const Values values =
      Measure()(tensor_of({1, 2}, std::vector<float>{3, -1}), tensor_of({1, 2}, std::vector<float>{0, std::log(4.0F)}));
  BOOST_TEST(number(values, "mean_kl") == 5.0, tolerance(1e-6));
  BOOST_TEST(number(values, "scale_kl") == 0.5 * (4 - 1 - std::log(4.0)), tolerance(1e-6));
  BOOST_TEST(number(values, "correlation_kl") == 0.0, tolerance(1e-12));
  BOOST_TEST(number(values, "moment_kl") == 5 + 0.5 * (3 - std::log(4.0)), tolerance(1e-6));
  BOOST_TEST(std::get<double>(std::get<std::vector<OptionValue>>(values.at("aggregate_deviations"))[1]) == 2.0,
             tolerance(1e-6));
}

// Means at (1, 1) and (-1, -1) with variance 1: S = [[2, 1], [1, 2]], det S = 3.
BOOST_AUTO_TEST_CASE(correlations_are_seen) {
  const Values values =
      Measure()(tensor_of({2, 2}, std::vector<float>{1, 1, -1, -1}), tensor_of({2, 2}, std::vector<float>(4, 0)));
  BOOST_TEST(number(values, "mean_kl") == 0.0);
  BOOST_TEST(number(values, "scale_kl") == 1 - std::log(2.0), tolerance(1e-12));
  BOOST_TEST(number(values, "correlation_kl") == 0.5 * std::log(4.0 / 3), tolerance(1e-12));
}

// numpy: m = mu.mean(0); S = np.cov(mu.T, bias=True) + np.diag(np.exp(logvar).mean(0));
// 0.5 * (m @ m + np.trace(S) - 3 - np.linalg.slogdet(S)[1])
BOOST_AUTO_TEST_CASE(equals_numpy) {
  const Tensor mu =
      tensor_of({4, 3}, std::vector<float>{0.5F, -1.25F, 2, 1.5F, 0.25F, -0.75F, -2, 1, 0.125F, 0.75F, -0.5F, 1});
  const Tensor logvar =
      tensor_of({4, 3}, std::vector<float>{-1, 0.5F, -2, -0.25F, 0.75F, -3, 0, -1.5F, -0.5F, 0.25F, -0.125F, -1});
  BOOST_TEST(number(Measure()(mu, logvar), "moment_kl") == 0.8341951597187305, tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(positions_are_rows_and_the_division_into_batches_does_not_matter) {
  const Tensor mu = random_tensor({24, 5}, 1, 2, 0.5), logvar = random_tensor({24, 5}, 2);
  const Tensor mu_at = random_tensor({6, 2, 2, 5}, 1, 2, 0.5), logvar_at = random_tensor({6, 2, 2, 5}, 2);
  const Values whole = Measure()(mu, logvar);
  BOOST_CHECK(whole == Measure()(mu_at, logvar_at));
  BOOST_CHECK(whole == Measure{.rows_at_once = 7}(mu, logvar));
}

// Rounding: means of a million, with a spread of 1.
BOOST_AUTO_TEST_CASE(a_large_mean_does_not_hide_the_spread) {
  const Values values = Measure()(tensor_of({2, 1}, std::vector<float>{1000001, 999999}),
                                  tensor_of({2, 1}, std::vector<float>{-20, -20}));
  BOOST_TEST(number(values, "scale_kl") == 0.0, tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(left_out_where_it_is_not_defined) {
  const Tensor mu = random_tensor({4, 3}, 1), logvar = random_tensor({4, 3}, 2);
  BOOST_TEST(Measure{.max_dimensions = 2}(mu, logvar).empty());
  BOOST_TEST(Measure{.max_dimensions = 3}(mu, logvar).size() == 5U);
  BOOST_TEST(Measure{.fixed_prior = false}(mu, logvar).empty());
}

BOOST_AUTO_TEST_CASE(keeps_the_rules) {
  const CheckTable table = check_type(type());
  BOOST_TEST(table.ok(), table.text());
}

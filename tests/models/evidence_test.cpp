// The estimates of the evidence against a model whose evidence is known: for x = W z + b + noise, p(x) is
// N(b, W W^T + I).
#include <boost/test/unit_test.hpp>
#include <numbers>

#include "models/spectrum.h"
#include "nodes/data/data_checks.h"
#include "train/session.h"

using namespace loom;
using namespace loom::check;

namespace {

constexpr std::size_t kFeatures = 4, kLatent = 2;

std::string linear_vae(const std::string& kl_options) {
  return R"(
version: 1
graph: linear
data: {type: gaussian, features: 4, count: 2000}
nodes:
  x:    {type: input, shape: [4]}
  q:    {type: gaussian_parameters, in: x, dim: 2}
  z:    {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  mean: {type: linear, in: z, units: 4}
losses:
  reconstruction: {type: gaussian_nll, in: {mean: mean, target: x}}
  kl:             {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar})" +
         kl_options + "}\n";
}

Session session_of(const std::string& text) {
  return Session(parse_document(text, "linear.yaml", "."), standard_registry(), {.batch = 50, .threads = 2});
}

// The mean of -ln p(x) over the test split, nats.
double exact_nll(Session& session) {
  const std::span<const float> w = session.parameters().at(session.parameters().find("mean.weight")).value.values();
  const std::span<const float> b = session.parameters().at(session.parameters().find("mean.bias")).value.values();
  Rows covariance(kFeatures, std::vector<double>(kFeatures));
  for (std::size_t i = 0; i < kFeatures; ++i) {
    for (std::size_t j = 0; j < kFeatures; ++j) {
      covariance[i][j] = i == j ? 1 : 0;
      for (std::size_t k = 0; k < kLatent; ++k)
        covariance[i][j] += static_cast<double>(w[i * kLatent + k]) * static_cast<double>(w[j * kLatent + k]);
    }
  }
  const Spectrum spectrum = spectrum_of(covariance);
  const DataSource data = open_data("gaussian", {{"features", 4}, {"count", 2000}, {"split", "test"}});
  double sum = 0;
  for (std::int64_t n = 0; n < data.size(); ++n) {
    const std::vector<float> x = Item(data, n).floats();
    for (std::size_t j = 0; j < kFeatures; ++j) {
      double projection = 0;
      for (std::size_t i = 0; i < kFeatures; ++i)
        projection += spectrum.vectors[j][i] * static_cast<double>(x[i] - b[i]);
      sum += 0.5 * (std::log(2 * std::numbers::pi * spectrum.values[j]) + projection * projection / spectrum.values[j]);
    }
  }
  return sum / static_cast<double>(data.size());
}

double error_of(const Evaluation& evaluation, const char* key) {
  return find_value(evaluation.values, key)->standard_error.value();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(evidence)

BOOST_AUTO_TEST_CASE(more_draws_come_closer_and_many_reach_it) {
  Session session = session_of(linear_vae(""));
  const double exact = exact_nll(session);
  const Evaluation elbo = session.evaluate({});
  BOOST_TEST(elbo.evidence().value() > exact);
  double before = elbo.evidence().value() + 3 * error_of(elbo, "negative_elbo");
  for (const std::int64_t draws : {1, 10, 100, 2000}) {
    const double nll = session.evaluate({.nll_samples = draws}).number("nll").value();
    BOOST_TEST(nll <= before);
    BOOST_TEST(nll > exact - 0.02);
    before = nll + 0.02;  // draws of one size are not those of another
  }
  BOOST_TEST(std::abs(before - 0.02 - exact) < 0.02, before - 0.02 << " nats, exactly " << exact);
}

BOOST_AUTO_TEST_CASE(one_draw_is_the_elbo) {
  Session session = session_of(linear_vae(""));
  const Evaluation one = session.evaluate({.nll_samples = 1});
  // The same expectation; the ELBO has its divergence in closed form.
  const double error = std::hypot(error_of(one, "negative_elbo"), error_of(one, "nll"));
  BOOST_TEST(std::abs(one.number("nll").value() - one.evidence().value()) < 3 * error);
}

BOOST_AUTO_TEST_CASE(what_a_loss_makes_of_the_divergence_is_no_part_of_the_elbo) {
  Session plain = session_of(linear_vae("")), bits = session_of(linear_vae(", free_bits: 5")),
          capacity = session_of(linear_vae(", capacity: 30"));
  const Evaluation expected = plain.evaluate({});
  for (Session* session : {&bits, &capacity}) {
    const Evaluation got = session->evaluate({});
    BOOST_TEST(got.evidence().value() == expected.evidence().value());
    BOOST_TEST(got.terms().back().first == "kl.kl");
    BOOST_TEST(got.terms().back().second == expected.terms().back().second);
    BOOST_TEST(got.terms()[1].second > expected.terms()[1].second + 1);
    BOOST_TEST(session->evaluate({.nll_samples = 10}).number("nll").value() ==
               plain.evaluate({.nll_samples = 10}).number("nll").value());
  }
}

BOOST_AUTO_TEST_SUITE_END()

// The latent variables of a graph: of divergences, of samplers, of a bottleneck.
#include "train/posterior.h"

#include <boost/test/unit_test.hpp>

#include "check/standard_registry.h"
#include "train/check_document.h"

using namespace loom;
using namespace loom::check;

namespace {

struct Found {
  std::shared_ptr<const Graph> graph;
  std::vector<Posterior> posteriors;

  explicit Found(const std::string& text) {
    const Document document = parse_document("version: 1\ngraph: m\n" + text, "m.yaml", ".");
    Diagnostics findings;
    graph = check_document(document, standard_registry(), findings);
    findings.throw_if_any();
    posteriors = find_posteriors(*graph, resolve_losses(document, *graph));
  }
  // "kl: q.mu [3] drawn z; ..."
  std::string text() const {
    std::string text;
    for (const Posterior& posterior : posteriors) {
      text += posterior.name + ": " + graph->name_of(posterior.mu) + " " + std::to_string(posterior.positions) + "x" +
              std::to_string(posterior.dimensions);
      if (posterior.drawn.valid()) text += " drawn " + graph->name_of(posterior.drawn);
      text += "; ";
    }
    return text;
  }
};

const std::string kEncoder = R"(
nodes:
  x:    {type: input, shape: [4, 6]}
  q:    {type: gaussian_parameters, in: x, dim: 2}
  z:    {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  mean: {type: linear, in: z, units: 6}
)";
const std::string kLikelihood = R"(
losses:
  rec: {type: gaussian_nll, in: {mean: mean, target: x}, sigma: 1}
)";

}  // namespace

BOOST_AUTO_TEST_SUITE(posteriors)

BOOST_AUTO_TEST_CASE(of_a_divergence) {
  BOOST_TEST(Found(kEncoder + kLikelihood + "  kl: {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}\n").text() ==
             "kl: q.mu 4x2 drawn z; ");
}

BOOST_AUTO_TEST_CASE(of_a_sampler_whose_divergence_is_computed_from_densities) {
  const Found found(kEncoder + R"(
  prior:     {type: mixture_prior, in: z, components: 3}
  posterior: {type: gaussian_log_density, in: {mu: q.mu, logvar: q.logvar, value: z}}
)" + kLikelihood + R"(
  kl:  {type: monte_carlo_kl, in: {posterior_log_density: posterior, prior_log_density: prior.log_density}}
)");
  BOOST_TEST(found.text() == "z: q.mu 4x2 drawn z; ");
  BOOST_TEST(Found(kEncoder + kLikelihood).text() == "z: q.mu 4x2 drawn z; ");
}

// A VAE of formulas: what the formula of z reads beside its parameters is noise.
// It is the noise of what is computed from it: there is no mean that the data have an influence on.
BOOST_AUTO_TEST_CASE(not_of_a_sampler_whose_mean_is_constant) {
  const Found found(
      R"yaml(
nodes:
  x:    {type: input, shape: [6]}
  q:    {type: gaussian_parameters, in: x, dim: 2}
  zero: {type: constant, in: {like: q.mu}, value: 0}
  w:    {type: gaussian_sampler, in: {mu: zero, logvar: q.logvar}}
  z:    {type: expr, in: {m: q.mu, w: w}, y: "tanh(m + w)"}
  q0:   {type: gaussian_log_density, in: {mu: zero, logvar: q.logvar, value: w}}
  p0:   {type: standard_normal, in: z}
  mean: {type: linear, in: z, units: 6}
)yaml" +
      kLikelihood +
      "  kl: {type: monte_carlo_kl, in: {posterior_log_density: q0, prior_log_density: p0.log_density}}\n");
  BOOST_TEST(found.text() == "z: z 1x2; ");
}

BOOST_AUTO_TEST_CASE(of_a_sampler_that_is_a_formula) {
  const std::string nodes = R"yaml(
nodes:
  x:      {type: input, shape: [4, 6]}
  mu:     {type: linear, in: x, units: 2}
  spread: {type: linear, in: x, units: 2}
  noise:  {type: normal, in: {like: mu}}
  z:      {type: expr, in: {mu: mu, s: spread, e: noise}, y: "mu + exp(s) * e", role: sampler}
  mean:   {type: linear, in: z, units: 6}
losses:
  rec: {type: gaussian_nll, in: {mean: mean, target: x}, sigma: 1}
)yaml";
  const std::string kl = R"yaml(
  kl: {type: expr, in: {mu: mu, s: spread}, let: {nats: "(exp(2 * s) + mu^2 - 1) / 2 - s"},
       outputs: {loss: "sum(nats)", per_dimension: "nats"}, role: divergence, drawn: noise}
)yaml";
  const auto without = [](std::string text, const std::string& part, const std::string& other = "") {
    return text.replace(text.find(part), part.size(), other);
  };
  const auto says = [](const std::string& part) {
    return [part](const Error& error) { return std::string(error.what()).find(part) != std::string::npos; };
  };
  const Found found(nodes + kl);
  BOOST_TEST(found.text() == "kl: mu 4x2 drawn z; ");
  BOOST_TEST(found.posteriors.front().per_dimension.valid());
  BOOST_TEST(Found(nodes).text() == "z: mu 4x2 drawn z; ");
  const std::string plain = without(nodes, ", role: sampler");
  BOOST_TEST(Found(plain + without(kl, ", drawn: noise")).text() == "kl: mu 4x2; ");
  BOOST_CHECK_EXCEPTION(Found(plain + kl), Error, says("one node of the role sampler"));
  BOOST_CHECK_EXCEPTION(Found(nodes + without(kl, "drawn: noise", "drawn: mean")), Error,
                        says("E207 shape-mismatch: `drawn` of the loss 'kl'"));
}

BOOST_AUTO_TEST_CASE(of_levels_that_are_summed) {
  const Found found(R"(
nodes:
  x:  {type: input, shape: [6]}
  q1: {type: gaussian_parameters, in: x, dim: 3}
  z1: {type: gaussian_sampler, in: {mu: q1.mu, logvar: q1.logvar}}
  q2: {type: gaussian_parameters, in: z1, dim: 2}
  z2: {type: gaussian_sampler, in: {mu: q2.mu, logvar: q2.logvar}}
  k1: {type: gaussian_kl, in: {mu: q1.mu, logvar: q1.logvar}}
  k2: {type: gaussian_kl, in: {mu: q2.mu, logvar: q2.logvar}}
  sum: {type: add, in: [k1, k2]}
  mean: {type: linear, in: z2, units: 6}
losses:
  rec: {type: gaussian_nll, in: {mean: mean, target: x}, sigma: 1}
  kl: {of: sum}
)");
  BOOST_TEST(found.text() == "kl/k1: q1.mu 1x3 drawn z1; kl/k2: q2.mu 1x2 drawn z2; ");
}

BOOST_AUTO_TEST_CASE(of_a_deterministic_autoencoder) {
  const std::string narrow = R"(
nodes:
  x: {type: input, shape: [6]}
  wide: {type: linear, in: x, units: 5}
  code: {type: linear, in: wide, units: 2}
  more: {type: linear, in: code, units: 4}
)";
  BOOST_TEST(Found(narrow + "  mean: {type: linear, in: more, units: 6}\n" + kLikelihood).text() == "code: code 1x2; ");
  // Past the bottleneck there is another way: nothing is narrower than what passes it.
  BOOST_TEST(Found(narrow + "  both: {type: concat, in: [more, wide]}\n  mean: {type: linear, in: both, units: 6}\n" +
                   kLikelihood)
                 .text() == "wide: wide 1x5; ");
  BOOST_TEST(Found("nodes:\n  x: {type: input, shape: [6]}\n  y: {type: input, shape: [6]}\n"
                   "  mean: {type: linear, in: y, units: 6}\n" +
                   kLikelihood)
                 .text() == "");
}

BOOST_AUTO_TEST_SUITE_END()

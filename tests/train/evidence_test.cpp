// What the losses of a graph make: bounds, exact likelihoods, reconstructions, and what is missing.
#include "train/evidence.h"

#include <boost/test/unit_test.hpp>

#include "check/standard_registry.h"
#include "train/check_document.h"

using namespace loom;
using namespace loom::check;

namespace {

struct Found {
  std::shared_ptr<const Graph> graph;
  Evidence evidence;

  explicit Found(const std::string& text) {
    const Document document = parse_document("version: 1\ngraph: m\n" + text, "m.yaml", ".");
    Diagnostics findings;
    graph = check_document(document, standard_registry(), findings);
    findings.throw_if_any();
    evidence = find_evidence(*graph, resolve_losses(document, *graph));
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const LossTerm& part : evidence.parts) names.push_back(part.name);
    return names;
  }
  // The kinds of the bounds, in words, and what is missing.
  std::string text() const {
    std::string text;
    for (const Bound& bound : evidence.bounds) {
      const char* kinds[] = {"bound", "exact", "reconstruction", "none"};
      text += std::string(kinds[static_cast<int>(bound.kind)]) + " " + bound.name +
              (bound.missing.empty() ? "" : ": ") + bound.missing + "; ";
    }
    return text;
  }
};

using Names = std::vector<std::string>;

const std::string kVae = R"(
nodes:
  x:    {type: input, shape: [6]}
  q:    {type: gaussian_parameters, in: x, dim: 2}
  z:    {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  mean: {type: linear, in: z, units: 6}
)";

}  // namespace

BOOST_AUTO_TEST_SUITE(evidence)

// Noise that a formula reads belongs to no posterior; what the data say does.
BOOST_AUTO_TEST_CASE(a_vae_of_formulas_is_one_bound) {
  const auto text = [](const std::string& noise) {
    return Found("nodes:\n  x: {type: input, shape: [6]}\n  mu: {type: linear, in: x, units: 2}\n  e: " + noise +
                 R"yaml(
  z:    {type: expr, in: {mu: mu, e: e}, y: "mu + e", role: sampler}
  mean: {type: linear, in: z, units: 6}
losses:
  rec: {expr: "sum((m - target)^2) / 2 + 3 * log(2 * pi)", in: {m: mean, target: x}, role: likelihood}
  kl:  {expr: "sum(mu^2) / 2", in: {mu: mu}, role: divergence}
)yaml")
        .text();
  };
  BOOST_TEST(text("{type: normal, shape: [2]}") == "bound rec; ");
  BOOST_TEST(text("{type: linear, in: x, units: 2}") ==
             "reconstruction rec: no loss is the divergence of 'z'; role: divergence says which one is; none kl: no "
             "likelihood of the data depends on what 'kl' is the "
             "divergence of; ");
}

BOOST_AUTO_TEST_CASE(a_vae_is_one_bound) {
  const Found found(kVae + R"(
losses:
  reconstruction: {type: gaussian_nll, in: {mean: mean, target: x}, sigma: 1}
  kl: {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}, weight: 4}
)");
  BOOST_TEST(found.text() == "bound reconstruction; ");
  BOOST_TEST((found.names() == Names{"reconstruction", "kl"}));
  BOOST_TEST(found.evidence.only(Bound::Kind::bound) == &found.evidence.bounds[0]);
}

BOOST_AUTO_TEST_CASE(each_quantity_counts_once) {
  // The same divergence as a loss, in a sum with itself, and as a second node over the same values.
  const Found found(kVae + R"(
  d:    {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
  same: {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
  rec:  {type: gaussian_nll, in: {mean: mean, target: x}, sigma: 1}
  both: {type: add, in: [d, same]}
  all:  {type: add, in: [rec, both]}
losses:
  kl: {of: d}
  all: {of: all}
)");
  BOOST_TEST(found.text() == "bound all/rec; ");
  BOOST_TEST((found.names() == Names{"kl", "all/rec"}));
}

BOOST_AUTO_TEST_CASE(a_sampler_without_divergence_makes_no_bound) {
  const std::string likelihood = "losses:\n  rec: {type: gaussian_nll, in: {mean: mean, target: x}, sigma: 1}\n";
  const Found found(kVae + likelihood);
  BOOST_TEST(found.text().starts_with("reconstruction rec: no loss is the divergence of 'z'; role: divergence"));
  BOOST_CHECK_THROW(require_density(found.evidence), Error);
  // A loss that the framework cannot know to be the divergence is said to be it.
  const std::string own = "  size: {type: squared_error, in: {x: q.mu, target: q.logvar}";
  BOOST_TEST(Found(kVae + likelihood + own + "}\n").text().starts_with("reconstruction rec: "));
  BOOST_TEST(Found(kVae + likelihood + own + ", role: divergence}\n").text() == "bound rec; ");
  BOOST_TEST(Found(kVae + likelihood + own + ", role: regulariser}\n").text().starts_with("reconstruction rec: "));
  BOOST_TEST(Found(kVae + likelihood + "  kl: {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}, role: none}\n")
                 .text()
                 .starts_with("reconstruction rec: "));
}

BOOST_AUTO_TEST_CASE(an_autoencoder_has_a_reconstruction) {
  const std::string nodes = "nodes:\n  x: {type: input, shape: [6]}\n  h: {type: linear, in: x, units: 2}\n";
  const std::string losses = "losses:\n  rec: {type: gaussian_nll, in: {mean: mean, target: x}, sigma: 1}\n";
  const Found found(nodes + "  mean: {type: linear, in: h, units: 6}\n" + losses);
  BOOST_TEST(found.text().starts_with("reconstruction rec: "));
  BOOST_TEST(found.text().find("autoencoder") != std::string::npos);
  // What does not see its target is a likelihood: of y given x.
  const Found conditional(nodes + "  y: {type: input, shape: [6]}\n  mean: {type: linear, in: h, units: 6}\n" +
                          "losses:\n  rec: {type: gaussian_nll, in: {mean: mean, target: y}, sigma: 1}\n");
  BOOST_TEST(conditional.text() == "exact rec; ");
}

BOOST_AUTO_TEST_CASE(an_autoregressive_likelihood_is_exact) {
  const std::string nodes = R"(
nodes:
  x: {type: input, shape: [8], dtype: i32}
  e: {type: embedding, in: x, count: 5, dim: 4}
  before: {type: shift, in: e, axis: 1, by: 1}
)";
  const std::string losses = "losses:\n  nll: {type: categorical_nll, in: {logits: logits, target: x}}\n";
  BOOST_TEST(Found(nodes + "  logits: {type: linear, in: before, units: 5}\n" + losses).text() == "exact nll; ");
  // Given a class for every position.
  BOOST_TEST(Found(nodes +
                   "  c: {type: input, shape: [8], dtype: i32}\n  class: {type: embedding, in: c, count: 3, dim: 4}\n"
                   "  both: {type: add, in: [before, class]}\n  logits: {type: linear, in: both, units: 5}\n" +
                   losses)
                 .text() == "exact nll; ");
}

BOOST_AUTO_TEST_CASE(a_decoder_that_is_told_of_the_data_otherwise_is_not_exact) {
  const Found found(R"(
nodes:
  x:      {type: input, shape: [8, 1]}
  level:  {type: activation, in: x, function: sigmoid}
  before: {type: shift, in: level, axis: 1, by: 1}
  hint:   {type: linear, in: x, units: 1}
  logits: {type: add, in: [before, hint]}
losses:
  p: {type: bernoulli_nll, in: {logits: logits, target: level}}
)");
  BOOST_TEST(found.text().starts_with("reconstruction p: "));
}

BOOST_AUTO_TEST_CASE(a_quantizer_needs_a_prior_of_its_codes) {
  const std::string model = R"(
nodes:
  x: {type: input, shape: [8, 3]}
  q: {type: vector_quantizer, in: x, codes: 5, dim: 3}
  mean: {type: linear, in: q, units: 3}
  e: {type: embedding, in: q.codes, count: 5, dim: 4}
  before: {type: shift, in: e, axis: 1, by: 1}
  logits: {type: linear, in: before, units: 5}
losses:
  rec: {type: gaussian_nll, in: {mean: mean, target: x}, sigma: 1}
  codes: {of: q.loss}
)";
  const std::string prior = "  prior: {type: categorical_nll, in: {logits: logits, target: q.codes}}\n";
  BOOST_TEST(Found(model).text() == "reconstruction rec: the codes of 'q' have no prior among the losses; ");
  const Found whole(model + prior);
  BOOST_TEST(whole.text() == "bound rec; ");
  BOOST_TEST((whole.evidence.parts[1].role == LossRole::prior));
  const std::string alone = model.substr(0, model.find("losses:"));
  BOOST_TEST(Found(alone + "losses:\n" + prior).text() == "exact prior; ");
}

BOOST_AUTO_TEST_CASE(a_likelihood_of_features_is_none_of_the_data) {
  const Found found(kVae + R"(
  f:  {type: linear, in: x, units: 3}
  g:  {type: linear, in: mean, units: 3, weights: f}
losses:
  features: {type: gaussian_nll, in: {mean: g, target: f}, sigma: 1}
  kl: {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
)");
  BOOST_TEST(found.text() == "none features: 'features' is a likelihood of features, not of the data; ");
}

BOOST_AUTO_TEST_CASE(bounds_without_a_common_latent_stand_apart) {
  const Found found(kVae + R"(
  y:  {type: input, shape: [4]}
  r:  {type: gaussian_parameters, in: y, dim: 3}
  w:  {type: gaussian_sampler, in: {mu: r.mu, logvar: r.logvar}}
  y_mean: {type: linear, in: w, units: 4}
losses:
  rec_x: {type: gaussian_nll, in: {mean: mean, target: x}, sigma: 1}
  rec_y: {type: gaussian_nll, in: {mean: y_mean, target: y}, sigma: 1}
  kl_x: {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
  kl_y: {type: gaussian_kl, in: {mu: r.mu, logvar: r.logvar}}
)");
  BOOST_TEST(found.text() == "bound rec_x; bound rec_y; ");
  BOOST_CHECK_THROW(require_density(found.evidence), Error);
  // Both of one latent variable: one bound of the pair.
  const Found joint(kVae + R"(
  y:  {type: input, shape: [4]}
  y_mean: {type: linear, in: z, units: 4}
losses:
  rec_x: {type: gaussian_nll, in: {mean: mean, target: x}, sigma: 1}
  rec_y: {type: gaussian_nll, in: {mean: y_mean, target: y}, sigma: 1}
  kl: {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
)");
  BOOST_TEST(joint.text() == "bound rec_x+rec_y; ");
  const Found twice(kVae + R"(
  again: {type: linear, in: z, units: 6}
losses:
  a: {type: gaussian_nll, in: {mean: mean, target: x}, sigma: 1}
  b: {type: gaussian_nll, in: {mean: again, target: x}, sigma: 1}
  kl: {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
)");
  BOOST_TEST(twice.text() == "none a+b: 'x' is the target of two likelihoods; ");
}

BOOST_AUTO_TEST_CASE(a_monte_carlo_divergence_covers_its_sampler) {
  const Found found(kVae + R"(
  prior:     {type: mixture_prior, in: z, components: 3}
  posterior: {type: gaussian_log_density, in: {mu: q.mu, logvar: q.logvar, value: z}}
losses:
  rec: {type: gaussian_nll, in: {mean: mean, target: x}, sigma: 1}
  kl:  {type: monte_carlo_kl, in: {posterior_log_density: posterior, prior_log_density: prior.log_density}}
)");
  BOOST_TEST(found.text() == "bound rec; ");
}

BOOST_AUTO_TEST_SUITE_END()

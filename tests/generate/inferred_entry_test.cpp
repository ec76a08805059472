// What `generate` leaves out: an entry that follows from the losses gives the bits of the one that is written, for every
// kind of prior and likelihood, and what does not follow is refused with its reason.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "check/standard_registry.h"
#include "generate/inferred_entries.h"
#include "loom/error.h"
#include "loom/model.h"
#include "train/check_document.h"

namespace loom {
BOOST_AUTO_TEST_SUITE(inferred_entries)

BOOST_AUTO_TEST_CASE(the_mean_of_a_gaussian_and_of_a_bernoulli_likelihood) {
  expect_same_samples(kGaussian, "{draw: {z: {type: standard_normal}}, show: out}");
  expect_same_samples(kBernoulli, "{draw: {z: {type: standard_normal}}, show: p}");
  // Without a node of the mean, one is added.
  std::string bare = kBernoulli;
  bare.erase(bare.find("  p:"), bare.find("losses:") - bare.find("  p:"));
  const Tensor named = model_of(kBernoulli).sample(5), added = model_of(bare).sample(5);
  BOOST_TEST(same(named, added));
}

BOOST_AUTO_TEST_CASE(what_is_written_in_part) {
  const std::string written = "{draw: {z: {type: standard_normal}}, show: p}";
  expect_same_samples(kBernoulli, written, "{show: p}");
  expect_same_samples(kBernoulli, written, "{draw: {z: {type: standard_normal}}}");
  expect_same_samples(kBernoulli, written, "{}");
  // Another entry says what is shown.
  const Tensor shown = model_of(kBernoulli, {{"reconstruct", "{show: out}"}}).sample(4);
  BOOST_TEST(same(shown, model_of(kBernoulli, {{"sample", "{show: out}"}}).sample(4)));
}

BOOST_AUTO_TEST_CASE(draws_of_a_likelihood) {
  expect_same_samples(kBernoulli, "{draw: {z: {type: standard_normal}}, show: p, likelihood: draw}", "{show: p}",
                      {.likelihood = "draw"});
  const Model model = model_of(kGaussian);
  const Tensor means = model.sample(20000), draws = model.sample(20000, {.draws = {.likelihood = "draw"}});
  double squares = 0;
  for (std::size_t i = 0; i < means.values().size(); ++i)
    squares += std::pow(static_cast<double>(draws.values()[i] - means.values()[i]), 2);
  BOOST_TEST(std::abs(squares / static_cast<double>(means.count()) / 0.25 - 1) < 0.02);
  // The entry says draw, the call says mean.
  const Model drawn = model_of(kGaussian, {{"sample", "{likelihood: draw}"}});
  BOOST_TEST(same(drawn.sample(7, {.draws = {.likelihood = "mean"}}), model.sample(7)));
  BOOST_TEST(!same(drawn.sample(7), model.sample(7)));
  const Tensor bits = model_of(kBernoulli).sample(9, {.draws = {.likelihood = "draw"}});
  for (const float value : bits.values()) BOOST_TEST((value == 0 || value == 1));
  const std::string squared = kEncoder +
                              "losses:\n  rec: {type: squared_error, in: {x: out, target: x}}\n"
                              "  kl:  {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}\n";
  BOOST_TEST(same(model_of(squared).sample(3), model.sample(3)));
  BOOST_TEST(has(error_of([&] { model_of(squared).sample(3, {.draws = {.likelihood = "draw"}}); }),
                 "nothing draws from the loss 'rec' (squared_error)"));
}

BOOST_AUTO_TEST_CASE(the_sigma_of_a_likelihood_is_that_of_its_draws) {
  for (const char* sigma : {"learned", "per_dimension", "optimal"}) {
    std::string text = kGaussian;
    text.replace(text.find("sigma: 0.5"), 10, std::string("sigma: ") + sigma);
    const Model model = model_of(text);
    BOOST_TEST(!same(model.sample(3), model.sample(3, {.draws = {.likelihood = "draw"}})));
  }
  std::string text = kGaussian;
  text.replace(text.find("target: x}, sigma: 0.5"), 22, "target: x, logvar: v}");
  text.insert(text.find("losses:"), "  v: {type: linear, in: z, units: 6}\n");
  const Model model = model_of(text);
  BOOST_TEST(!same(model.sample(3), model.sample(3, {.draws = {.likelihood = "draw"}})));
}

BOOST_AUTO_TEST_CASE(a_hierarchy) {
  const std::string text = R"(nodes:
  x:  {type: input, shape: [6]}
  q1: {type: gaussian_parameters, in: x, dim: 3}
  z1: {type: gaussian_sampler, in: {mu: q1.mu, logvar: q1.logvar}}
  q2: {type: gaussian_parameters, in: z1, dim: 2}
  z2: {type: gaussian_sampler, in: {mu: q2.mu, logvar: q2.logvar}}
  p1: {type: gaussian_parameters, in: z2, dim: 3}
  out: {type: linear, in: z1, units: 6}
losses:
  rec: {type: laplace_nll, in: {mean: out, target: x}}
  kl1: {type: gaussian_kl_between, in: {mu: q1.mu, logvar: q1.logvar, prior_mu: p1.mu, prior_logvar: p1.logvar}}
  kl2: {type: gaussian_kl, in: {mu: q2.mu, logvar: q2.logvar}}
)";
  expect_same_samples(text,
                      "{draw: {z1: {type: gaussian_sampler, in: {mu: p1.mu, logvar: p1.logvar}}, z2: {type: "
                      "standard_normal}}, show: out}");
}

BOOST_AUTO_TEST_CASE(learned_and_mixture_priors_by_their_densities) {
  const std::string densities =
      kEncoder + R"(  density: {type: gaussian_log_density, in: {mu: q.mu, logvar: q.logvar, value: z}}
  prior: {type: mixture_prior, in: z, components: 4}
losses:
  rec: {type: gaussian_nll, in: {mean: out, target: x}}
  kl:  {type: monte_carlo_kl, in: {posterior_log_density: density, prior_log_density: prior.log_density}}
)";
  expect_same_samples(densities, "{draw: {z: {type: mixture_prior, components: 4, weights: prior}}, show: out}");
  // A prior network that sees z, too: its draw is used, not a sampler of its parameters, which would read z.
  const std::string learned = R"(nodes:
  x:     {type: input, shape: [6]}
  label: {type: input, shape: [], dtype: i32}
  told:  {type: embedding, in: label, count: 3, dim: 2}
  q:     {type: gaussian_parameters, in: x, dim: 3}
  z:     {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  p:     {type: learned_gaussian_prior, in: {condition: told, z: z}}
  out:   {type: linear, in: z, units: 6}
losses:
  rec: {type: gaussian_nll, in: {mean: out, target: x}}
  kl:  {type: gaussian_kl_between, in: {mu: q.mu, logvar: q.logvar, prior_mu: p.mu, prior_logvar: p.logvar}}
)";
  expect_same_samples(learned,
                      "{draw: {z: {type: learned_gaussian_prior, in: told, weights: p}, label: {type: "
                      "categorical_prior, classes: 3, order: in_turn}}, show: out}");
}

BOOST_AUTO_TEST_CASE(an_autoregressive_process_as_the_prior) {
  for (const char* alpha : {"0.8", "learned"}) {
    const std::string text = fmt::format(R"(nodes:
  x: {{type: input, shape: [5, 6]}}
  q: {{type: gaussian_parameters, in: x, dim: 3}}
  z: {{type: gaussian_sampler, in: {{mu: q.mu, logvar: q.logvar}}}}
  out: {{type: linear, in: z, units: 6}}
losses:
  rec: {{type: gaussian_nll, in: {{mean: out, target: x}}}}
  kl:  {{type: ar1_kl, in: {{mu: q.mu, logvar: q.logvar}}, alpha: {}}}
)",
                                         alpha);
    expect_same_samples(text, fmt::format("{{draw: {{z: {{type: ar1_prior, alpha: {}{}}}}}, show: out}}", alpha,
                                          alpha == std::string("learned") ? ", weights: losses/kl" : ""));
  }
}

BOOST_AUTO_TEST_CASE(a_class_is_drawn_in_turn) {
  std::string text = kGaussian;
  text.insert(text.find("  out:"),
              "  label: {type: input, shape: [], dtype: i32}\n  told: {type: one_hot, in: label, classes: 4}\n"
              "  both: {type: concat, in: [z, told]}\n");
  text.replace(text.find("in: z, units"), 5, "in: both");
  expect_same_samples(text,
                      "{draw: {z: {type: standard_normal}, label: {type: categorical_prior, classes: 4, order: "
                      "in_turn}}, show: out}");
  const Model model = model_of(text);
  const auto latents = [] {
    Tensor z(DType::f32, {4, 3});
    std::ranges::fill(z.values(), 0.5F);
    return z;
  }();
  const Tensor in_turn = model.decode(latents), second = model.decode(latents, {.draws = {.options = {{"class", 2}}}});
  BOOST_TEST(std::ranges::equal(in_turn.view()[2], second.view()[0]));
  BOOST_TEST(!std::ranges::equal(in_turn.view()[1], second.view()[0]));
  Tensor labels(DType::i32, {4});
  std::ranges::fill(labels.values<std::int32_t>(), 2);
  BOOST_TEST(same(second, model.decode(latents, {.beside = {{"label", labels}}})));
  // A walk through the latent space has one class, which somebody has to choose.
  BOOST_TEST(has(error_of([&] { model.traverse(); }), "also depends on 'label'"));
  BOOST_TEST(model.traverse({.steps = 3, .draws = {.options = {{"class", 2}}}}).shape().text() == "[9, 6]");
}

BOOST_AUTO_TEST_CASE(several_columns) {
  std::string text = kGaussian;
  text.insert(text.find("  out:"), "  colour: {type: input, shape: [], dtype: i32}\n");
  text.insert(text.find("losses:"),
              "  logits: {type: linear, in: z, units: 3}\n  drawn: {type: categorical_sampler, in: logits}\n");
  text += "  class: {type: categorical_nll, in: {logits: logits, target: colour}}\n";
  const auto written =
      model_of(text, {{"sample", "{draw: {z: {type: standard_normal}}, show: {x: out, colour: drawn}}"}})
          .sample_columns(6);
  const auto found = model_of(text).sample_columns(6);
  BOOST_REQUIRE(found.size() == 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    BOOST_TEST(found[i].first == written[i].first);
    BOOST_TEST(same(found[i].second, written[i].second));
  }
}

BOOST_AUTO_TEST_CASE(a_deterministic_autoencoder) {
  const std::string text = R"(nodes:
  x:    {type: input, shape: [6]}
  code: {type: linear, in: x, units: 2}
  out:  {type: linear, in: code, units: 6}
losses: {rec: {type: squared_error, in: {x: out, target: x}}}
)";
  const Model model = model_of(text);
  Tensor x(DType::f32, {3, 6});
  for (std::size_t i = 0; i < 18; ++i) x.values()[i] = static_cast<float>(i);
  BOOST_TEST(same(model.reconstruct(x), model.decode(model.encode(x))));
  const std::string why = error_of([&] { model.sample(1); });
  BOOST_TEST(has(why, "the graph does not say how to sample"));
  BOOST_TEST(has(why, "draw: {code: {type: standard_normal}}, show: out"));
}

BOOST_AUTO_TEST_CASE(what_does_not_follow_says_why) {
  const std::string likelihood = "losses:\n  rec: {type: gaussian_nll, in: {mean: out, target: x}}\n";
  BOOST_TEST(
      has(error_of([&] { model_of(kEncoder + likelihood).sample(1); }), "no loss says from which prior 'z' is drawn"));
  BOOST_TEST(has(error_of([&] { model_of(kEncoder).sample(1); }), "it has no losses"));
  std::string two = kGaussian;
  two += "  again: {type: laplace_nll, in: {mean: out, target: x}}\n";
  BOOST_TEST(has(error_of([&] { model_of(two).sample(1); }), "'x' is the target of several likelihoods"));
  std::string flow = kEncoder + R"(  moved: {type: linear, in: z, units: 3}
  density: {type: gaussian_log_density, in: {mu: q.mu, logvar: q.logvar, value: z}}
  prior: {type: standard_normal, in: moved}
)" + likelihood +
                     "  kl: {type: monte_carlo_kl, in: {posterior_log_density: density, prior_log_density: "
                     "prior.log_density}}\n";
  BOOST_TEST(has(error_of([&] { model_of(flow).sample(1); }), "no loss says from which prior 'z' is drawn"));
  std::string condition = kGaussian;
  condition.insert(condition.find("  out:"),
                   "  attributes: {type: input, shape: [2]}\n  both: {type: concat, in: [z, attributes]}\n");
  condition.replace(condition.find("in: z, units"), 5, "in: both");
  BOOST_TEST(has(error_of([&] { model_of(condition).sample(1); }), "'attributes', which nothing draws"));
}

BOOST_AUTO_TEST_CASE(an_entry_that_lacks_something_is_found_by_validate) {
  const auto finding = [](const std::string& entry) {
    const Document document = parse_document(with(kGaussian, {{"sample", entry}}), "m.yaml", ".");
    Diagnostics findings;
    check_document(document, check::standard_registry(), findings);
    return findings.empty() ? "" : findings.items().front().message;
  };
  BOOST_TEST(finding("{}") == "");
  BOOST_TEST(finding("{likelihood: draw}") == "");
  // A draw that is there is all that is drawn.
  BOOST_TEST(has(finding("{draw: {q.logvar: {type: constant, value: 0, shape: [3]}}, show: out}"),
                 "'out' depends on 'z', which is not drawn"));
  BOOST_TEST(has(finding("{show: z, likelihood: draw}"), "there is nothing to draw"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace loom

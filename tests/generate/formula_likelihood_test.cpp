// Means and draws of likelihoods that are formulas: what samples and reconstructs follows from what the loss says of them.
#include "generate/inferred_entries.h"

namespace loom {
BOOST_AUTO_TEST_SUITE(formula_likelihoods)

const std::string kNodes = R"yaml(nodes:
  x:      {type: input, shape: [6]}
  q:      {type: gaussian_parameters, in: x, dim: 3}
  z:      {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  logits: {type: linear, in: z, units: 6}
  chance: {type: activation, in: logits, function: sigmoid}
  coin:   {type: bernoulli_sampler, in: logits}
losses:
  kl:  {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
)yaml";
const std::string kFormula =
    R"yaml(  rec: {expr: "sum(softplus(l) - target * l)", in: {l: logits, target: x}, role: likelihood)yaml";

BOOST_AUTO_TEST_CASE(samples_and_reconstructions_follow) {
  const std::string said = kNodes + kFormula + ", mean: chance, drawn: coin}\n",
                    node = kNodes + "  rec: {type: bernoulli_nll, in: {logits: logits, target: x}}\n";
  Tensor x(DType::f32, {4, 6});
  for (std::size_t i = 0; i < 24; ++i) x.values()[i] = static_cast<float>(i % 2);
  const Model formula = model_of(said), declared = model_of(node);
  for (const char* likelihood : {"mean", "draw"}) {
    const DrawOptions draws{.likelihood = likelihood};
    BOOST_TEST(same(formula.sample(9, {.seed = 3, .draws = draws}), declared.sample(9, {.seed = 3, .draws = draws})),
               likelihood);
    BOOST_TEST(
        same(formula.reconstruct(x, {.seed = 3, .draws = draws}), declared.reconstruct(x, {.seed = 3, .draws = draws})),
        likelihood);
  }
  const Tensor drawn = formula.sample(9, {.draws = {.likelihood = "draw"}});
  for (const float value : drawn.values()) BOOST_TEST((value == 0 || value == 1));
  expect_same_samples(said, "{draw: {z: {type: standard_normal}}, show: chance}");
}

BOOST_AUTO_TEST_CASE(one_of_the_two_is_enough) {
  const Model mean = model_of(kNodes + kFormula + ", mean: chance}\n");
  BOOST_TEST(moves(mean.sample(3)));
  BOOST_TEST(
      has(error_of([&] { mean.sample(3, {.draws = {.likelihood = "draw"}}); }), "nothing draws from the loss 'rec'"));
  const Tensor drawn = model_of(kNodes + kFormula + ", drawn: coin}\n").sample(30);
  for (const float value : drawn.values()) BOOST_TEST((value == 0 || value == 1));
  BOOST_TEST(has(error_of([&] { model_of(kNodes + kFormula + "}\n").sample(3); }), "whose mean is known"));
}

// A VAE of formulas alone: its latent variable is encoded, decoded, drawn from its prior and walked through.
BOOST_AUTO_TEST_CASE(a_latent_variable_that_is_a_formula) {
  const std::string text = R"yaml(nodes:
  x:      {type: input, shape: [6]}
  mu:     {type: linear, in: x, units: 3}
  logvar: {type: linear, in: x, units: 3}
  noise:  {type: normal, in: {like: mu}}
  z:      {type: expr, in: {mu: mu, logvar: logvar, e: noise}, y: "mu + exp(logvar / 2) * e", role: sampler}
  mean:   {type: linear, in: z, units: 6}
losses:
  rec: {expr: "sum((m - target)^2) / 2 + 3 * log(2 * pi)", in: {m: mean, target: x}, role: likelihood, mean: mean}
  kl:  {expr: "sum(exp(logvar) + mu^2 - 1 - logvar) / 2", in: {mu: mu, logvar: logvar}, role: divergence, drawn: noise}
)yaml";
  expect_same_samples(text, "{draw: {z: {type: normal, shape: [3]}}, show: mean}");
  const Model model = model_of(text);
  BOOST_TEST(model.encodings() == std::vector<std::string>{"mu"}, boost::test_tools::per_element());
  Tensor x(DType::f32, {4, 6});
  for (std::size_t i = 0; i < 24; ++i) x.values()[i] = static_cast<float>(i % 5);
  const Tensor codes = model.encode(x);
  BOOST_TEST((codes.shape() == Shape{4, 3}));
  BOOST_TEST((model.decode(codes).shape() == Shape{4, 6}));
  BOOST_TEST(moves(model.reconstruct(x)));
  const std::string silent = std::string(text).replace(text.find(", drawn: noise"), 14, "");
  BOOST_TEST(has(error_of([&] { model_of(silent).sample(2); }), "no loss says from which prior 'z' is drawn"));
}

// A decoder that reads its own target is filled position by position with what is drawn.
BOOST_AUTO_TEST_CASE(an_autoregressive_formula) {
  const std::string text = R"yaml(nodes:
  x:      {type: input, shape: [8, 1]}
  before: {type: shift, in: x, axis: 1, by: 1}
  logits: {type: conv, in: before, filters: 1, kernel: 3, padding: causal}
  coin:   {type: bernoulli_sampler, in: logits}
losses:
  rec: {expr: "sum(softplus(l) - target * l)", in: {l: logits, target: x}, role: likelihood, drawn: coin}
)yaml";
  expect_same_samples(text, "{autoregressive: {input: x, from: coin}, show: x}");
}

BOOST_AUTO_TEST_SUITE_END()
}  // namespace loom

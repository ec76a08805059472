// What `generate` leaves out: an entry that follows from the losses gives the bits of the one that is written, for every
// kind of prior and likelihood, and what does not follow is refused with its reason.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "check/standard_registry.h"
#include "loom/error.h"
#include "loom/model.h"
#include "train/check_document.h"

namespace loom {
namespace {

struct Entry {
  std::string name, text;  // "sample", "{show: mean}"
};

std::string with(const std::string& model, const std::vector<Entry>& entries) {
  std::string text = "version: 1\ngraph: m\n" + model;
  if (!entries.empty()) text += "generate:\n";
  for (const Entry& entry : entries) text += "  " + entry.name + ": " + entry.text + "\n";
  return text;
}

Model model_of(const std::string& model, const std::vector<Entry>& entries = {}) {
  return Model(DocumentText{with(model, entries)}, {.threads = 2});
}

bool same(const Tensor& a, const Tensor& b) {
  if (!(a.shape() == b.shape()) || a.dtype() != b.dtype()) return false;
  return std::memcmp(a.view().raw(), b.view().raw(), a.view().bytes()) == 0;
}

bool moves(const Tensor& values) {
  const auto* bytes = static_cast<const unsigned char*>(values.view().raw());
  const std::size_t each = values.view().rows(0, 1).bytes();
  return std::memcmp(bytes, bytes + each, each) != 0;
}

// The samples of the model with and without its entry.
void expect_same_samples(const std::string& model, const std::string& entry, const std::string& inferred = "",
                         const DrawOptions& draws = {}) {
  const std::vector<Entry> left = inferred.empty() ? std::vector<Entry>{} : std::vector<Entry>{{"sample", inferred}};
  const Tensor written = model_of(model, {{"sample", entry}}).sample(13, {.seed = 3});
  const Tensor found = model_of(model, left).sample(13, {.seed = 3, .draws = draws});
  BOOST_TEST(same(written, found), "inferred samples are not those of " << entry);
  BOOST_TEST(moves(found));
}

// The message with what it hints at; "" if there is none.
template <class Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    const Diagnostic& first = error.diagnostics().front();
    return first.message + " / " + first.hint;
  }
  return "";
}

bool has(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return true;
  BOOST_TEST_MESSAGE("got: " << text);
  return false;
}

const std::string kEncoder = R"(nodes:
  x:      {type: input, shape: [6]}
  q:      {type: gaussian_parameters, in: x, dim: 3}
  z:      {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  out:    {type: linear, in: z, units: 6}
)";
const std::string kGaussian = kEncoder + R"(losses:
  rec: {type: gaussian_nll, in: {mean: out, target: x}, sigma: 0.5}
  kl:  {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
)";
const std::string kBernoulli = kEncoder + R"(  p: {type: activation, in: out, function: sigmoid}
losses:
  rec: {type: bernoulli_nll, in: {logits: out, target: x}}
  kl:  {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
)";

}  // namespace

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

BOOST_AUTO_TEST_CASE(an_autoregressive_decoder) {
  const std::string text = R"(nodes:
  x:      {type: input, shape: [8, 1]}
  rows:   {type: flatten, in: x}
  q:      {type: gaussian_parameters, in: rows, dim: 2}
  z:      {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  told:   {type: linear, in: z, units: 32}
  shaped: {type: reshape, in: told, shape: [8, 4]}
  before: {type: shift, in: x, axis: 1, by: 1}
  hidden: {type: conv, in: before, filters: 4, kernel: 3, padding: causal}
  sum:    {type: add, in: [hidden, shaped]}
  logits: {type: linear, in: sum, units: 1}
  drawn:  {type: bernoulli_sampler, in: logits}
losses:
  rec: {type: bernoulli_nll, in: {logits: logits, target: x}}
  kl:  {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
)";
  expect_same_samples(text, "{draw: {z: {type: standard_normal}}, autoregressive: {input: x, from: drawn}, show: x}");
  expect_same_samples(text,
                      "{draw: {z: {type: standard_normal}}, autoregressive: {input: x, from: drawn}, show: drawn}");
  // What is filled does not make the latent variable known.
  expect_same_samples(text, "{draw: {z: {type: standard_normal}}, autoregressive: {input: x, from: drawn}, show: x}",
                      "{autoregressive: {input: x, from: drawn}, show: x}");
  const Tensor means = model_of(text).sample(3, {.draws = {.likelihood = "mean"}});
  BOOST_TEST((means.values()[0] > 0 && means.values()[0] < 1));
  // Encoder and decoder read the same x, which cannot be given and drawn at once.
  Tensor x(DType::f32, {2, 8, 1});
  BOOST_TEST(has(error_of([&] { model_of(text).reconstruct(x); }), "the latent variables are computed from 'x'"));
}

BOOST_AUTO_TEST_CASE(codes_position_by_position) {
  const std::string text = R"(nodes:
  codes:  {type: input, shape: [5, 5], dtype: i32}
  e:      {type: embedding, in: codes, count: 4, dim: 6}
  b:      {type: gated_pixelcnn_block, in: {vertical: e, horizontal: e}, channels: 6, kernel: 3, first: true}
  logits: {type: conv, in: b.horizontal, filters: 4, kernel: 1}
  drawn:  {type: categorical_sampler, in: logits}
losses: {p: {type: categorical_nll, in: {logits: logits, target: codes}}}
)";
  expect_same_samples(text, "{autoregressive: {input: codes, from: drawn, axes: 2}, show: codes}");
  const Tensor certain = model_of(text).sample(3, {.draws = {.options = {{"temperature", 0}}}});
  BOOST_TEST(std::ranges::equal(certain.view().rows(0, 1).values<std::int32_t>(),
                                certain.view().rows(2, 1).values<std::int32_t>()));
  Tensor x(DType::i32, {2, 5, 5});
  BOOST_TEST(has(error_of([&] { model_of(text).reconstruct(x); }), "no latent variable and no code between the data"));
  BOOST_TEST(has(error_of([&] { model_of(text).decode(x); }), "from no latent variable and no codes"));
}

BOOST_AUTO_TEST_CASE(decoding_and_codes_of_a_quantizer) {
  for (const char* options : {"update: ema", "update: loss, distance: cosine"}) {
    const std::string text = fmt::format(R"(nodes:
  x:   {{type: input, shape: [4, 6]}}
  h:   {{type: linear, in: x, units: 3}}
  vq:  {{type: vector_quantizer, in: h, codes: 5, {}}}
  out: {{type: linear, in: vq, units: 6}}
losses:
  rec: {{type: gaussian_nll, in: {{mean: out, target: x}}}}
  vq:  {{of: vq.loss}}
)",
                                         options);
    const bool cosine = std::string(options).find("cosine") != std::string::npos;
    Tensor codes(DType::i32, {3, 4});
    for (std::size_t i = 0; i < 12; ++i) codes.values<std::int32_t>()[i] = static_cast<std::int32_t>(i % 5);
    const Tensor written =
        model_of(text,
                 {{"decode", std::string("{feed: vq.codes, draw: {vq: {type: codebook_lookup, in: vq.codes, ") +
                                 (cosine ? "distance: cosine, " : "") + "weights: vq, codes: 5, dim: 3}}, show: out}"}})
            .decode(codes);
    const Model model = model_of(text);
    BOOST_TEST(same(model.decode(codes), written));
    BOOST_TEST(same(model_of(text, {{"decode", "{feed: vq.codes}"}}).decode(codes), written));
    BOOST_TEST(has(error_of([&] { model.sample(2); }), "the codes of 'vq' have no prior among the losses"));
    Tensor x(DType::f32, {3, 4, 6});
    for (std::size_t i = 0; i < x.values().size(); ++i) x.values()[i] = std::sin(static_cast<float>(i));
    BOOST_TEST(same(model.reconstruct(x), model_of(text, {{"reconstruct", "{show: out}"}}).reconstruct(x)));
    BOOST_TEST(same(model.decode(model.encode(x)), model.reconstruct(x)));
  }
}

BOOST_AUTO_TEST_CASE(codes_with_a_prior_of_their_own) {
  const std::string text = R"(nodes:
  x:      {type: input, shape: [8, 6]}
  h:      {type: linear, in: x, units: 3}
  vq:     {type: vector_quantizer, in: h, codes: 5, dim: 3}
  out:    {type: linear, in: vq, units: 6}
  e:      {type: embedding, in: vq.codes, count: 5, dim: 4}
  before: {type: shift, in: e, axis: 1, by: 1}
  logits: {type: linear, in: before, units: 5}
losses:
  rec:   {type: gaussian_nll, in: {mean: out, target: x}}
  vq:    {of: vq.loss}
  prior: {type: categorical_nll, in: {logits: logits, target: vq.codes}}
)";
  const std::string drawn = "  drawn: {type: categorical_sampler, in: logits}\n";
  std::string with_draw = text;
  with_draw.insert(text.find("losses:"), drawn);
  expect_same_samples(with_draw,
                      "{draw: {vq.quantized: {type: codebook_lookup, in: vq.codes, weights: vq, codes: 5, dim: 3}}, "
                      "autoregressive: {input: vq.codes, from: drawn}, show: out}");
  BOOST_TEST(moves(model_of(text).sample(9)));  // without a node that draws, one is added
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

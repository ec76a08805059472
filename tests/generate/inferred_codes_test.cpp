// Entries that follow from autoregressive decoders, quantizers and priors of codes give the bits of those that are written.
#include "generate/inferred_entries.h"

namespace loom {

BOOST_AUTO_TEST_SUITE(inferred_codes)

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

BOOST_AUTO_TEST_SUITE_END()

}  // namespace loom

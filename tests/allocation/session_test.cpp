// A warmed-up training step of a shipped graph allocates nothing: data, forward, backward and update, on every thread.
#include "train/session.h"
#include "check/standard_registry.h"
#include "runner/allocation_counter.h"

using namespace loom;
using namespace loom::check;
using loom::runner::first_own_allocation;
using loom::runner::process_allocation_counter;

namespace {

void expect_no_allocation(const Document& document) {
  Session session(document, standard_registry(), {.steps = 1000, .batch = 16, .threads = 2, .lanes = 2});
  for (int i = 0; i < 40; ++i) session.step();
  process_allocation_counter()->start();
  for (int i = 0; i < 10; ++i) session.step();
  const Allocations count = process_allocation_counter()->stop();
  BOOST_TEST(count.own == 0, document.name << ": " << count.own << " allocations in 10 steps, the first:\n"
                                           << first_own_allocation());
}

Document shipped(const std::string& name) { return load_document(std::string(LOOM_SOURCE_DIR) + "/graphs/" + name); }

}  // namespace

BOOST_AUTO_TEST_SUITE(session_allocation)

BOOST_AUTO_TEST_CASE(convolutional_vae) { expect_no_allocation(shipped("vae.yaml")); }
BOOST_AUTO_TEST_CASE(linear_vae) { expect_no_allocation(shipped("ppca.yaml")); }

// A recurrent net, and attention with masks and positions.
BOOST_AUTO_TEST_CASE(sequences) {
  expect_no_allocation(parse_document(R"(
version: 1
graph: sequences
data: {type: sprites, size: 16}
nodes:
  x:      {type: input, shape: [16, 16, 1]}
  rows:   {type: reshape, in: x, shape: [16, 16]}
  start:  {type: constant, value: 0, shape: [8]}
  rnn:
    in: {x: rows}
    state: {h: start}
    scan:
      inputs: [x, h]
      nodes:
        both: {type: concat, in: [x, h]}
        next: {type: linear, in: both, units: 8, activation: tanh}
        kept: {type: dropout, in: next, rate: 0.1}
      outputs: {h: next, y: kept}
  turned: {type: attention, in: {query: rnn, key: rnn, value: rnn}, heads: 2, positions: rotary, mask: causal}
  blocks: {type: attention, in: {query: turned, key: turned, value: turned}, positions: relative, mask: block_causal, block: 4}
  fast:   {type: linear_attention, in: {query: blocks, key: blocks, value: blocks}, heads: 2, causal: true}
  logits: {type: linear, in: fast, units: 16}
losses: {nll: {type: bernoulli_nll, in: {logits: logits, target: rows}}}
train: {data_init: "*"}
)",
                                      "sequences.yaml", "."));
}

// Whole-batch nodes, clipping, averages, a schedule, several objectives.
BOOST_AUTO_TEST_CASE(everything_at_once) {
  expect_no_allocation(parse_document(R"(
version: 1
graph: everything
data: {type: sprites, size: 16}
nodes:
  x:      {type: input, shape: [16, 16, 1]}
  conv:   {type: conv, in: x, filters: 8, kernel: 3, stride: 2, padding: 1}
  norm:   {type: batch_norm, in: conv}
  act:    {type: activation, in: norm, function: relu}
  flat:   {type: flatten, in: act}
  q:      {type: gaussian_parameters, in: flat, dim: 4}
  z:      {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  hidden: {type: linear, in: z, units: 32, activation: elu}
  kept:   {type: dropout, in: hidden, rate: 0.2}
  logits: {type: linear, in: kept, units: 256}
  image:  {type: reshape, in: logits, shape: [16, 16, 1]}
losses:
  reconstruction: {type: bernoulli_nll, in: {logits: image, target: x}}
  kl:             {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}, weight: {from: 0, to: 1, over: 100}}
objectives:
  encoder: {losses: [reconstruction, kl], parameters: [conv, norm, q], optimizer: {type: adamw, lr: 1.0e-3}}
  decoder: {losses: [reconstruction], parameters: [hidden, logits], optimizer: {type: rmsprop, lr: 1.0e-3}}
train: {clip_norm: 10, average: 0.99}
)",
                                      "everything.yaml", "."));
}

// Quantizers with all their care, a gated PixelCNN with attention over the codes, a WaveNet block over its rows.
BOOST_AUTO_TEST_CASE(discrete_models) {
  expect_no_allocation(parse_document(R"(
version: 1
graph: discrete
data: {type: sprites, size: 16}
nodes:
  x:         {type: input, shape: [16, 16, 1]}
  conv:      {type: conv, in: x, filters: 8, kernel: 4, stride: 2, padding: 1}
  quantizer: {type: vector_quantizer, in: conv, codes: 16, dim: 8, init: kmeans, restart_after: 3, gradient: rotation}
  image:     {type: conv_transpose, in: quantizer, filters: 1, kernel: 4, stride: 2, padding: 1}
  embedded:  {type: embedding, in: quantizer.codes, count: 16, dim: 8}
  placed:    {type: learned_positions, in: embedded, over: raster}
  first:     {type: gated_pixelcnn_block, in: {vertical: placed, horizontal: placed}, channels: 8, kernel: 3, first: true}
  second:    {type: gated_pixelcnn_block, in: {vertical: first.vertical, horizontal: first.horizontal}, channels: 8, kernel: 3}
  attended:  {type: attention, in: {query: second.horizontal, key: second.horizontal, value: second.horizontal}, heads: 2}
  logits:    {type: linear, in: attended, units: 16}
  rows:      {type: reshape, in: conv, shape: [64, 8]}
  wave:      {type: wavenet_block, in: {x: rows}, skip: 4, dilation: 2}
  masked:    {type: masked_conv, in: conv, filters: 4, kernel: 3, mask: A}
  zeros:     {type: constant, value: 0, shape: [64, 4]}
  grid:      {type: constant, value: 0, shape: [8, 8, 4]}
losses:
  reconstruction: {type: bernoulli_nll, in: {logits: image, target: x}}
  codes:          {of: quantizer.loss}
  prior:          {type: categorical_nll, in: {logits: logits, target: quantizer.codes}}
  small:          {type: squared_error, in: {x: wave.skip, target: zeros}}
  smaller:        {type: squared_error, in: {x: masked, target: grid}}
)",
                                      "discrete.yaml", "."));
}

BOOST_AUTO_TEST_SUITE_END()

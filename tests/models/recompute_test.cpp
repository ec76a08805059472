// train.recompute: values that are computed again for the backward pass have the same bits.
#include <boost/test/unit_test.hpp>

#include "dnnl/cpu.h"
#include "models/document_error.h"
#include "models/small_session.h"

using namespace loom;
using namespace loom::check;

namespace {

constexpr const char* kData = "version: 1\ndata: {type: gaussian, features: 64, count: 48}\nnodes:\n";

// Nodes that save memory for their backward step, draw, and hold inner sums.
constexpr const char* kLayers = R"(  x: {type: input, shape: [64]}
  map: {type: reshape, in: x, shape: [4, 4, 4]}
  conv: {type: conv, in: map, filters: 8, kernel: 3, activation: mish}
  norm: {type: group_norm, in: conv, groups: 2}
  pool: {type: pool, in: norm, kernel: 2, stride: 2}
  row: {type: flatten, in: pool}
  hidden: {type: linear, in: row, units: 32, activation: gelu}
  dropped: {type: dropout, in: hidden, rate: 0.3}
  q: {type: gaussian_parameters, in: dropped, dim: 4}
  z: {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  wide: {type: linear, in: z, units: 64}
  tokens: {type: reshape, in: wide, shape: [16, 4]}
  seen: {type: attention, in: {query: tokens, key: tokens, value: tokens}, heads: 2}
  even: {type: layer_norm, in: seen}
  again: {type: reshape, in: even, shape: [64]}
  back: {type: linear, in: again, units: 64, activation: softplus}
losses:
  reconstruction: {type: squared_error, in: {x: back, target: x}}
  kl: {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
train: {batch: 24, steps: 3}
)";

constexpr const char* kCausal = R"(  x: {type: input, shape: [64]}
  map: {type: reshape, in: x, shape: [4, 4, 4]}
  first: {type: gated_pixelcnn_block, in: {vertical: map, horizontal: map}, channels: 4, kernel: 3, first: true}
  block:
    type: gated_pixelcnn_block
    in: {vertical: first.vertical, horizontal: first.horizontal}
    channels: 4
    kernel: 3
    chain: [vertical, horizontal]
    repeat: 3
  line: {type: reshape, in: block.horizontal, shape: [16, 4]}
  wave: {type: wavenet_block, in: {x: line}, skip: 4}
  waves:
    type: wavenet_block
    in: {x: wave.y, skip_sum: wave.skip}
    skip: 4
    dilation: "${2 ^ index}"
    chain: {x: y, skip_sum: skip}
    repeat: 3
  out: {type: reshape, in: waves.skip, shape: [64]}
losses: {error: {type: squared_error, in: {x: out, target: x}}}
train: {batch: 24, steps: 3}
)";

// Stages: a normalization over the batch between layers, and two objectives over one forward pass.
constexpr const char* kStages = R"(  x: {type: input, shape: [64]}
  a: {type: linear, in: x, units: 32}
  norm: {type: batch_norm, in: a}
  act: {type: activation, in: norm, function: mish}
  b: {type: linear, in: act, units: 32}
  norm2: {type: batch_norm, in: b}
  act2: {type: activation, in: norm2, function: silu}
  c: {type: linear, in: act2, units: 64}
  critic: {type: linear, in: c, units: 8, activation: tanh}
  judged: {type: linear, in: critic, units: 8}
losses:
  error: {type: squared_error, in: {x: c, target: x}}
  game: {type: squared_error, in: {x: judged, target: critic}}
objectives:
  model: {losses: {error: 1, game: 0.5}, parameters: [a, norm, b, norm2, c]}
  critic: {losses: [game], parameters: [critic, judged]}
train: {batch: 24, steps: 3}
)";

struct Outcome {
  Values values;
  std::vector<float> losses;
  ProgramMemory memory;
};

Outcome train(const std::string& text, const std::string& patterns, const SessionSettings& settings) {
  Document document = parse_document(text, "g.yaml", ".");
  std::string rest = patterns;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    document.train.recompute.push_back(rest.substr(0, end));
    rest.erase(0, std::min(rest.size(), end + 1));
  }
  Session session(std::move(document), standard_registry(), settings);
  Outcome outcome;
  for (int i = 0; i < 3; ++i) outcome.losses.push_back(static_cast<float>(session.step().loss));
  outcome.values = parameters_of(session, "");
  outcome.memory = session.prepare_training().program().memory();
  return outcome;
}

void expect_same_bits(const std::string& text, const std::vector<std::string>& choices, SessionSettings settings) {
  const Outcome kept = train(text, "", settings);
  for (const std::string& patterns : choices) {
    for (const int threads : {1, 2}) {
      settings.threads = threads;
      const Outcome again = train(text, patterns, settings);
      BOOST_TEST(again.losses == kept.losses, patterns << ", " << threads << " threads");
      BOOST_TEST(differing(again.values, kept.values) == 0, patterns << ", " << threads << " threads");
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(recompute)

BOOST_AUTO_TEST_CASE(changes_no_bit) {
  const std::string text = std::string(kData) + kLayers;
  expect_same_bits(text, {"*", "conv norm", "hidden dropped z", "seen even", "!dropped !seen"}, {});
  expect_same_bits(text, {"*", "norm pool"}, {.lanes = 3, .shard = 5});
}

BOOST_AUTO_TEST_CASE(changes_no_bit_of_causal_blocks) {
  expect_same_bits(std::string(kData) + kCausal, {"*", "block/*", "waves/1 block/0 wave"}, {});
}

BOOST_AUTO_TEST_CASE(changes_no_bit_across_stages) {
  expect_same_bits(std::string(kData) + kStages, {"*", "a b", "norm* act*", "critic", "b norm2"},
                   {.lanes = 2, .shard = 6});
}

// The values of the second time are stored as those of the first: the nodes are prepared once.
BOOST_AUTO_TEST_CASE(changes_no_bit_in_bf16) {
  const std::string precision = dnnl::has_bf16() ? "bf16" : "f32";
  expect_same_bits(std::string(kData) + kLayers, {"*", "conv hidden"}, {.shard = 8, .precision = precision});
  expect_same_bits(std::string(kData) + kStages, {"*", "a b", "norm* act*"},
                   {.lanes = 2, .shard = 6, .precision = precision});
}

// 24 layers, of which every fourth is kept: eight values in place of 24.
BOOST_AUTO_TEST_CASE(a_deep_chain_takes_less_memory) {
  std::string text = std::string(kData) + "  x: {type: input, shape: [64]}\n";
  std::string before = "x", patterns;
  for (int i = 0; i < 24; ++i) {
    const std::string name = "layer" + std::to_string(i);
    text += "  " + name + ": {type: linear, in: " + before + ", units: 512, activation: tanh}\n";
    if (i % 4 != 3) patterns += (patterns.empty() ? "" : " ") + name;
    before = name;
  }
  text += "  out: {type: linear, in: " + before + ", units: 64}\n";
  text += "losses: {l: {type: squared_error, in: {x: out, target: x}}}\n";
  const SessionSettings settings = {.batch = 48, .lanes = 2, .shard = 24};
  const Outcome kept = train(text, "", settings), again = train(text, patterns, settings);
  BOOST_TEST(differing(again.values, kept.values) == 0);
  BOOST_TEST(2 * again.memory.workers < kept.memory.workers);
  BOOST_TEST(again.memory.total() < kept.memory.total());
}

BOOST_AUTO_TEST_CASE(a_pattern_without_a_node_is_an_error) {
  const std::string text = std::string(kData) + kLayers;
  const auto with = [&](const std::string& patterns) {
    std::string changed = text;
    const std::string mark = "steps: 3";
    return changed.replace(changed.find(mark), mark.size(), mark + ", recompute: " + patterns);
  };
  const std::string unknown = error_of(with("[conv, hiden]"));
  BOOST_TEST(unknown.find("'hiden' matches no node that can be computed again") != std::string::npos, unknown);
  BOOST_TEST(unknown.find("hidden") != std::string::npos, unknown);
  BOOST_TEST(error_of(with("x")).find("'x' matches no node") != std::string::npos);
  BOOST_TEST(!error_of(with("['*', '!x']")).empty());  // an input is never computed again
  BOOST_TEST(error_of(with("['*', '!q']")).empty());
  BOOST_TEST(error_of(with("[conv, hiden]")).find(":23:48: error E214") != std::string::npos,
             error_of(with("[conv, hiden]")));
}

BOOST_AUTO_TEST_SUITE_END()

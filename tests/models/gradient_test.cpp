// Nodes of type gradient: values and derivatives against PyTorch's double backward, the invariants of sharding, and what is
// refused.
#include <boost/test/unit_test.hpp>
#include <cstring>

#include "document/rewrite.h"
#include "io/npz.h"
#include "loom/check.h"
#include "models/document_error.h"
#include "run/program.h"
#include "train/session.h"

using namespace loom;
using namespace loom::check;

namespace {

struct Request {
  std::int64_t shard = 0;
  int lanes = 1, threads = 1;
  bool bf16 = false;
};

struct Result {
  std::vector<float> loss, slope;
  std::map<std::string, std::vector<float>> gradients;
};

// The loss `losses/penalty` and its gradients by all parameters; values that are not given are drawn.
Result run(const std::string& text, const std::map<std::string, Tensor>& arrays, const Request& how = {},
           std::int64_t samples = 0, int times = 1) {
  const Document document = parse_document(text, "g.yaml", ".");
  const auto graph = build_checked(document.nodes, standard_registry());
  ParameterStore store(*graph, 5);
  ProgramRequest request;
  request.training = true;
  request.bf16 = how.bf16;
  std::vector<Tensor> values;
  for (const int input : graph->inputs()) {
    const auto given = arrays.find("in/" + graph->node(input).path);
    request.feeds.push_back({input, 0});
    if (samples == 0) samples = given->second.shape()[0];
    Shape shape = graph->shape({input, 0}).at_batch(samples);
    values.push_back(given != arrays.end() ? given->second.clone() : random_tensor(shape, values.size() + 3));
  }
  std::vector<int> parameters;
  for (int i = 0; i < static_cast<int>(store.items().size()); ++i) {
    if (store.at(i).is_state) continue;
    parameters.push_back(i);
    const auto given = arrays.find("param/" + store.at(i).path);
    if (given != arrays.end()) std::ranges::copy(given->second.values(), store.at(i).value.values().begin());
  }
  request.terms = {graph->port("losses/penalty", ErrorCode::bad_fetch)};
  request.objectives = {{{0}, parameters}};
  request.fetch = {graph->port("slope", ErrorCode::bad_fetch)};
  request.batch = samples;
  request.shard = how.shard;
  request.lanes = how.lanes;
  Executor executor(how.threads);
  Program program(graph, store, executor, request);
  const std::vector<TensorView> feeds(values.begin(), values.end());
  const std::vector<std::vector<double>> weights = {{1.0}};
  for (int i = 0; i < times; ++i)
    program.run({.feeds = feeds, .weights = weights, .samples = samples, .seed = 5, .step = 9});
  Result result;
  result.loss.assign(program.term(0).begin(), program.term(0).end());
  result.slope.assign(program.fetched(0).values().begin(), program.fetched(0).values().end());
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    const auto gradient = program.gradient(0, static_cast<int>(k));
    result.gradients[store.at(parameters[k]).path].assign(gradient.begin(), gradient.end());
  }
  return result;
}

// max |a - b| / max |b|
double deviation_of(const std::vector<float>& got, const std::vector<float>& expected) {
  double most = 0, largest = 1e-30;
  if (got.size() != expected.size()) return 1;
  for (std::size_t i = 0; i < got.size(); ++i) {
    most = std::max(most, std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i])));
    largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
  }
  return most / largest;
}

std::vector<float> values_of(const Tensor& tensor) { return {tensor.values().begin(), tensor.values().end()}; }

double difference(const Result& got, const Result& expected) {
  double most = std::max(deviation_of(got.loss, expected.loss), deviation_of(got.slope, expected.slope));
  for (const auto& [path, gradient] : expected.gradients)
    most = std::max(most, deviation_of(got.gradients.at(path), gradient));
  return most;
}

bool same_bits(const Result& a, const Result& b) {
  const auto same = [](const std::vector<float>& x, const std::vector<float>& y) {
    return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) == 0;
  };
  bool all = same(a.loss, b.loss) && same(a.slope, b.slope);
  for (const auto& [path, gradient] : a.gradients) all = all && same(gradient, b.gradients.at(path));
  return all;
}

// The arrays of each case of the file, without the name of the case.
std::map<std::string, std::map<std::string, Tensor>> golden() {
  std::map<std::string, std::map<std::string, Tensor>> cases;
  for (auto& [name, tensor] : read_npz(LOOM_SOURCE_DIR "/tests/golden/gradient.npz")) {
    const std::size_t slash = name.find('/');
    cases[name.substr(0, slash)][name.substr(slash + 1)] = std::move(tensor);
  }
  return cases;
}

std::string text_of(const Tensor& bytes) {
  return {static_cast<const char*>(bytes.view().raw()), static_cast<std::size_t>(bytes.count())};
}

void expect_refused(const std::string& text, const std::vector<std::string>& parts) {
  const std::string error = error_of(text);
  for (const std::string& part : parts) BOOST_TEST(error.find(part) != std::string::npos, part << " in " << error);
}

const std::string kHead =
    "version: 1\ndata: {type: gaussian, features: 4, count: 40}\nnodes:\n  x: {type: input, shape: [4]}\n";
const std::string kSlope = "  slope: {type: gradient, in: {of: score, at: x}}\n";
const std::string kPenalty = "losses: {penalty: {expr: \"sum(g ^ 2)\", in: {g: slope}, role: regulariser}}\n";

std::string critic(const std::string& middle) {
  return kHead + "  a: {type: linear, in: x, units: 6, activation: tanh}\n" + middle +
         "  score: {type: linear, in: m, units: 1}\n" + kSlope + kPenalty;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gradient)

BOOST_AUTO_TEST_CASE(derivatives_of_penalties_are_those_of_a_double_backward) {
  const auto cases = golden();
  BOOST_TEST(cases.size() == 3U);
  for (const auto& [name, arrays] : cases) {
    const Result result = run(text_of(arrays.at("graph")), arrays);
    BOOST_TEST(deviation_of(result.slope, values_of(arrays.at("slope"))) < 1e-5, name << ": slope");
    BOOST_TEST(deviation_of(result.loss, values_of(arrays.at("loss"))) < 1e-5, name << ": loss");
    std::size_t compared = 0;
    for (const auto& [key, expected] : arrays) {
      if (!key.starts_with("gradient/")) continue;
      const std::string path = key.substr(key.find('/') + 1);
      const double error = deviation_of(result.gradients.at(path), values_of(expected));
      BOOST_TEST(error < 1e-5, name << ": " << path << " differs by " << error);
      ++compared;
    }
    BOOST_TEST(compared == result.gradients.size());
  }
}

BOOST_AUTO_TEST_CASE(sharded_equals_unsharded) {
  for (const auto& [name, arrays] : golden()) {
    const std::string text = text_of(arrays.at("graph"));
    const Result whole = run(text, {}, {.shard = 32}, 32);
    for (const auto& [lanes, shard] : std::vector<std::pair<int, std::int64_t>>{{1, 4}, {3, 5}, {8, 3}}) {
      const Result cut = run(text, {}, {.shard = shard, .lanes = lanes, .threads = 2}, 32, 2);
      BOOST_TEST(difference(cut, whole) < 2e-5, name << ", " << lanes << " lanes of " << shard);
    }
  }
}

BOOST_AUTO_TEST_CASE(threads_change_no_bit) {
  for (const auto& [name, arrays] : golden()) {
    const std::string text = text_of(arrays.at("graph"));
    const Result one = run(text, {}, {.shard = 3, .lanes = 4}, 30);
    for (const int threads : {2, 4})
      BOOST_TEST(same_bits(run(text, {}, {.shard = 3, .lanes = 4, .threads = threads}, 30), one), name);
  }
}

// Of nodes that work per sample, and of nodes that see the whole batch in training.
BOOST_AUTO_TEST_CASE(a_stopped_gradient_passes_any_node) {
  const std::string text = kHead +
                           "  a: {type: linear, in: x, units: 6, activation: gelu}\n  n: {type: batch_norm, in: a}\n"
                           "  d: {type: dropout, in: n, rate: 0.3}\n  l: {type: layer_norm, in: d}\n"
                           "  score: {type: linear, in: l, units: 3}\n"
                           "  slope: {type: gradient, in: {of: score, at: a}, stop: true}\n"
                           "losses: {penalty: {expr: \"sum(g * a)\", in: {g: slope, a: a}}}\n";
  const Result whole = run(text, {}, {.shard = 24}, 24);
  BOOST_TEST(difference(run(text, {}, {.shard = 5, .lanes = 2, .threads = 2}, 24, 2), whole) < 2e-5);
  BOOST_TEST(std::ranges::any_of(whole.slope, [](float value) { return value != 0; }));
  BOOST_TEST(std::ranges::all_of(whole.gradients.at("score.weight"), [](float value) { return value == 0; }));
}

// The gradient of the sum of a loss by a port is what the tape computes for the port: dL/dW = sum of slope x.
BOOST_AUTO_TEST_CASE(the_gradient_of_a_loss_is_that_of_training) {
  const std::string text = kHead +
                           "  a: {type: linear, in: x, units: 3}\n  n: {type: batch_norm, in: a}\n"
                           "  y: {type: linear, in: n, units: 4, activation: sigmoid}\n"
                           "  slope: {type: gradient, in: {of: losses/penalty, at: a}, stop: true}\n"
                           "losses: {penalty: {type: gaussian_nll, in: {mean: y, target: x}}}\n";
  std::map<std::string, Tensor> given;
  const Tensor& x = given["in/x"] = random_tensor({12, 4}, 8);
  const Result result = run(text, given, {.shard = 5, .lanes = 2});
  std::vector<float> expected(12);
  for (std::size_t n = 0; n < 12; ++n) {
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t j = 0; j < 4; ++j) expected[i * 4 + j] += result.slope[n * 3 + i] * x.values()[n * 4 + j] / 12;
  }
  BOOST_TEST(deviation_of(result.gradients.at("a.weight"), expected) < 1e-5);
}

BOOST_AUTO_TEST_CASE(called_parts_and_repeats_share_their_weights) {
  const std::string text = kHead +
                           "  noise: {type: normal, in: {like: x}}\n"
                           "  layer: {type: linear, in: x, units: 4, activation: softplus, repeat: 3}\n"
                           "  score: {type: linear, in: layer, units: 1}\n"
                           "  other: {call: {from: x, to: score}, in: noise}\n"
                           "  slope: {type: gradient, in: {of: other, at: noise}}\n"
                           "losses: {penalty: {expr: \"sum(g ^ 2)\", in: {g: slope}}}\n";
  const Result whole = run(text, {}, {.shard = 16}, 16);
  BOOST_TEST(whole.gradients.size() == 8U);
  for (const auto& [path, gradient] : whole.gradients) {
    if (path == "score.bias") continue;
    BOOST_TEST(std::ranges::any_of(gradient, [](float value) { return value != 0; }), path);
  }
  BOOST_TEST(difference(run(text, {}, {.shard = 3, .lanes = 4}, 16), whole) < 2e-5);
}

// VQGAN's adaptive weight: the ratio of the norms of two gradients over the batch, the same for every sample.
BOOST_AUTO_TEST_CASE(the_balance_of_two_gradients) {
  const auto text = [](const std::string& one, const std::string& other) {
    return kHead + "  h: {type: linear, in: x, units: 5, activation: tanh}\n  y: {type: linear, in: h, units: 4}\n" +
           "  c: {type: linear, in: y, units: 3, activation: elu}\n  n: {type: batch_norm, in: c}\n" +
           "  score: {type: linear, in: n, units: 1}\n  fooled: {type: gan_generator_loss, in: {fake: score}}\n" +
           "  error: {type: squared_error, in: {x: y, target: x}}\n" + "  " + one +
           ": {type: gradient, in: {of: error, at: h}, stop: true}\n  " + other +
           ": {type: gradient, in: {of: fooled, at: h}, stop: true}\n" +
           "  balance: {use: " LOOM_SOURCE_DIR "/graphs/blocks/gradient-balance.yaml, in: {leading: " + one +
           ", following: " + other + "}}\nlosses: {penalty: {expr: \"w * e\", in: {w: balance, e: error}}}\n";
  };
  const auto norm = [](const std::vector<float>& values) {
    double sum = 0;
    for (const float v : values) sum += static_cast<double>(v) * static_cast<double>(v);
    return std::sqrt(sum / 20);
  };
  const Result one = run(text("slope", "weak"), {}, {.shard = 20}, 20),
               two = run(text("strong", "slope"), {}, {.shard = 20}, 20);
  const std::string unweighed = text("slope", "weak");
  const std::size_t formula = unweighed.find("w * e");
  const Result alone = run(std::string(unweighed).replace(formula, 5, "0 * w + e"), {}, {.shard = 20}, 20);
  const double expected = norm(one.slope) / (norm(two.slope) + 1e-4);
  for (std::size_t n = 0; n < 20; ++n)
    BOOST_TEST(std::abs(static_cast<double>(one.loss[n] / alone.loss[n]) / expected - 1) < 1e-5);
  BOOST_TEST(difference(run(text("slope", "weak"), {}, {.shard = 3, .lanes = 4, .threads = 2}, 20), one) < 2e-5);
}

BOOST_AUTO_TEST_CASE(in_bf16_it_is_near) {
  const auto cases = golden();
  const std::string text = text_of(cases.at("wgan_gp").at("graph"));
  const Result wide = run(text, {}, {.shard = 8}, 16), narrow = run(text, {}, {.shard = 8, .bf16 = true}, 16);
  BOOST_TEST(deviation_of(narrow.loss, wide.loss) < 0.05);
}

BOOST_AUTO_TEST_CASE(what_has_no_second_derivative_is_named) {
  const std::string norm = critic("  m: {type: softmax, in: a}\n");
  expect_refused(norm, {"'slope' is differentiated again, and 'm' (softmax) has no second derivative", "conv, ",
                        "stop: true", "g.yaml:8"});
  std::string stopped = norm;
  stopped.replace(stopped.find("at: x}"), 6, "at: x}, stop: true");
  expect_refused(stopped, {"trains nothing"});
  expect_refused(critic("  m: {type: expr, in: {a: a}, y: \"prod(a, axis=-1, keep)\"}\n"), {"'m' (expr)", "expr with these options"});
  BOOST_TEST(error_of(critic("  m: {type: expr, in: {a: a}, y: \"a * sum(a)\"}\n")) == "");
}

BOOST_AUTO_TEST_CASE(derivatives_of_the_third_order_are_refused) {
  const std::string text =
      critic("  m: {type: add, in: [a, a]}\n") + "  more: {expr: \"sum(g ^ 2)\", in: {g: twice}, role: regulariser}\n";
  const std::string nodes =
      "  norm: {type: expr, in: {g: slope}, y: \"sum(g ^ 2)\"}\n"
      "  twice: {type: gradient, in: {of: norm, at: x}}\n";
  std::string refused = text;
  const std::string losses = "losses: {penalty: {expr: \"sum(g ^ 2)\", in: {g: slope}, role: regulariser}}\n";
  const std::string both = "losses:\n  penalty: {expr: \"sum(g ^ 2)\", in: {g: slope}, role: regulariser}\n";
  refused.replace(refused.find(losses), losses.size(), nodes + both);
  expect_refused(refused, {"'twice' is the gradient of a gradient", "stop: true"});
  refused.replace(refused.find("of: norm, at: x}"), 16, "of: norm, at: x}, stop: true");
  BOOST_TEST(error_of(refused).find("trains nothing") != std::string::npos);
}

// Where a draw takes the place of the codes, a loss of them does not depend on the encoder, and its gradient there is 0.
BOOST_AUTO_TEST_CASE(a_draw_between_the_ports_makes_it_zero) {
  const std::string text = kHead +
                           "  h: {type: linear, in: x, units: 5, activation: tanh}\n"
                           "  q: {type: gaussian_parameters, in: h, dim: 2}\n"
                           "  z: {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}\n"
                           "  y: {type: linear, in: z, units: 4}\n"
                           "  slope: {type: gradient, in: {of: losses/error, at: h}, stop: true}\n"
                           "losses:\n  error: {type: gaussian_nll, in: {mean: y, target: x}}\n"
                           "  kl: {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}\n"
                           "  weighed: {expr: \"sum(g * h)\", in: {g: slope, h: h}, role: regulariser}\n"
                           "generate: {sample: {draw: {z: {type: standard_normal}}, show: y}}\n";
  BOOST_TEST(error_of(text) == "");
  const Document document = parse_document(text, "g.yaml", ".");
  const auto graph = with_draws(document, document.generate.front(), standard_registry()).build();
  BOOST_TEST(graph->node(graph->find("slope")).type->name == "zeros");
}

BOOST_AUTO_TEST_CASE(ports_without_a_way_between_them_are_refused) {
  const std::string other = "  b: {type: linear, in: x, units: 2}\n  m: {type: add, in: [a, a]}\n";
  std::string text = critic(other);
  text.replace(text.find("at: x}"), 6, "at: b}");
  expect_refused(text, {"'score' does not depend on 'b'", "g.yaml"});
  expect_refused(critic("  m: {type: stop_gradient, in: a}\n"), {"'score' has no derivative by 'x'", "stop_gradient"});
  text = critic(other);
  text.replace(text.find("in: x, units: 6"), 15, "in: slope, units: 6");
  expect_refused(text, {"cycle"});
  text = critic(other);
  text.replace(text.find("of: score"), 9, "of: skore");
  expect_refused(text, {"there is no node 'skore'", "'score'"});
}

BOOST_AUTO_TEST_SUITE_END()

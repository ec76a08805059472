// formula-speed: times formulas against nodes that are written by hand, as a Markdown table.
//
//   ninja -C build/release formula-speed && build/release/bin/formula-speed
//
// One thread. Both nodes compute the same shard in turn, and the fastest call of each counts. The ratio is
// the formula's time over the other's, forward and backward together.
#include <fmt/format.h>

#include <cmath>

#include "check/node_call.h"
#include "check/standard_registry.h"
#include "coupling.h"
#include "math/likelihood.h"

using namespace loom;
using namespace loom::check;

namespace {

constexpr int kRounds = 400;

class Coupling final : public Node {
 public:
  static void declare(Contract& c) {
    c.summary("A coupling written by hand");
    c.input("x", "[N, ...E]", "values");
    c.input("raw", "[N, ...E]", "scale, before the tanh");
    c.input("t", "[N, ...E]", "shift");
    c.output("y", "[N, ...E]", "x exp(tanh(raw)) + t");
    c.output("log_det", "[N]", "the sum of tanh(raw)");
  }
  explicit Coupling(const Options&) {}
  void forward(const Forward& f) const override {
    const TensorView x = f.input(0), raw = f.input(1), t = f.input(2), y = f.output(0);
    for (std::int64_t n = 0; n < f.rows; ++n)
      f.output(1)[n][0] =
          static_cast<float>(math::coupling(x[n].data(), raw[n].data(), t[n].data(), y[n].data(), x.per_sample()));
  }
  void backward(const Backward& b) const override {
    const TensorView x = b.input(0), raw = b.input(1), above = b.diff_output(0);
    for (std::int64_t n = 0; n < b.rows; ++n)
      math::coupling_gradient(x[n].data(), raw[n].data(), above[n].data(), b.diff_output(1)[n][0],
                              b.diff_input(0)[n].data(), b.diff_input(1)[n].data(), b.diff_input(2)[n].data(),
                              x.per_sample());
  }
};

// bernoulli_nll without masks, from the kernels that the standard node uses.
class BernoulliNll final : public Node {
 public:
  static void declare(Contract& c) {
    c.summary("A likelihood written by hand");
    c.input("logits", "[N, ...E]", "ln p / (1 - p)");
    c.input("target", "[N, ...E]", "observed values").no_gradient();
    c.output("loss", "[N]", "nats");
  }
  explicit BernoulliNll(const Options&) {}
  void forward(const Forward& f) const override {
    for (std::int64_t n = 0; n < f.rows; ++n)
      f.output(0)[n][0] =
          static_cast<float>(math::bernoulli_nll(f.input(0)[n].data(), f.input(1)[n].data(), f.input(0).per_sample()));
  }
  void backward(const Backward& b) const override {
    for (std::int64_t n = 0; n < b.rows; ++n)
      math::bernoulli_nll_gradient(b.diff_output(0)[n][0], b.input(0)[n].data(), b.input(1)[n].data(),
                                   b.diff_input(0)[n].data(), b.input(0).per_sample());
  }
};

// The loss of gaussian_kl alone, from the kernel that the standard node uses.
class GaussianKl final : public Node {
 public:
  static void declare(Contract& c) {
    c.summary("A divergence written by hand");
    c.input("mu", "[N, ...E]", "mean");
    c.input("logvar", "[N, ...E]", "ln of the variance");
    c.output("loss", "[N]", "nats");
  }
  explicit GaussianKl(const Options&) {}
  void forward(const Forward& f) const override {
    for (std::int64_t n = 0; n < f.rows; ++n)
      f.output(0)[n][0] = static_cast<float>(
          math::gaussian_kl(f.input(0)[n].data(), f.input(1)[n].data(), nullptr, f.input(0).per_sample()));
  }
  void backward(const Backward& b) const override {
    for (std::int64_t n = 0; n < b.rows; ++n)
      math::gaussian_kl_gradient(b.diff_output(0)[n][0], nullptr, b.input(0)[n].data(), b.input(1)[n].data(),
                                 b.diff_input(0)[n].data(), b.diff_input(1)[n].data(), b.input(0).per_sample());
  }
};

struct Pair {
  std::string name;
  std::shared_ptr<const NodeType> by_hand;
  Options formula;
  std::vector<std::pair<std::string, std::string>> inputs;  // names by hand, and in the formula
};

double deviation_of(const Tensor& a, const Tensor& b) { return deviation("", a, b).error; }

NodeTester tester_of(const std::shared_ptr<const NodeType>& type, const Options& options, const Pair& pair,
                     bool formula, const Shape& shape) {
  NodeTester tester(type);
  for (const auto& [name, value] : options.values()) tester.option(name, value);
  for (std::size_t i = 0; i < pair.inputs.size(); ++i)
    tester.input(formula ? pair.inputs[i].second : pair.inputs[i].first, random_tensor(shape, 7 + i));
  return tester;
}

std::string measured(const Pair& pair, const Shape& shape) {
  const NodeSetup hand = tester_of(pair.by_hand, {}, pair, false, shape).setup();
  const NodeSetup text = tester_of(standard_registry().node("expr"), pair.formula, pair, true, shape).setup();
  NodeCalls by_hand(hand, 1, true), by_formula(text, 1, true);
  const std::vector<Tensor> hand_above = random_gradients(hand), text_above = random_gradients(text);
  const CallResult a = by_hand.run(hand_above), b = by_formula.run(text_above);
  double error = deviation_of(b.outputs[0], a.outputs[0]);
  for (const auto& [first, second] : pair.inputs) {
    const Tensor& expected = a.diff_inputs[static_cast<std::size_t>(hand.contract().input_index(first))];
    if (!there(expected)) continue;  // data
    error = std::max(
        error, deviation_of(b.diff_inputs[static_cast<std::size_t>(text.contract().input_index(second))], expected));
  }
  CallMeter hand_meter, text_meter;
  by_hand.measure(&hand_meter);
  by_formula.measure(&text_meter);
  for (int round = 0; round < kRounds; ++round) {
    by_hand.run(hand_above);
    by_formula.run(text_above);
  }
  const auto us = [](const CallCost& cost) { return 1e6 * cost.seconds; };
  const double by_hand_us = us(hand_meter.forward) + us(hand_meter.backward),
               by_text_us = us(text_meter.forward) + us(text_meter.backward);
  return fmt::format("| {} | {} | {:.2f} + {:.2f} | {:.2f} + {:.2f} | {:.2f} | {:.0e} |\n", pair.name, shape.text(),
                     us(hand_meter.forward), us(hand_meter.backward), us(text_meter.forward), us(text_meter.backward),
                     by_text_us / by_hand_us, error);
}

Options formula_of(const char* y) {
  Options options;
  options.set("y", y);
  return options;
}

}  // namespace

int main() {
  Options coupling;
  coupling.set("let", OptionMap{{"s", "tanh(raw)"}});
  coupling.set("outputs", OptionMap{{"y", "x * exp(s) + t"}, {"log_det", "sum(s)"}});
  const std::vector<Pair> pairs = {{"bernoulli_nll",
                                    std::make_shared<NodeType>(detail::make_type<NodeType, BernoulliNll>("nll")),
                                    formula_of("sum(softplus(l) - stop(x) * l)"),
                                    {{"logits", "l"}, {"target", "x"}}},
                                   {"gaussian_kl",
                                    std::make_shared<NodeType>(detail::make_type<NodeType, GaussianKl>("kl")),
                                    formula_of("sum(exp(v) + m^2 - 1 - v) / 2"),
                                    {{"mu", "m"}, {"logvar", "v"}}},
                                   {"coupling",
                                    std::make_shared<NodeType>(detail::make_type<NodeType, Coupling>("coupling")),
                                    coupling,
                                    {{"x", "x"}, {"raw", "raw"}, {"t", "t"}}}};
  std::string table =
      "| node | shard | by hand, forward + backward [us] | formula [us] | ratio | largest difference |\n"
      "| --- | --- | --- | --- | --- | --- |\n";
  for (const Pair& pair : pairs) {
    for (const Shape& shape : {Shape{8, 10}, Shape{8, 64}, Shape{8, 784}, Shape{4, 64, 64, 3}})
      table += measured(pair, shape);
  }
  fmt::print("{}", table);
  return 0;
}

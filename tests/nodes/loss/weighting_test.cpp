// The optional inputs mask and weight, of every loss of values that has them.
#include <limits>

#include "nodes/node_checks.h"

using namespace loom::check;
using loom::Shape;
using loom::Tensor;

namespace {

const Shape kShape{3, 4, 5};

struct Loss {
  std::string type;
  std::vector<std::string> inputs;  // the last one is what a mask may leave anything in
  std::string loss = "loss";
};
const std::vector<Loss> kLosses = {
    {"bernoulli_nll", {"logits", "target"}}, {"gaussian_nll", {"mean", "target"}},
    {"laplace_nll", {"mean", "target"}},     {"squared_error", {"x", "target"}},
    {"feature_nll", {"features", "target"}}, {"gaussian_log_density", {"mu", "logvar", "value"}, "nll"}};
const std::vector<Loss> kDivergences = {{"gaussian_kl", {"logvar", "mu"}},
                                        {"fixed_variance_kl", {"mu"}},
                                        {"gaussian_kl_between", {"logvar", "prior_mu", "prior_logvar", "mu"}},
                                        {"ar1_kl", {"logvar", "mu"}},
                                        {"standard_normal", {"z"}, "log_density"},
                                        {"ar1_prior", {"z"}, "log_density"}};

Tensor values_of(const std::string& port) {
  Tensor tensor = random_tensor(kShape, loom::stream_of(port));
  if (port == "target") {  // within [0, 1], for the Bernoulli likelihood
    for (float& value : tensor.values()) value = 1 / (1 + std::exp(-value));
  }
  return tensor;
}

NodeTester tester_of(const Loss& loss) {
  NodeTester tester = node(loss.type);
  if (loss.type == "fixed_variance_kl") tester.option("variance", 0.3);
  for (const std::string& port : loss.inputs) tester.input(port, values_of(port));
  return tester;
}

Tensor gaps(const Shape& shape) {
  Tensor mask(loom::DType::f32, shape);
  for (std::size_t i = 0; i < mask.values().size(); ++i) mask.values()[i] = i % 3 == 1 ? 0.0F : 1.0F;
  return mask;
}

// In the shape of the values: each element for all values of the axes that its shape leaves out.
Tensor spread(const Tensor& narrow) {
  Tensor wide(loom::DType::f32, kShape);
  const std::size_t each = wide.values().size() / narrow.values().size();
  for (std::size_t i = 0; i < wide.values().size(); ++i) wide.values()[i] = narrow.values()[i / each];
  return wide;
}

NodeResult run(NodeTester& tester, const Loss& loss) {
  Tensors above;
  above.emplace(loss.loss, tensor_of({3}, std::vector<float>{1, -2, 0.5F}));
  return tester.run(above);
}

void expect_close(const Tensor& got, const Tensor& expected, const std::string& what) {
  Report report;
  compare(report, what, got, expected, 1e-5);
  expect_ok(report);
}

std::vector<Loss> all_losses() {
  std::vector<Loss> all = kLosses;
  all.insert(all.end(), kDivergences.begin(), kDivergences.end());
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(weighting)

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  for (const Loss& loss : all_losses()) {
    BOOST_TEST_CONTEXT(loss.type) {
      NodeTester masked = tester_of(loss);
      expect_ok(masked.input("mask", gaps(kShape)).check());
      NodeTester of_positions = tester_of(loss);
      expect_ok(of_positions.input("mask", gaps({3, 4})).check());
    }
  }
  for (const Loss& loss : kLosses) {
    BOOST_TEST_CONTEXT(loss.type) {
      NodeTester both = tester_of(loss);
      Tensor weight = random_tensor({3}, 5);
      for (float& value : weight.values()) value = std::abs(value);
      expect_ok(both.input("mask", gaps(kShape)).input("weight", std::move(weight)).check());
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_there_may_be_anything) {
  for (const Loss& loss : all_losses()) {
    for (const float strange : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      BOOST_TEST_CONTEXT(loss.type << " with " << strange) {
        NodeTester plain = tester_of(loss), strange_tester = tester_of(loss);
        Tensor values = values_of(loss.inputs.back());
        const Tensor mask = gaps(kShape);
        for (std::size_t i = 0; i < values.values().size(); ++i)
          if (mask.values()[i] == 0) values.values()[i] = strange;
        plain.input("mask", gaps(kShape));
        strange_tester.input("mask", gaps(kShape)).input(loss.inputs.back(), std::move(values));
        const NodeResult expected = run(plain, loss), got = run(strange_tester, loss);
        BOOST_TEST(std::ranges::equal(got.outputs.at(loss.loss).values(), expected.outputs.at(loss.loss).values()));
        for (const auto& [port, diff] : expected.diff_inputs) {
          BOOST_TEST(std::ranges::equal(got.diff_inputs.at(port).values(), diff.values()), port);
          for (std::size_t i = 0; i < mask.values().size(); ++i)
            BOOST_TEST((mask.values()[i] != 0 || diff.values()[i] == 0));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_mask_of_ones_changes_nothing) {
  for (const Loss& loss : all_losses()) {
    BOOST_TEST_CONTEXT(loss.type) {
      NodeTester plain = tester_of(loss), masked = tester_of(loss);
      Tensor ones(loom::DType::f32, {3});
      std::ranges::fill(ones.values(), 1.0F);
      masked.input("mask", std::move(ones));
      const NodeResult expected = run(plain, loss), got = run(masked, loss);
      expect_close(got.outputs.at(loss.loss), expected.outputs.at(loss.loss), "loss");
      for (const auto& [port, diff] : expected.diff_inputs) expect_close(got.diff_inputs.at(port), diff, port);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_weight_multiplies_and_spreads_to_the_right) {
  for (const Loss& loss : kLosses) {
    BOOST_TEST_CONTEXT(loss.type) {
      NodeTester plain = tester_of(loss), sample = tester_of(loss), narrow = tester_of(loss), wide = tester_of(loss);
      sample.input("weight", tensor_of({3}, std::vector<float>{2, 0, 0.5F}));
      const NodeResult all = run(plain, loss), weighted = run(sample, loss);
      const auto expected = all.outputs.at(loss.loss).values(), got = weighted.outputs.at(loss.loss).values();
      BOOST_TEST(std::abs(got[0] - 2 * expected[0]) < 1e-5 * std::abs(expected[0]) + 1e-5);
      BOOST_TEST(got[1] == 0);
      BOOST_TEST(std::abs(got[2] - 0.5F * expected[2]) < 1e-5 * std::abs(expected[2]) + 1e-5);
      const Tensor mask = gaps({3, 4});
      narrow.input("mask", mask.clone());
      wide.input("mask", spread(mask));
      const NodeResult one = run(narrow, loss), other = run(wide, loss);
      BOOST_TEST(std::ranges::equal(one.outputs.at(loss.loss).values(), other.outputs.at(loss.loss).values()));
    }
  }
}

// With padding behind a sequence, a process is as long as what is there.
BOOST_AUTO_TEST_CASE(padded_sequences_are_the_short_ones) {
  const Shape whole{2, 6, 3}, part{2, 4, 3};
  const auto cut = [&](const Tensor& tensor) {
    Tensor first(loom::DType::f32, part);
    for (std::int64_t n = 0; n < 2; ++n) std::copy_n(tensor.view()[n].data(), 12, first.view()[n].data());
    return first;
  };
  Tensor mask(loom::DType::f32, {2, 6});
  for (std::size_t i = 0; i < 12; ++i) mask.values()[i] = i % 6 < 4 ? 1.0F : 0.0F;
  for (const auto& [type, ports] : {std::pair<std::string, std::vector<std::string>>{"ar1_kl", {"mu", "logvar", "z"}},
                                    {"ar1_prior", {"z"}},
                                    {"standard_normal", {"z"}}}) {
    NodeTester padded = node(type), shorter = node(type);
    if (type.starts_with("ar1")) padded.option("alpha", 0.8), shorter.option("alpha", 0.8);
    for (const std::string& port : ports) {
      const Tensor values = random_tensor(whole, loom::stream_of(port));
      padded.input(port, values.clone());
      shorter.input(port, cut(values));
    }
    const NodeResult got = padded.input("mask", mask.clone()).run({}), expected = shorter.run({});
    for (const auto& [port, output] : expected.outputs) {
      if (port != "y") expect_close(got.outputs.at(port), output, type + "." + port);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_prior_with_a_condition) {
  NodeTester tester = node("learned_gaussian_prior");
  tester.random_input("condition", {3, 2}).random_input("z", kShape).input("mask", gaps({3, 4}));
  expect_ok(tester.check());
  NodeTester drawn = node("standard_normal");
  drawn.option("shape", list({4, 5})).input("mask", gaps({3, 4}));
  expect_error(drawn, "a mask says which values of z count");
}

BOOST_AUTO_TEST_CASE(a_learned_sigma_counts_only_what_is_there) {
  for (const char* sigma : {"learned", "per_dimension"}) {
    NodeTester tester = tester_of(kLosses[1]);
    expect_ok(tester.option("sigma", sigma).input("mask", gaps(kShape)).check());
  }
}

BOOST_AUTO_TEST_CASE(invalid_classes_under_a_mask_of_0) {
  NodeTester tester = node("categorical_nll");
  tester.random_input("logits", {2, 3, 5})
      .input("target", tensor_of({2, 3}, std::vector<std::int32_t>{0, -1, 1, 2, 2, 99}))
      .input("mask", tensor_of({2, 3}, std::vector<float>{1, 0, 1, 1, 1, 0}));
  expect_ok(tester.check());
}

BOOST_AUTO_TEST_CASE(reports_other_shapes) {
  for (const Shape& shape : {Shape{3, 5}, Shape{3, 4, 5, 2}, Shape{3, 4, 1}}) {
    NodeTester tester = tester_of(kLosses[1]);
    tester.random_input("mask", shape);
    expect_error(tester, "the input 'mask' has neither the shape of the values of 'target'");
    NodeTester weighted = tester_of(kLosses[1]);
    weighted.random_input("weight", shape);
    expect_error(weighted, "the input 'weight' has neither");
  }
}

BOOST_AUTO_TEST_SUITE_END()

// Every prior's two faces: the density of z, against PyTorch, and draws whose density is the same function.
#include "nodes/node_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

// A prior without z, `samples` draws of the shape.
NodeTester drawing(const std::string& type, std::int64_t samples, std::vector<int> shape) {
  NodeTester tester(standard_registry(), type);
  tester.samples(samples).option("shape", list(std::move(shape)));
  return tester;
}

struct Moments {
  double mean = 0, variance = 0, lag = 0;  // lag: correlation of neighbours along axis 1
};

Moments moments(const Tensor& y, std::int64_t steps, std::int64_t width) {
  Moments m;
  const std::span<const float> values = y.values();
  double products = 0;
  std::int64_t pairs = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto value = static_cast<double>(values[i]);
    m.mean += value / static_cast<double>(values.size());
    m.variance += value * value / static_cast<double>(values.size());
    if (static_cast<std::int64_t>(i) / width % steps + 1 < steps) {
      products += value * static_cast<double>(values[i + static_cast<std::size_t>(width)]);
      ++pairs;
    }
  }
  m.lag = pairs > 0 ? products / static_cast<double>(pairs) / m.variance : 0;
  return m;
}

// ln p(y) that a draw reports is what the other face says about it.
void expect_consistent(NodeTester& draw, NodeTester& density, const std::map<std::string, Tensor>& parameters) {
  for (const auto& [name, tensor] : parameters) {
    draw.parameter(name, tensor.clone());
    density.parameter(name, tensor.clone());
  }
  const NodeResult drawn = draw.run();
  const NodeResult seen = density.input("z", drawn.outputs.at("y").clone()).run();
  Report report;
  compare(report, "y", seen.outputs.at("y"), drawn.outputs.at("y"), 0);
  compare(report, "log_density", seen.outputs.at("log_density"), drawn.outputs.at("log_density"), 1e-6);
  expect_ok(report);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(priors)

BOOST_AUTO_TEST_CASE(equal_pytorch) {
  for (const char* type : {"standard_normal", "ar1_prior", "mixture_prior", "learned_gaussian_prior"})
    expect_golden(type);
}

BOOST_AUTO_TEST_CASE(gradients_and_shards_of_the_density) {
  auto normal = node("standard_normal");
  expect_ok(normal.random_input("z", {3, 4, 2}).check());
  for (const OptionValue& alpha : {OptionValue(0.7), OptionValue("learned")}) {
    auto ar1 = node("ar1_prior");
    expect_ok(ar1.option("alpha", alpha).random_input("z", {3, 5, 2}).check());
  }
  auto mixture = node("mixture_prior");
  expect_ok(mixture.option("components", 3).random_input("z", {3, 4}).check());
  auto conditional = node("learned_gaussian_prior");
  expect_ok(conditional.random_input("condition", {3, 5}).random_input("z", {3, 4}).check());
}

// A draw with fixed noise is a function of the parameters: a loss on draws (a discrepancy, a generated sample) trains them.
BOOST_AUTO_TEST_CASE(gradients_of_draws) {
  NodeTester ar1 = drawing("ar1_prior", 4, {5, 2});
  expect_ok(ar1.option("alpha", "learned").check());
  NodeTester mixture = drawing("mixture_prior", 5, {2, 3});
  expect_ok(mixture.option("components", 3).check());
  auto conditional = node("learned_gaussian_prior");
  expect_ok(conditional.option("shape", list({2, 3})).random_input("condition", {3, 5}).check());
}

BOOST_AUTO_TEST_CASE(draws_are_repeatable_and_the_same_in_shards) {
  for (const char* type : {"standard_normal", "ar1_prior", "mixture_prior"}) {
    NodeTester tester = drawing(type, 5, {6, 2});
    if (std::string(type) == "mixture_prior") tester.option("components", 3);
    expect_ok(tester.check_repeatable());
    expect_ok(tester.check_shards());
  }
}

BOOST_AUTO_TEST_CASE(a_draw_reports_its_density) {
  NodeTester normal = drawing("standard_normal", 4, {3}), ar1 = drawing("ar1_prior", 4, {5, 2});
  NodeTester mixture = drawing("mixture_prior", 4, {3});
  auto normal_density = node("standard_normal"), ar1_density = node("ar1_prior"),
       mixture_density = node("mixture_prior");
  expect_consistent(normal, normal_density, {});
  expect_consistent(ar1, ar1_density, {});
  std::map<std::string, Tensor> parameters;
  parameters.emplace("mean", random_tensor({2, 3}, 1, 3));
  parameters.emplace("logvar", random_tensor({2, 3}, 2));
  parameters.emplace("logits", random_tensor({2}, 3));
  expect_consistent(mixture.option("components", 2), mixture_density.option("components", 2), parameters);
}

BOOST_AUTO_TEST_CASE(ar1_draws_have_variance_one_and_their_correlation) {
  for (const double alpha : {0.2, 0.9}) {
    NodeTester tester = drawing("ar1_prior", 4000, {16, 3});
    const NodeResult drawn = tester.option("alpha", alpha).run();
    const Moments m = moments(drawn.outputs.at("y"), 16, 3);
    BOOST_TEST(std::abs(m.mean) < 0.03);
    BOOST_TEST(std::abs(m.variance - 1) < 0.03);
    BOOST_TEST(std::abs(m.lag - alpha) < 0.02);
  }
}

BOOST_AUTO_TEST_CASE(a_mixture_draws_its_components) {
  NodeTester tester = drawing("mixture_prior", 8000, {1});
  tester.option("components", 2)
      .parameter("mean", tensor_of({2, 1}, std::vector<float>{-4, 4}))
      .parameter("logvar", tensor_of({2, 1}, std::vector<float>{-2, -2}))
      .parameter("logits", tensor_of({2}, std::vector<float>{0, std::log(3.0F)}));
  const NodeResult drawn = tester.run();
  int second = 0;
  for (std::size_t n = 0; n < 8000; ++n) {
    const bool of_second = drawn.outputs.at("component").values<std::int32_t>()[n] == 1;
    second += of_second ? 1 : 0;
    BOOST_REQUIRE((drawn.outputs.at("y").values()[n] > 0) == of_second);
  }
  BOOST_TEST(std::abs(second / 8000.0 - 0.75) < 0.02);
}

BOOST_AUTO_TEST_CASE(classes_in_turn_and_uniform) {
  auto turn = node("categorical_prior");
  const NodeResult in_turn = turn.samples(7).option("classes", 3).option("order", "in_turn").run();
  for (std::size_t n = 0; n < 7; ++n)
    BOOST_TEST(in_turn.outputs.at("y").values<std::int32_t>()[n] == static_cast<int>(n % 3));
  auto uniform = node("categorical_prior");
  std::vector<int> counts(5);
  const NodeResult drawn = uniform.samples(5000).option("classes", 5).run();
  for (const std::int32_t code : drawn.outputs.at("y").values<std::int32_t>())
    ++counts.at(static_cast<std::size_t>(code));
  for (const int count : counts) BOOST_TEST(std::abs(count - 1000) < 150);
}

BOOST_AUTO_TEST_CASE(what_a_prior_needs) {
  auto shapeless = node("standard_normal");
  expect_error(shapeless.samples(2), "shape of a draw is not known");
  NodeTester flat = drawing("ar1_prior", 2, {6});
  expect_error(flat, "two axes");
}

BOOST_AUTO_TEST_SUITE_END()

#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(parameter)

BOOST_AUTO_TEST_CASE(is_the_same_for_every_sample_and_sums_their_gradients) {
  auto tester = node("parameter");
  tester.option("shape", list({2, 2})).samples(3);
  tester.parameter("value", tensor_of({2, 2}, std::vector<float>{1, -2, 3, 4}));
  loom::Tensor diff(loom::DType::f32, {3, 2, 2});
  std::ranges::fill(diff.values(), 0.5F);
  Tensors above;
  above.emplace("y", std::move(diff));
  const NodeResult result = tester.run(above);
  for (std::int64_t n = 0; n < 3; ++n) BOOST_TEST(result.outputs.at("y").view()[n][1] == -2);
  for (const float value : result.diff_parameters.at("value").values()) BOOST_TEST(value == 1.5);
}

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("parameter");
  expect_ok(tester.option("shape", list({3, 2})).samples(32).check());
  auto like = node("parameter");
  expect_ok(like.random_input("like", {5, 4}).check());
}

BOOST_AUTO_TEST_CASE(reports_what_is_wrong) {
  auto none = node("parameter");
  expect_error(none.samples(2), "the shape is not known");
  auto scalar = node("parameter");
  expect_error(scalar.option("shape", list({})).samples(2), "at least one axis");
}

BOOST_AUTO_TEST_SUITE_END()

#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(concat)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("concat"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  for (int axis : {-1, 1, 2}) {
    auto tester = node("concat");
    loom::Shape first{3, 2, 4}, second{3, 2, 4};
    second[axis < 0 ? 2 : axis] = 3;
    expect_ok(tester.option("axis", axis)
                  .random_input("x0", first)
                  .random_input("x1", second)
                  .random_input("x2", first)
                  .check());
  }
}

BOOST_AUTO_TEST_CASE(along_the_batch_samples_stay_together) {
  auto tester = node("concat");
  tester.option("axis", 0)
      .input("x0", tensor_of({2, 1}, std::vector<float>{1, 2}))
      .input("x1", tensor_of({2, 1}, std::vector<float>{3, 4}));
  BOOST_TEST((tester.output_shapes().front() == loom::Shape{-2, 1}));
  Report report = tester.check();
  compare(report, "y", tester.run().outputs.at("y"), tensor_of({4, 1}, std::vector<float>{1, 3, 2, 4}), 0);
  expect_ok(report);
}

BOOST_AUTO_TEST_CASE(a_number_of_each_sample_is_a_column) {
  auto codes = node("concat");
  codes.input("x0", tensor_of({2}, std::vector<std::int32_t>{1, 2}));
  codes.input("x1", tensor_of({2}, std::vector<std::int32_t>{3, 4}));
  const loom::Tensor y = codes.run().outputs.at("y").clone();
  BOOST_TEST(y.shape().text() == "[2, 2]");
  BOOST_TEST((std::ranges::equal(y.values<std::int32_t>(), std::vector<std::int32_t>{1, 3, 2, 4})));
  auto mixed = node("concat");
  mixed.random_input("x0", {3, 2}).random_input("x1", {3});
  BOOST_TEST(mixed.output_shapes().front().event().text() == "[3]");
  expect_ok(mixed.check());
}

BOOST_AUTO_TEST_CASE(reports_bad_shapes) {
  auto other = node("concat");
  expect_error(other.option("axis", -1).random_input("x0", {2, 3, 4}).random_input("x1", {2, 2, 4}),
               "the same shape, except");
  auto axis = node("concat");
  expect_error(axis.option("axis", 3).random_input("x0", {2, 3, 4}), "no axis 3");
}

BOOST_AUTO_TEST_SUITE_END()

#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(input)

BOOST_AUTO_TEST_CASE(has_the_shape_it_is_given) {
  auto image = node("input");
  BOOST_TEST((image.option("shape", list({4, 4, 1})).output_shapes().front() == loom::Shape{loom::kBatch, 4, 4, 1}));
  auto scalar = node("input");
  BOOST_TEST(
      (scalar.option("shape", list({})).option("dtype", "i32").output_shapes().front() == loom::Shape{loom::kBatch}));
}

BOOST_AUTO_TEST_CASE(reports_bad_options) {
  auto missing = node("input");
  expect_error(missing, "shape");
  auto zero = node("input");
  expect_error(zero.option("shape", list({4, 0})), ">= 1");
  auto type = node("input");
  expect_error(type.option("shape", list({4})).option("dtype", "f64"), "f32");
}

BOOST_AUTO_TEST_CASE(says_that_it_was_not_fed) {
  auto tester = node("input");
  BOOST_CHECK_THROW(tester.option("shape", list({2})).run(), loom::Error);
}

BOOST_AUTO_TEST_SUITE_END()

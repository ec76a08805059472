#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(flip)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("flip"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto tester = node("flip");
  expect_ok(tester.option("axis", 1).random_input("x", {3, 5, 2}).check());
  auto batch = node("flip");  // the rows of a sample, not the samples
  expect_ok(batch.option("axis", 0).samples(3).random_input("x", {6, 2}).check());
}

BOOST_AUTO_TEST_CASE(along_the_batch_axis_samples_stay_in_their_places) {
  auto tester = node("flip");
  tester.option("axis", 0).samples(2).input("x", tensor_of({4, 1}, std::vector<float>{1, 2, 3, 4}));
  Report report;
  compare(report, "y", tester.run().outputs.at("y"), tensor_of({4, 1}, std::vector<float>{2, 1, 4, 3}), 0);
  expect_ok(report);
}

BOOST_AUTO_TEST_CASE(reports_an_axis_that_is_not_there) {
  auto tester = node("flip");
  expect_error(tester.option("axis", 2).random_input("x", {2, 4}), "no axis 2");
}

BOOST_AUTO_TEST_CASE(reports_that_a_sample_has_one_row) {
  auto tester = node("flip");
  expect_error(tester.option("axis", 0).random_input("x", {5, 4}), "shuffle_batch");
  auto negative = node("flip");
  expect_error(negative.option("axis", -2).random_input("x", {5, 4}), "shuffle_batch");
}

BOOST_AUTO_TEST_SUITE_END()

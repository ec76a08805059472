#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(pool)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("pool"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  for (const char* kind : {"max", "average"}) {
    auto image = node("pool");
    expect_ok(image.option("kind", kind)
                  .option("kernel", 3)
                  .option("stride", 2)
                  .option("padding", 1)
                  .random_input("x", {2, 5, 6, 3}, 3)
                  .check());
    auto sequence = node("pool");
    expect_ok(sequence.option("kind", kind).random_input("x", {2, 8, 3}, 3).check());
  }
}

BOOST_AUTO_TEST_CASE(reports_what_does_not_fit) {
  auto kernel = node("pool");
  expect_error(kernel.option("kernel", 5).random_input("x", {2, 4, 4, 3}), "larger than the padded input");
  auto padding = node("pool");
  expect_error(padding.option("kernel", 2).option("padding", 2).random_input("x", {2, 4, 4, 3}), "half of the kernel");
}

BOOST_AUTO_TEST_SUITE_END()

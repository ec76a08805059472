#include "nodes/node_checks.h"

using namespace loom::testing;

BOOST_AUTO_TEST_SUITE(conv)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("conv"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto image = node("conv");
  expect_ok(image.option("filters", 8)
                .option("kernel", 4)
                .option("stride", 2)
                .option("padding", 1)
                .option("activation", "relu")
                .random_input("x", {2, 6, 6, 3})
                .check());
  auto causal = node("conv");
  expect_ok(causal.option("filters", 4)
                .option("kernel", 2)
                .option("padding", "causal")
                .option("dilation", 2)
                .random_input("x", {3, 7, 4})
                .check());
  auto same = node("conv");
  expect_ok(same.option("filters", 5)
                .option("kernel", 3)
                .option("padding", "same")
                .option("activation", "silu")
                .random_input("x", {3, 5, 4, 3})
                .check());
  auto groups = node("conv");
  expect_ok(groups.option("filters", 6)
                .option("kernel", list({3, 2}))
                .option("groups", 2)
                .option("bias", false)
                .random_input("x", {2, 4, 4, 4})
                .check());
}

BOOST_AUTO_TEST_CASE(reports_what_does_not_fit) {
  auto kernel = node("conv");
  expect_error(kernel.option("filters", 4).option("kernel", 5).random_input("x", {2, 4, 4, 3}),
               "larger than the padded input");
  auto strided = node("conv");
  expect_error(strided.option("filters", 4)
                   .option("kernel", 3)
                   .option("stride", 2)
                   .option("padding", "same")
                   .random_input("x", {2, 4, 4, 3}),
               "stride 1");
  auto word = node("conv");
  expect_error(word.option("filters", 4).option("kernel", 3).option("padding", "smae").random_input("x", {2, 4, 4, 3}),
               "same");
  auto rank = node("conv");
  expect_error(rank.option("filters", 4).option("kernel", 3).random_input("x", {2, 4}), "a sequence or an image");
  auto groups = node("conv");
  expect_error(groups.option("filters", 4).option("kernel", 3).option("groups", 2).random_input("x", {2, 4, 4, 3}),
               "groups must divide");
  auto axes = node("conv");
  expect_error(axes.option("filters", 4).option("kernel", list({3, 3})).random_input("x", {2, 8, 3}), "spatial axes");
}

BOOST_AUTO_TEST_SUITE_END()

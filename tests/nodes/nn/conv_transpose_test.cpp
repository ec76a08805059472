#include "nodes/node_checks.h"

using namespace loom::check;

BOOST_AUTO_TEST_SUITE(conv_transpose)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("conv_transpose"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto image = node("conv_transpose");
  expect_ok(image.option("filters", 8)
                .option("kernel", 4)
                .option("stride", 2)
                .option("padding", 1)
                .option("activation", "relu")
                .random_input("x", {2, 6, 6, 3})
                .check());
  auto larger = node("conv_transpose");
  expect_ok(larger.option("filters", 3)
                .option("kernel", 5)
                .option("stride", 2)
                .option("padding", 2)
                .option("output_padding", 1)
                .random_input("x", {2, 3, 4, 2})
                .check());
  auto smooth = node("conv_transpose");
  expect_ok(smooth.option("filters", 3)
                .option("kernel", 3)
                .option("activation", "tanh")
                .random_input("x", {3, 5, 2})
                .check());
  auto groups = node("conv_transpose");
  expect_ok(groups.option("filters", 6)
                .option("kernel", list({3, 2}))
                .option("groups", 2)
                .option("bias", false)
                .random_input("x", {2, 4, 4, 4})
                .check());
}

BOOST_AUTO_TEST_CASE(reports_what_does_not_fit) {
  auto output = node("conv_transpose");
  expect_error(
      output.option("filters", 4).option("kernel", 3).option("output_padding", 1).random_input("x", {2, 4, 4, 3}),
      "less than the stride");
  auto nothing = node("conv_transpose");
  expect_error(nothing.option("filters", 4).option("kernel", 3).option("padding", 4).random_input("x", {2, 4, 4, 3}),
               "the output is empty");
  auto rank = node("conv_transpose");
  expect_error(rank.option("filters", 4).option("kernel", 3).random_input("x", {2, 4}),
               "a sequence, an image or a volume");
  auto groups = node("conv_transpose");
  expect_error(groups.option("filters", 4).option("kernel", 3).option("groups", 2).random_input("x", {2, 4, 4, 3}),
               "groups must divide");
  auto axes = node("conv_transpose");
  expect_error(axes.option("filters", 4).option("kernel", list({3, 3})).random_input("x", {2, 8, 3}), "spatial axes");
}

BOOST_AUTO_TEST_SUITE_END()

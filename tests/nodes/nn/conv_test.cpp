#include "check/incremental_check.h"
#include "nodes/node_checks.h"

using namespace loom::check;
using loom::Filled;

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

BOOST_AUTO_TEST_CASE(volumes_and_one_sided_padding) {
  auto volume = node("conv");
  expect_ok(volume.option("filters", 5)
                .option("kernel", list({2, 3, 3}))
                .option("stride", list({1, 2, 2}))
                .option("padding", list({0, 1, 1}))
                .option("activation", "silu")
                .random_input("x", {3, 3, 5, 4, 2})
                .check());
  auto after = node("conv");
  after.option("filters", 2).option("kernel", 3).option("stride", 2).option("padding_after", 1);
  expect_ok(after.random_input("x", {2, 8, 8, 1}).check());
  BOOST_TEST(after.output_shapes().front().event().text() == "[4, 4, 2]");
  auto text = node("conv");
  text.option("filters", 2).option("kernel", 3).option("padding", "same").option("padding_after", 1);
  expect_error(text.random_input("x", {2, 8, 8, 1}), "`padding_after` goes with a number");
}

BOOST_AUTO_TEST_CASE(causal_position_by_position) {
  for (const int dilation : {1, 3}) {
    const auto sees = [=](const Glance& g) {
      const std::int64_t back = g.to.column - g.from.column;
      return back >= 0 && back % dilation == 0 && back / dilation < 3;
    };
    for (const Filled fill : {Filled::through, Filled::before}) {
      auto sequence = node("conv");
      sequence.option("filters", 4)
          .option("kernel", 3)
          .option("padding", "causal")
          .option("dilation", dilation)
          .option("activation", "tanh")
          .random_input("x", {3, 10, 2});
      expect_ok(check_incremental(sequence, {.fills = {{"x", fill}}, .gives = {{"y", fill}}, .sees = sees}));
      sequence.option("activation", "relu");  // which may hide what it sees
      expect_ok(check_incremental(sequence, {.fills = {{"x", fill}}}));
    }
  }
  auto image = node("conv");  // the quarter of the plane above and to the left
  image.option("filters", 3).option("kernel", list({2, 3})).option("padding", "causal").random_input("x", {2, 4, 5, 2});
  for (const Filled fill : {Filled::through, Filled::rows_before}) {
    expect_ok(check_incremental(image, {.axes = 2, .fills = {{"x", fill}}, .gives = {{"y", fill}}}));
  }
  auto pointwise = node("conv");
  pointwise.option("filters", 3).option("kernel", 1).option("activation", "silu").random_input("x", {2, 3, 4, 2});
  expect_ok(check_incremental(pointwise, {.axes = 2, .fills = {{"x", Filled::before}}}));
}

BOOST_AUTO_TEST_CASE(says_what_has_no_incremental_face) {
  const std::map<std::string, loom::OptionValue> wrong = {{"padding", "same"}, {"groups", 2}};
  for (const auto& [option, value] : wrong) {
    auto tester = node("conv");
    tester.option("filters", 4).option("kernel", 3).option("padding", "causal").random_input("x", {2, 9, 4});
    tester.option(option, value);
    BOOST_CHECK_THROW(check_incremental(tester, {.fills = {{"x", Filled::through}}}), loom::Error);
  }
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
  expect_error(rank.option("filters", 4).option("kernel", 3).random_input("x", {2, 4}),
               "a sequence, an image or a volume");
  auto groups = node("conv");
  expect_error(groups.option("filters", 4).option("kernel", 3).option("groups", 2).random_input("x", {2, 4, 4, 3}),
               "groups must divide");
  auto axes = node("conv");
  expect_error(axes.option("filters", 4).option("kernel", list({3, 3})).random_input("x", {2, 8, 3}), "spatial axes");
}

BOOST_AUTO_TEST_SUITE_END()

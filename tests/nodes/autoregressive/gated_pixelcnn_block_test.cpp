#include "check/incremental_check.h"
#include "check/node_call.h"
#include "nodes/node_checks.h"

using namespace loom::check;
using loom::Filled;
using loom::Tensor;

namespace {

NodeTester block(int channels, int kernel, bool first) {
  auto tester = node("gated_pixelcnn_block");
  tester.option("channels", channels).option("kernel", kernel).option("first", first);
  return tester;
}

// What one block sees of each stack.
auto visible(std::int64_t half, bool first) {
  return [=](const Glance& g) {
    const std::int64_t down = g.to.row - g.from.row, right = g.to.column - g.from.column;
    const bool rows = down >= 0 && down <= half && std::abs(right) <= half;
    if (g.output == "vertical") return g.input == "vertical" && rows;
    if (g.input == "horizontal") return down == 0 && right >= (first ? 1 : 0) && right <= half;
    return down >= 1 && down <= half + 1 && std::abs(right) <= half;  // by way of the row above
  };
}

NodeTester conditioned_block(int channels, int kernel, const loom::Shape& map) {
  auto tester = block(channels, kernel, false);
  const std::int64_t n = map[0], h = map[1], w = map[2];
  tester.random_input("vertical", {n, h, w, channels}).random_input("horizontal", {n, h, w, channels});
  tester.random_input("class", {n, 3}).random_input("condition", {n, h, w, 2});
  return tester;
}

// Outputs and gradients as a training program computes them, in a program that may transform and in one that may not.
CallResult computed(NodeSetup& setup, bool transformed, int shards) {
  setup.transformed = transformed;
  return NodeCalls(setup, shards, true).run(random_gradients(setup));
}

// The norm of the difference of all tensors of a kind, to that of each tensor: the largest.
double largest_error(const std::vector<Tensor>& got, const std::vector<Tensor>& expected) {
  double largest = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (!there(expected[i])) continue;
    double error = 0, norm = 0;
    for (std::size_t k = 0; k < got[i].values().size(); ++k) {
      const double value = expected[i].values()[k];
      error += std::pow(got[i].values()[k] - value, 2), norm += value * value;
    }
    largest = std::max(largest, std::sqrt(error / norm));
  }
  return largest;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gated_pixelcnn_block)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("gated_pixelcnn_block"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  for (const bool first : {true, false}) {
    auto plain = block(4, 3, first);
    expect_ok(plain.random_input("vertical", {2, 4, 5, 4}).random_input("horizontal", {2, 4, 5, 4}).check());
  }
  auto conditioned = block(3, 5, false);
  expect_ok(conditioned.random_input("vertical", {2, 3, 4, 3})
                .random_input("horizontal", {2, 3, 4, 3})
                .random_input("class", {2, 5})
                .random_input("condition", {2, 3, 4, 2})
                .check());
}

BOOST_AUTO_TEST_CASE(sees_every_earlier_pixel_and_no_later_one) {
  auto first = block(3, 3, true);
  first.random_input("vertical", {2, 5, 4, 3}).random_input("horizontal", {2, 5, 4, 3});
  expect_ok(check_incremental(first, {.axes = 2,
                                      .fills = {{"vertical", Filled::before}, {"horizontal", Filled::before}},
                                      .gives = {{"vertical", Filled::rows_before}, {"horizontal", Filled::through}},
                                      .sees = visible(1, true)}));
  auto later = block(2, 5, false);
  later.random_input("vertical", {1, 5, 6, 2}).random_input("horizontal", {1, 5, 6, 2});
  expect_ok(check_incremental(later, {.axes = 2,
                                      .fills = {{"vertical", Filled::rows_before}, {"horizontal", Filled::through}},
                                      .gives = {{"vertical", Filled::rows_before}, {"horizontal", Filled::through}},
                                      .sees = visible(2, false)}));
  expect_ok(check_incremental(later, {.axes = 2,
                                      .fills = {{"vertical", Filled::rows_before}, {"horizontal", Filled::before}},
                                      .gives = {{"vertical", Filled::rows_before}, {"horizontal", Filled::before}}}));
}

// Sizes that fill no tile, at which the table has the transformed form of all passes.
BOOST_AUTO_TEST_CASE(transformed_in_training_it_computes_the_same) {
  for (const int kernel : {3, 5}) {
    auto tester = conditioned_block(128, kernel, {2, 30, 31});
    NodeSetup setup = tester.setup();
    const CallResult direct = computed(setup, false, 1);
    for (const int shards : {1, 2}) {
      const CallResult got = computed(setup, true, shards);
      BOOST_TEST(got.broken_rules.empty());
      const std::pair<const std::vector<Tensor>*, const std::vector<Tensor>*> kinds[] = {
          {&got.outputs, &direct.outputs},
          {&got.diff_inputs, &direct.diff_inputs},
          {&got.diff_parameters, &direct.diff_parameters}};
      for (const auto& [of, expected] : kinds) {
        const double error = largest_error(*of, *expected);
        BOOST_TEST(error < 5e-6);
        BOOST_TEST(error > 0);  // it was transformed
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(without_a_backward_step_it_is_not_transformed) {
  auto tester = conditioned_block(64, 5, {2, 32, 32});
  NodeSetup setup = tester.setup();
  const CallResult direct = NodeCalls(setup, 1, false).run({});
  setup.transformed = true;
  const CallResult got = NodeCalls(setup, 1, false).run({});
  for (std::size_t k = 0; k < got.outputs.size(); ++k)
    BOOST_TEST(std::ranges::equal(got.outputs[k].values(), direct.outputs[k].values()));
}

// A later pixel changes an output by no more than rounding where it is transformed, and by nothing where it is not.
BOOST_AUTO_TEST_CASE(a_later_pixel_changes_nothing_but_the_rounding_of_training) {
  constexpr std::int64_t kSize = 32, kChannels = 64, kRow = 13;
  auto tester = conditioned_block(kChannels, 5, {1, kSize, kSize});
  NodeSetup setup = tester.setup(), later = tester.setup();
  for (const std::size_t k : {0U, 1U}) {  // vertical, horizontal
    for (float& value : later.inputs[k].values().subspan((kRow + 1) * kSize * kChannels)) value += 3;
  }
  for (const bool transformed : {false, true}) {
    const CallResult a = computed(setup, transformed, 1), b = computed(later, transformed, 1);
    double change = 0;
    for (std::size_t k = 0; k < a.outputs.size(); ++k) {
      for (std::size_t i = 0; i < (kRow + 1) * kSize * kChannels; ++i) {
        const float before = a.outputs[k].values()[i], after = b.outputs[k].values()[i];
        change = std::max(change, static_cast<double>(std::abs(before - after)));
      }
    }
    if (transformed)
      BOOST_TEST(change < 1e-4);
    else
      BOOST_TEST(change == 0);
  }
}

BOOST_AUTO_TEST_CASE(conditions_position_by_position) {
  for (const bool first : {true, false}) {
    auto tester = block(3, 3, first);
    tester.random_input("vertical", {3, 4, 5, 3})
        .random_input("horizontal", {3, 4, 5, 3})
        .random_input("class", {3, 4})
        .random_input("condition", {3, 4, 5, 2});
    const Filled horizontal = first ? Filled::before : Filled::through;
    expect_ok(check_incremental(
        tester, {.axes = 2,
                 .fills = {{"vertical", first ? Filled::before : Filled::rows_before}, {"horizontal", horizontal}},
                 .sees = visible(1, first)}));
  }
}

BOOST_AUTO_TEST_CASE(reports_what_does_not_fit) {
  auto even = block(4, 4, false);
  expect_error(even.random_input("vertical", {2, 4, 5, 4}).random_input("horizontal", {2, 4, 5, 4}), "an odd kernel");
  auto channels = block(4, 3, false);
  expect_error(channels.random_input("vertical", {2, 4, 5, 3}).random_input("horizontal", {2, 4, 5, 4}), "axis 3");
  auto sizes = block(4, 3, false);
  expect_error(sizes.random_input("vertical", {2, 4, 5, 4}).random_input("horizontal", {2, 4, 6, 4}), "W is");
  auto lagging = block(4, 3, false);
  lagging.random_input("vertical", {2, 4, 5, 4}).random_input("horizontal", {2, 4, 5, 4});
  BOOST_CHECK_THROW(check_incremental(lagging, {.axes = 2, .fills = {{"horizontal", Filled::rows_before}}}),
                    loom::Error);
}

BOOST_AUTO_TEST_SUITE_END()

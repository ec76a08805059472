// Nodes that work at each position alone: their forward, called for the rows of one position, gives what it gives for
// the whole map, also where it draws at random.
#include "check/incremental_check.h"
#include "nodes/node_checks.h"

using namespace loom::check;
using loom::Filled;

namespace {

bool same_place(const Glance& g) { return g.from.row == g.to.row && g.from.column == g.to.column; }

// On a sequence and on an image, with inputs of `channels`.
void expect_pointwise(const std::string& type, const std::map<std::string, loom::OptionValue>& options,
                      const std::vector<std::string>& ports, std::int64_t channels = 4, bool injective = true) {
  for (const bool image : {false, true}) {
    auto tester = node(type);
    for (const auto& [name, value] : options) tester.option(name, value);
    IncrementalCheck check{.axes = image ? 2 : 1};
    for (const std::string& port : ports) {
      tester.random_input(port, image ? loom::Shape{2, 3, 4, channels} : loom::Shape{3, 6, channels});
      check.fills.emplace(port, Filled::before);
    }
    if (injective) check.sees = same_place;
    const Report before = check_incremental(tester, check);
    BOOST_TEST(before.ok(), type << ": " << before.text());
    if (!image || tester.contract().is_stochastic()) continue;
    for (auto& [port, fill] : check.fills) fill = Filled::rows_before;
    const Report rows = check_incremental(tester, check);
    BOOST_TEST(rows.ok(), type << ", by rows: " << rows.text());
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pointwise)

BOOST_AUTO_TEST_CASE(layers) {
  expect_pointwise("linear", {{"units", 5}, {"activation", "tanh"}}, {"x"});
  expect_pointwise("activation", {{"function", "silu"}}, {"x"});
  expect_pointwise("gated_activation", {}, {"x"});
  expect_pointwise("layer_norm", {}, {"x"}, 4, false);  // a constant added to all channels changes nothing
  expect_pointwise("softmax", {}, {"x"}, 4, false);
  expect_pointwise("add", {}, {"x0", "x1", "x2"});
  expect_pointwise("multiply", {}, {"x0", "x1"});
}

BOOST_AUTO_TEST_CASE(channels_cut_and_joined) {
  expect_pointwise("concat", {}, {"x0", "x1"});
  expect_pointwise("slice", {{"start", 1}, {"stop", 3}}, {"x"});
  expect_pointwise("split", {{"parts", 2}}, {"x"});
}

BOOST_AUTO_TEST_CASE(random_draws_are_those_of_the_whole_map) {
  expect_pointwise("dropout", {}, {"x"}, 3, false);
  expect_pointwise("bernoulli_sampler", {}, {"logits"}, 3, false);
  expect_pointwise("gaussian_parameters", {{"dim", 3}}, {"x"});
  expect_pointwise("gaussian_sampler", {}, {"mu", "logvar"}, 5);
}

BOOST_AUTO_TEST_CASE(codes) {
  auto tester = node("embedding");
  std::vector<std::int32_t> codes(24);
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::int32_t>(i * 5 % 8);
  tester.option("count", 8).option("dim", 3).input("x", tensor_of({2, 3, 4}, codes));
  for (const Filled fill : {Filled::through, Filled::before, Filled::rows_before}) {
    expect_ok(
        check_incremental(tester, {.axes = 2, .fills = {{"x", fill}}, .gives = {{"y", fill}}, .sees = same_place}));
  }
}

BOOST_AUTO_TEST_SUITE_END()

// Attention, positions and draws of codes by the check that all causal nodes share.
#include "check/incremental_check.h"
#include "loom/error.h"
#include "nodes/node_checks.h"

using namespace loom::check;
using loom::Filled;

namespace {

std::int64_t steps_back(const Glance& g, std::int64_t width) {
  return (g.to.row - g.from.row) * width + g.to.column - g.from.column;
}

bool same_place(const Glance& g) { return steps_back(g, 1000) == 0; }

}  // namespace

BOOST_AUTO_TEST_SUITE(causal_nodes)

BOOST_AUTO_TEST_CASE(attention_sees_everything_before) {
  for (const bool strict : {false, true}) {
    auto tester = node("attention");
    tester.option("causal", true).option("strict", strict).option("heads", 2);
    for (const char* port : {"query", "key", "value"}) tester.random_input(port, {2, 3, 4, 4});
    const Filled keys = strict ? Filled::before : Filled::through;
    const auto sees = [=](const Glance& g) {
      const std::int64_t back = steps_back(g, 4);
      if (g.input == "query") return back == 0 && g.to.row * 4 + g.to.column > (strict ? 1 : 0);
      if (g.input == "key") return back >= (strict ? 1 : 0) && g.to.row * 4 + g.to.column > (strict ? 1 : 0);
      return back >= (strict ? 1 : 0);
    };  // the weight of a single key is 1, whatever the query
    expect_ok(check_incremental(tester, {.axes = 2,
                                         .fills = {{"query", Filled::through}, {"key", keys}, {"value", keys}},
                                         .gives = {{"y", Filled::through}},
                                         .sees = sees}));
  }
  auto all = node("attention");
  for (const char* port : {"query", "key", "value"}) all.random_input(port, {2, 6, 4});
  BOOST_CHECK_THROW(check_incremental(all, {.fills = {{"query", Filled::through}, {"key", Filled::through}}}),
                    loom::Error);
}

BOOST_AUTO_TEST_CASE(positions) {
  for (const Filled fill : {Filled::through, Filled::before, Filled::rows_before}) {
    auto learned = node("learned_positions");
    learned.option("over", "raster").random_input("x", {2, 3, 4, 5});
    expect_ok(check_incremental(learned, {.axes = 2, .fills = {{"x", fill}}, .sees = same_place}));
    auto waves = node("sinusoidal_positions");
    waves.random_input("x", {2, 3, 4, 8});
    expect_ok(check_incremental(waves, {.axes = 2, .fills = {{"x", fill}}, .sees = same_place}));
  }
}

BOOST_AUTO_TEST_CASE(draws_of_codes) {
  auto sequence = node("categorical_sampler");
  sequence.random_input("logits", {3, 6, 5});
  expect_ok(check_incremental(sequence, {.fills = {{"logits", Filled::through}}}));
  auto image = node("categorical_sampler");
  image.option("top_k", 3).random_input("logits", {2, 3, 4, 5});
  expect_ok(check_incremental(image, {.axes = 2, .fills = {{"logits", Filled::through}}}));
}

BOOST_AUTO_TEST_SUITE_END()

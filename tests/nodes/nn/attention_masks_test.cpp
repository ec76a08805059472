// Masks and positions of attention, and linear attention.
#include "check/incremental_check.h"
#include "nodes/node_checks.h"

using namespace loom::check;
using loom::Filled;
using loom::Shape;
using loom::Tensor;

namespace {

NodeTester attention_of(const Shape& query, const Shape& key, const std::string& type = "attention") {
  auto tester = node(type);
  tester.option("heads", 2).random_input("query", query).random_input("key", key).random_input("value", key);
  return tester;
}

// 1 where f(i) holds.
template <class F>
Tensor mask_of(const Shape& shape, const F& f) {
  Tensor mask(loom::DType::f32, shape);
  for (std::size_t i = 0; i < mask.values().size(); ++i) mask.values()[i] = f(static_cast<std::int64_t>(i)) ? 1 : 0;
  return mask;
}

bool third(std::int64_t i) { return i % 3 != 1; }

}  // namespace

BOOST_AUTO_TEST_SUITE(attention_masks)

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto blocks = attention_of({3, 9, 4}, {3, 9, 4});
  expect_ok(blocks.option("mask", "block_causal").option("block", 4).check());
  auto scales = attention_of({2, 140, 4}, {2, 140, 4});
  expect_ok(scales.option("mask", "block_causal").option("block", list({1, 4, 16, 119})).check());
  auto strict = attention_of({3, 2, 4, 4}, {3, 2, 4, 4});
  expect_ok(strict.option("mask", "block_causal").option("block", 4).option("strict", true).check());
  auto padding = attention_of({3, 5, 4}, {3, 7, 4});
  expect_ok(padding.input("mask", mask_of({3, 7}, third)).check());
  auto pairs = attention_of({3, 7, 4}, {3, 7, 4});
  expect_ok(pairs.option("mask", "causal").input("mask", mask_of({3, 7, 7}, third)).check());
  auto rotary = attention_of({3, 7, 12}, {3, 5, 12});
  expect_ok(rotary.option("positions", "rotary").option("rotary_channels", 4).option("base", 50.0).check());
  auto relative = attention_of({3, 9, 4}, {3, 9, 4});
  expect_ok(relative.option("positions", "relative").option("distance", 3).option("mask", "causal").check());
  auto both = attention_of({2, 140, 4}, {2, 140, 4});
  expect_ok(both.option("positions", "relative").input("mask", mask_of({2, 140}, third)).check());
}

// The second sample sees nothing, the first one all but a key: zeros, and zero gradients, not NaN.
BOOST_AUTO_TEST_CASE(a_row_that_sees_nothing) {
  for (const bool each_query : {false, true}) {
    auto tester = attention_of({2, 3, 4}, {2, 3, 4});
    const auto seen = [=](std::int64_t i) { return each_query ? i < 9 && i / 3 != 1 : i < 3 && i != 2; };
    tester.input("mask", mask_of(each_query ? Shape{2, 3, 3} : Shape{2, 3}, seen));
    const NodeResult result = tester.run_random();
    const auto zero = [](std::span<const float> values) {
      return std::ranges::all_of(values, [](float v) { return v == 0; });
    };
    const auto row = [](const Tensor& map, std::size_t first, std::size_t count) {
      return std::span<const float>(map.values()).subspan(first * 4, count * 4);
    };
    BOOST_TEST(zero(row(result.outputs.at("y"), 3, 3)));
    BOOST_TEST(!zero(row(result.outputs.at("y"), 0, 1)));
    BOOST_TEST(zero(row(result.outputs.at("y"), 1, 1)) == each_query);
    for (const char* port : {"query", "key", "value"}) {
      BOOST_TEST(zero(row(result.diff_inputs.at(port), 3, 3)), port);
      BOOST_TEST(!zero(row(result.diff_inputs.at(port), 0, 1)), port);
    }
    BOOST_TEST(zero(row(result.diff_inputs.at("key"), 2, 1)) == !each_query);
    BOOST_TEST(zero(row(result.diff_inputs.at("query"), 1, 1)) == each_query);
  }
}

// A hidden key has no influence on a single bit.
BOOST_AUTO_TEST_CASE(hidden_keys_do_not_count) {
  const auto result = [](float at_hidden) {
    auto tester = node("attention");
    Tensor key(loom::DType::f32, {1, 150, 4}), value(loom::DType::f32, {1, 150, 4});
    for (std::size_t i = 0; i < 600; ++i) {
      const bool hidden = !third(static_cast<std::int64_t>(i) / 4);
      key.values()[i] = hidden ? at_hidden : static_cast<float>(i % 7) * 0.1F;
      value.values()[i] = hidden ? -at_hidden : static_cast<float>(i % 5) * 0.2F;
    }
    tester.random_input("query", {1, 6, 4}).input("key", std::move(key)).input("value", std::move(value));
    return tester.input("mask", mask_of({1, 150}, third)).run();
  };
  const NodeResult a = result(0), b = result(1e3F);
  BOOST_TEST(std::ranges::equal(a.outputs.at("y").values(), b.outputs.at("y").values()));
}

BOOST_AUTO_TEST_CASE(one_position_at_a_time) {
  const auto check = [](NodeTester& tester, Filled keys, int axes = 1) {
    expect_ok(check_incremental(tester, {.axes = axes,
                                         .fills = {{"query", Filled::through}, {"key", keys}, {"value", keys}},
                                         .gives = {{"y", Filled::through}}}));
  };
  auto rotary = attention_of({3, 9, 8}, {3, 9, 8});
  check(rotary.option("mask", "causal").option("positions", "rotary").option("base", 30.0), Filled::through);
  auto rotary_image = attention_of({2, 3, 4, 8}, {2, 3, 4, 8});
  check(rotary_image.option("mask", "causal").option("strict", true).option("positions", "rotary"), Filled::before, 2);
  auto relative = attention_of({3, 9, 4}, {3, 9, 4});
  check(relative.option("causal", true).option("positions", "relative").option("distance", 3), Filled::through);
  auto blocks = attention_of({3, 14, 4}, {3, 14, 4});
  check(blocks.option("mask", "block_causal").option("strict", true).option("block", list({1, 4, 9})), Filled::before);
  auto padding = attention_of({3, 9, 4}, {3, 9, 4});
  check(padding.option("mask", "causal").input("mask", mask_of({3, 9}, third)), Filled::through);
  auto pairs = attention_of({3, 9, 4}, {3, 9, 4});
  check(pairs.option("mask", "causal").input("mask", mask_of({3, 9, 9}, third)), Filled::through);
  auto linear = attention_of({3, 9, 4}, {3, 9, 4}, "linear_attention");
  check(linear.option("causal", true), Filled::through);
  auto linear_image = attention_of({2, 3, 4, 4}, {2, 3, 4, 4}, "linear_attention");
  check(linear_image.option("causal", true).option("strict", true), Filled::before, 2);
  auto linear_padding = attention_of({3, 9, 4}, {3, 9, 4}, "linear_attention");
  check(linear_padding.option("causal", true).input("mask", mask_of({3, 9}, third)), Filled::through);
}

BOOST_AUTO_TEST_CASE(blocks_that_are_not_drawn_yet) {
  auto blocks = attention_of({2, 8, 4}, {2, 8, 4});
  blocks.option("mask", "block_causal").option("block", 4);
  const IncrementalCheck check{
      .fills = {{"query", Filled::through}, {"key", Filled::through}, {"value", Filled::through}}};
  BOOST_CHECK_EXCEPTION(check_incremental(blocks, check), loom::Error, [](const loom::Error& e) {
    return e.code() == loom::ErrorCode::not_supported &&
           std::string(e.what()).find("strict: true") != std::string::npos;
  });
}

// The score of a query and a key depends on their distance alone.
BOOST_AUTO_TEST_CASE(rotary_scores_depend_on_the_distance) {
  const auto weights = [](std::int64_t query_at, std::int64_t key_at) {
    Tensor query(loom::DType::f32, {1, 40, 4}), key(loom::DType::f32, {1, 40, 4}), value(loom::DType::f32, {1, 40, 1});
    const float q[] = {1, -0.5F, 2, 0.25F}, k[] = {0.5F, 1, -1, 2};
    std::copy_n(q, 4, query.values().data() + query_at * 4);
    std::copy_n(k, 4, key.values().data() + key_at * 4);
    value.values()[static_cast<std::size_t>(key_at)] = 1;
    auto tester = node("attention");
    tester.option("positions", "rotary").input("query", std::move(query)).input("key", std::move(key));
    return tester.input("value", std::move(value)).run().outputs.at("y").values()[static_cast<std::size_t>(query_at)];
  };
  BOOST_TEST(std::abs(weights(3, 8) - weights(30, 35)) < 1e-6F);
  BOOST_TEST(std::abs(weights(3, 8) - weights(3, 9)) > 1e-3F);
}

BOOST_AUTO_TEST_CASE(reports_bad_options_and_masks) {
  const auto error = [](const std::function<void(NodeTester&)>& set, const std::string& text,
                        const std::string& type = "attention") {
    auto tester = attention_of({2, 6, 4}, {2, 6, 4}, type);
    set(tester);
    expect_error(tester, text);
  };
  error([](NodeTester& t) { t.option("mask", "block_causal"); }, "no `block`");
  error([](NodeTester& t) { t.option("mask", "block_causal").option("block", list({1, 4})); }, "do not cover");
  error([](NodeTester& t) { t.option("mask", "block_causal").option("block", 2).option("causal", true); },
        "contradict");
  error([](NodeTester& t) { t.option("mask", "future"); }, "block_causal");
  error([](NodeTester& t) { t.random_input("mask", {2, 5}); }, "[N, 6] or [N, 6, 6]");
  error([](NodeTester& t) { t.option("positions", "rotary").option("rotary_channels", 3); }, "an even number");
  error([](NodeTester& t) { t.option("positions", "rotary").option("rotary_channels", 4); }, "4 of 2 channels");
  error([](NodeTester& t) { t.option("block", 2); }, "`block` has no effect without mask: block_causal");
  error([](NodeTester& t) { t.option("base", 10); }, "`base` has no effect without positions: rotary");
  error([](NodeTester& t) { t.option("positions", "relative").option("rotary_channels", 2); },
        "`rotary_channels` has no");
  error([](NodeTester& t) { t.option("positions", "rotary").option("distance", 4); }, "`distance` has no effect");
  error([](NodeTester& t) { t.option("strict", true); }, "strict without causal", "linear_attention");
  error([](NodeTester& t) { t.option("heads", 3); }, "a multiple of 3 channels", "linear_attention");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(linear_attention)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("linear_attention"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto all = attention_of({3, 5, 4}, {3, 7, 4}, "linear_attention");
  expect_ok(all.check());
  auto causal = attention_of({3, 9, 4}, {3, 9, 4}, "linear_attention");
  expect_ok(causal.option("causal", true).input("mask", mask_of({3, 9}, third)).check());
  auto strict = attention_of({2, 3, 3, 4}, {2, 3, 3, 4}, "linear_attention");
  expect_ok(strict.option("causal", true).option("strict", true).check());
}

BOOST_AUTO_TEST_SUITE_END()

// gather, sort and top_k: choosing values by place.
#include <limits>

#include "nodes/node_checks.h"

using namespace loom::check;

namespace {

loom::Tensor places(const loom::Shape& shape, std::vector<std::int32_t> values) { return tensor_of(shape, values); }

void expect_values(const loom::Tensor& got, const loom::Shape& shape, const std::vector<float>& values) {
  Report report;
  compare(report, "y", got, tensor_of(shape, values), 0);
  expect_ok(report);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(choosing)

BOOST_AUTO_TEST_CASE(equal_pytorch) {
  expect_golden("gather");
  expect_golden("sort");
  expect_golden("top_k");
}

BOOST_AUTO_TEST_CASE(gather_takes_whole_vectors) {
  auto tester = node("gather");
  tester.input("x", tensor_of({2, 3, 2}, std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
  tester.input("index", places({2, 2}, {2, 0, 1, 1}));
  expect_values(tester.run().outputs.at("y"), {2, 2, 2}, {4, 5, 0, 1, 8, 9, 8, 9});
  expect_ok(tester.check());
  auto table = node("gather");  // places [H, W] of a table [K, D]
  table.random_input("x", {3, 4, 5}).input("index", places({3, 2, 2}, {0, 1, 2, 3, 3, 3, 3, 3, 0, 0, 1, 2}));
  BOOST_TEST(table.output_shapes().front().event().text() == "[2, 2, 5]");
  expect_ok(table.check());
  auto last = node("gather");
  last.option("axis", -1)
      .random_input("x", {2, 3, 4})
      .input("index", places({2, 3, 2}, {0, 1, 2, 3, 3, 0, 0, 0, 1, 1, 2, 2}));
  BOOST_TEST(last.output_shapes().front().event().text() == "[3, 2]");
  expect_ok(last.check());
}

BOOST_AUTO_TEST_CASE(gather_with_the_places_of_sort_sorts) {
  for (const int axis : {1, 2}) {
    auto sort = node("sort"), gather = node("gather");
    sort.option("axis", axis).random_input("x", {3, 5, 4});
    const NodeResult sorted = sort.run();
    gather.option("axis", axis).option("aligned", true).input("x", random_tensor({3, 5, 4}, loom::stream_of("x")));
    gather.input("index", sorted.outputs.at("index").clone());
    Report report;
    compare(report, "y", gather.run().outputs.at("y"), sorted.outputs.at("y"), 0);
    expect_ok(report);
    expect_ok(gather.check());
  }
}

BOOST_AUTO_TEST_CASE(gather_moves_codes) {
  auto tester = node("gather");
  tester.input("x", places({2, 3}, {5, 6, 7, 8, 9, 10})).input("index", places({2, 1}, {2, 0}));
  const loom::Tensor y = tester.run().outputs.at("y").clone();
  BOOST_TEST(y.values<std::int32_t>()[0] == 7);
  BOOST_TEST(y.values<std::int32_t>()[1] == 8);
}

BOOST_AUTO_TEST_CASE(gather_names_the_sample_of_a_wrong_place) {
  for (const std::int32_t wrong : {3, -1}) {
    auto tester = node("gather");
    tester.random_input("x", {2, 3, 2}).input("index", places({2, 2}, {0, 1, wrong, 0}));
    BOOST_CHECK_EXCEPTION(tester.run(), loom::Error, [](const loom::Error& e) {
      return std::string(e.what()).find("sample 1 has the index") != std::string::npos;
    });
  }
}

BOOST_AUTO_TEST_CASE(order_is_stable_and_nan_is_the_largest) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const loom::Tensor x = tensor_of({1, 6}, std::vector<float>{2, nan, 1, 2, -1, 1});
  auto up = node("sort"), down = node("sort"), top = node("top_k"), low = node("top_k");
  const auto index_of = [&](NodeTester& tester) {
    const loom::Tensor index = tester.input("x", x.clone()).run().outputs.at("index").clone();
    return std::vector<std::int32_t>(index.values<std::int32_t>().begin(), index.values<std::int32_t>().end());
  };
  BOOST_TEST((index_of(up) == std::vector<std::int32_t>{4, 2, 5, 0, 3, 1}));
  BOOST_TEST((index_of(down.option("descending", true)) == std::vector<std::int32_t>{1, 0, 3, 2, 5, 4}));
  BOOST_TEST((index_of(top.option("k", 2)) == std::vector<std::int32_t>{1, 0}));
  BOOST_TEST((index_of(low.option("k", 3).option("largest", false)) == std::vector<std::int32_t>{4, 2, 5}));
}

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto sort = node("sort");
  expect_ok(sort.option("axis", 1).option("descending", true).random_input("x", {3, 6, 2}).check());
  auto top = node("top_k");
  expect_ok(top.option("k", 3).random_input("x", {3, 2, 7}).check());
}

BOOST_AUTO_TEST_CASE(report_what_does_not_fit) {
  auto many = node("top_k");
  expect_error(many.option("k", 5).random_input("x", {2, 4}), "k is more than");
  auto batch = node("sort");
  expect_error(batch.option("axis", 0).random_input("x", {2, 4}), "axis 0 is the batch");
  auto other = node("gather");
  other.option("axis", 2).random_input("x", {2, 4, 3}).input("index", places({2, 5}, std::vector<std::int32_t>(10, 0)));
  expect_error(other, "does not fit");
}

BOOST_AUTO_TEST_SUITE_END()

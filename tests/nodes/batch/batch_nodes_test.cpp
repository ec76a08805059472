// Nodes that see the whole batch: their values against plain loops, gradients, and the same bits for any shards.
#include <algorithm>

#include "nodes/node_checks.h"

using namespace loom::check;

namespace {

constexpr std::int64_t kRows = 7, kWidth = 3;

loom::Tensor example(std::uint64_t seed = 3) { return random_tensor({kRows, kWidth}, seed); }
double at(const loom::Tensor& x, std::int64_t n, std::int64_t i) {
  return static_cast<double>(x.view()[n][static_cast<std::size_t>(i)]);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(batch_nodes)

BOOST_AUTO_TEST_CASE(shuffles_keep_the_values_of_each_place) {
  for (const bool columns : {false, true}) {
    auto tester = node("shuffle_batch");
    tester.option("columns", columns).input("x", example());
    const loom::Tensor x = example(), y = tester.run().outputs.at("y").clone();
    int whole_rows = 0, moved = 0;
    for (std::int64_t n = 0; n < kRows; ++n) {
      moved += std::ranges::equal(x.view()[n], y.view()[n]) ? 0 : 1;
      for (std::int64_t m = 0; m < kRows; ++m) whole_rows += std::ranges::equal(x.view()[m], y.view()[n]) ? 1 : 0;
    }
    BOOST_TEST(moved > 2);
    BOOST_TEST((columns ? whole_rows < kRows : whole_rows == kRows));
    for (std::int64_t i = 0; i < kWidth; ++i) {
      std::vector<double> before, after;
      for (std::int64_t n = 0; n < kRows; ++n) before.push_back(at(x, n, i)), after.push_back(at(y, n, i));
      std::ranges::sort(before);
      std::ranges::sort(after);
      BOOST_TEST((before == after));
    }
    expect_ok(tester.check());
  }
  auto codes = node("shuffle_batch");
  codes.input("x", tensor_of({4, 1}, std::vector<std::int32_t>{5, 6, 7, 8}));
  const loom::Tensor y = codes.run().outputs.at("y").clone();
  std::vector<std::int32_t> values(y.values<std::int32_t>().begin(), y.values<std::int32_t>().end());
  std::ranges::sort(values);
  BOOST_TEST((values == std::vector<std::int32_t>{5, 6, 7, 8}));
}

BOOST_AUTO_TEST_CASE(mean_and_covariance) {
  const loom::Tensor x = example();
  auto mean = node("batch_mean");
  const loom::Tensor means = mean.input("x", x.clone()).run().outputs.at("y").clone();
  for (const int ddof : {0, 1}) {
    auto covariance = node("batch_covariance");
    covariance.option("ddof", ddof).input("x", x.clone());
    const loom::Tensor y = covariance.run().outputs.at("y").clone();
    for (std::int64_t i = 0; i < kWidth; ++i) {
      for (std::int64_t j = 0; j < kWidth; ++j) {
        double sum = 0, mean_i = 0, mean_j = 0;
        for (std::int64_t n = 0; n < kRows; ++n) mean_i += at(x, n, i) / kRows, mean_j += at(x, n, j) / kRows;
        for (std::int64_t n = 0; n < kRows; ++n) sum += (at(x, n, i) - mean_i) * (at(x, n, j) - mean_j);
        BOOST_TEST(std::abs(at(means, 4, i) - mean_i) < 1e-6);
        BOOST_TEST(std::abs(at(y, 5, i * kWidth + j) - sum / (kRows - ddof)) < 1e-5);
      }
    }
    expect_ok(covariance.check());
  }
  expect_ok(mean.check());
}

BOOST_AUTO_TEST_CASE(sorted_columns) {
  auto tester = node("sort_batch");
  const NodeResult result = tester.input("x", example()).run();
  const loom::Tensor x = example(), y = result.outputs.at("y").clone(), index = result.outputs.at("index").clone();
  for (std::int64_t i = 0; i < kWidth; ++i) {
    for (std::int64_t n = 0; n < kRows; ++n) {
      if (n > 0) BOOST_TEST(at(y, n - 1, i) <= at(y, n, i));
      BOOST_TEST(at(x, index.view().operator[]<std::int32_t>(n)[static_cast<std::size_t>(i)], i) == at(y, n, i));
    }
  }
  expect_ok(tester.check());
}

BOOST_AUTO_TEST_CASE(distances_to_the_rows_that_follow) {
  for (const std::string kind : {"squared", "euclidean"}) {
    for (const bool paired : {false, true}) {
      auto tester = node("pairwise_distance");
      tester.option("others", 5).option("kind", kind).input("a", example());
      if (paired) tester.input("b", example(8));
      const loom::Tensor a = example(), b = paired ? example(8) : example(), y = tester.run().outputs.at("y").clone();
      for (std::int64_t n = 0; n < kRows; ++n) {
        for (std::int64_t j = 0; j < 5; ++j) {
          double sum = 0;
          const std::int64_t m = (n + j + (paired ? 0 : 1)) % kRows;
          for (std::int64_t i = 0; i < kWidth; ++i) sum += std::pow(at(a, n, i) - at(b, m, i), 2);
          BOOST_TEST(std::abs(at(y, n, j) - (kind == "squared" ? sum : std::sqrt(sum))) < 1e-5);
        }
      }
      expect_ok(tester.check());
    }
  }
}

BOOST_AUTO_TEST_CASE(rows_and_axes) {
  auto rows = node("rows_to_axis");
  BOOST_TEST(rows.samples(2).random_input("x", {6, 4}).output_shapes().front().text() == "[N, 3, 4]");
  auto axis = node("axis_to_rows");
  BOOST_TEST(axis.random_input("x", {2, 3, 4}).output_shapes().front().text() == "[3N, 4]");
  auto none = node("axis_to_rows");
  BOOST_TEST(!none.random_input("x", {2}).error().empty());
}

BOOST_AUTO_TEST_SUITE_END()

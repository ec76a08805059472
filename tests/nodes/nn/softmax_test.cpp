#include "nodes/node_checks.h"

using namespace loom;
using namespace loom::check;

BOOST_AUTO_TEST_SUITE(softmax)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("softmax"); }

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  for (bool log : {false, true}) {
    auto last = node("softmax");
    expect_ok(last.option("log", log).random_input("x", {3, 4, 5}).check());
    auto middle = node("softmax");
    expect_ok(middle.option("log", log).option("axis", 1).random_input("x", {3, 4, 5}).check());
  }
}

// Against the same in double precision: also where a probability is nearly 1, and its logarithm nearly 0.
BOOST_AUTO_TEST_CASE(the_logarithm_is_exact_and_never_above_0) {
  for (const std::int64_t classes : {1, 2, 3, 7, 16, 33, 1000}) {
    for (const double scale : {0.0, 1e-3, 1.0, 10.0, 40.0}) {
      for (const double offset : {0.0, 88.0, -1e4}) {
        const Tensor x = random_tensor({2, 3, classes}, 9, scale, offset);
        const NodeResult result = [&] {
          auto tester = node("softmax");
          return tester.option("log", true).input("x", x.clone()).run();
        }();
        const auto y = result.outputs.at("y").values();
        double worst = 0, most = -1;
        for (std::size_t first = 0; first < y.size(); first += static_cast<std::size_t>(classes)) {
          const auto row = x.values().subspan(first, static_cast<std::size_t>(classes));
          const auto best = static_cast<std::size_t>(std::ranges::max_element(row) - row.begin());
          double rest = 0;
          for (std::size_t k = 0; k < row.size(); ++k)
            if (k != best) rest += std::exp(static_cast<double>(row[k]) - static_cast<double>(row[best]));
          for (std::size_t k = 0; k < row.size(); ++k) {
            const double exact = static_cast<double>(row[k]) - static_cast<double>(row[best]) - std::log1p(rest);
            const double got = static_cast<double>(y[first + k]);
            worst = std::max(worst, exact == 0 ? std::abs(got) : std::abs(got / exact - 1));
            most = std::max(most, got);
          }
        }
        BOOST_TEST(worst < 1e-6, classes << " classes, scale " << scale << ", offset " << offset << ": " << worst);
        BOOST_TEST(most <= 0);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(reports_bad_axes) {
  auto batch = node("softmax");
  expect_error(batch.option("axis", 0).random_input("x", {3, 4}), "along the batch");
  auto none = node("softmax");
  expect_error(none.option("axis", 2).random_input("x", {3, 4}), "no axis 2");
}

BOOST_AUTO_TEST_SUITE_END()

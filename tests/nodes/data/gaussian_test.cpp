// Gaussian data: the covariance has the eigenvalues it was given.
#include "nodes/data/data_checks.h"

using namespace loom;
using namespace loom::check;

BOOST_AUTO_TEST_SUITE(gaussian)

BOOST_AUTO_TEST_CASE(the_covariance_has_the_given_eigenvalues) {
  const DataSource source = open_data(
      "gaussian",
      {{"features", 3}, {"eigenvalues", std::vector<OptionValue>{4, 1, 0.25}}, {"count", 40000}, {"split", "all"}});
  double covariance[3][3] = {}, mean[3] = {};
  for (std::int64_t n = 0; n < source.size(); ++n) {
    const std::vector<float> x = Item(source, n).floats();
    for (std::size_t i = 0; i < 3; ++i) {
      mean[i] += x[i] / 40000;
      for (std::size_t j = 0; j < 3; ++j) covariance[i][j] += x[i] * x[j] / 40000;
    }
  }
  // Invariants of a rotation: the trace, the sum of the squares and the determinant.
  const auto& c = covariance;
  double squares = 0;
  for (const auto& row : c) {
    for (double value : row) squares += value * value;
  }
  const double determinant = c[0][0] * (c[1][1] * c[2][2] - c[1][2] * c[2][1]) -
                             c[0][1] * (c[1][0] * c[2][2] - c[1][2] * c[2][0]) +
                             c[0][2] * (c[1][0] * c[2][1] - c[1][1] * c[2][0]);
  BOOST_TEST(std::abs(c[0][0] + c[1][1] + c[2][2] - 5.25) < 0.1);
  BOOST_TEST(std::abs(squares - 17.0625) < 0.6);
  BOOST_TEST(std::abs(determinant - 1) < 0.06);
  for (double value : mean) BOOST_TEST(std::abs(value) < 0.05);
  BOOST_TEST(std::abs(c[0][1]) + std::abs(c[0][2]) + std::abs(c[1][2]) > 0.1);  // it is rotated
}

BOOST_AUTO_TEST_CASE(is_a_function_of_the_seed) {
  const auto item = [](int seed) {
    return Item(open_data("gaussian", {{"features", 300}, {"seed", seed}}), 17).floats();
  };
  BOOST_TEST(item(3) == item(3));
  BOOST_TEST(item(3) != item(4));
  BOOST_TEST(open_data("gaussian", {{"seed", 3}}).hash() != open_data("gaussian", {{"seed", 4}}).hash());
}

BOOST_AUTO_TEST_CASE(eigenvalues_must_fit_the_features) {
  check_error(ErrorCode::data_specification, {"2 eigenvalues for 3 features"}, [] {
    open_data("gaussian", {{"features", 3}, {"eigenvalues", std::vector<OptionValue>{4, 1}}});
  });
  check_error(ErrorCode::out_of_range, {"eigenvalues"}, [] {
    open_data("gaussian", {{"features", 2}, {"eigenvalues", std::vector<OptionValue>{4, -1}}});
  });
}

BOOST_AUTO_TEST_SUITE_END()

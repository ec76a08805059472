// The mean absolute error: values worked out by hand, and any division into parts.
#include "loom/check.h"
#include "measure/support.h"

using namespace loom;
using namespace loom::check;
using boost::test_tools::tolerance;

BOOST_AUTO_TEST_SUITE(mean_absolute_error)

BOOST_AUTO_TEST_CASE(by_hand) {
  const Tensor x = tensor_of({3, 2}, std::vector<float>{0, 1, 2, -2, 0.5F, 0.5F}),
               y = tensor_of({3, 2}, std::vector<float>{1, 1, 0, -1, 0.5F, 0.25F});
  const auto values = measured("mean_absolute_error", {{{"original", x.view()}, {"reconstruction", y.view()}}});
  // Per item: 0.5, 1.5, 0.125; their variance is 0.5052083.
  BOOST_TEST(number_at(values, "mean_absolute_error") == 4.25 / 6, tolerance(1e-12));
  const MetricValue* value = find_value(values, "mean_absolute_error");
  BOOST_REQUIRE(value->standard_error.has_value());
  BOOST_TEST(*value->standard_error == std::sqrt(0.505208333333 / 3), tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(one_item_has_no_standard_error) {
  const Tensor x = tensor_of({1, 2}, std::vector<float>{0, 1}), y = tensor_of({1, 2}, std::vector<float>{0, 1});
  const auto values = measured("mean_absolute_error", {{{"original", x.view()}, {"reconstruction", y.view()}}});
  BOOST_TEST(number_at(values, "mean_absolute_error") == 0.0);
  BOOST_TEST(!find_value(values, "mean_absolute_error")->standard_error.has_value());
}

BOOST_AUTO_TEST_CASE(parts_do_not_matter) {
  const Tensor x = noise(50, 7, 1), y = noise(50, 7, 2);
  const auto whole = measured("mean_absolute_error", {{{"original", x.view()}, {"reconstruction", y.view()}}});
  const auto parts = measured("mean_absolute_error",
                              {{{"original", x.view().rows(0, 13)}, {"reconstruction", y.view().rows(0, 13)}},
                               {{"original", x.view().rows(13, 37)}, {"reconstruction", y.view().rows(13, 37)}}});
  BOOST_TEST(number_at(whole, "mean_absolute_error") == number_at(parts, "mean_absolute_error"));
}

BOOST_AUTO_TEST_SUITE_END()

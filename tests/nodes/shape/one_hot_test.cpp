#include "nodes/node_checks.h"

using namespace loom;
using namespace loom::check;

BOOST_AUTO_TEST_SUITE(one_hot)

BOOST_AUTO_TEST_CASE(values_and_rules) {
  auto tester = node("one_hot");
  tester.option("classes", 3).input("x", tensor_of({2, 2}, std::vector<std::int32_t>{2, 0, 1, 1}));
  Report report;
  compare(report, "y", tester.run().outputs.at("y"),
          tensor_of({2, 2, 3}, std::vector<float>{0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0}), 0);
  expect_ok(report);
  expect_ok(tester.check_repeatable());
  expect_ok(tester.check_shards());
}

BOOST_AUTO_TEST_CASE(a_code_beyond_the_classes_is_refused) {
  auto tester = node("one_hot");
  tester.option("classes", 3).input("x", tensor_of({2}, std::vector<std::int32_t>{2, 3}));
  BOOST_CHECK_EXCEPTION(tester.run(), Error,
                        [](const Error& error) { return std::string(error.what()).find("3") != std::string::npos; });
}

BOOST_AUTO_TEST_SUITE_END()

// student_t_nll compared with PyTorch.
#define BOOST_TEST_MODULE student_t_nll
#include <boost/test/unit_test.hpp>

#include <loom/check.h>

using namespace loom;
using namespace loom::check;

namespace {

const Registry& registry() {
  static const auto loaded = [] {
    auto types = std::make_unique<Registry>();
    load_plugin(*types, PLUGIN_FILE);
    return types;
  }();
  return *loaded;
}
NodeTester student() { return {registry(), "student_t_nll"}; }
void expect_ok(const Report& report) { BOOST_TEST(report.ok(), report.text()); }

}  // namespace

BOOST_AUTO_TEST_CASE(equals_pytorch) {
  expect_ok(check_golden(registry(), "student_t_nll", TEST_FOLDER "/student_t_nll.npz"));
}

BOOST_AUTO_TEST_CASE(keeps_the_rules) {
  expect_ok(student().random_input("mean", {5, 3, 2}).random_input("target", {5, 3, 2}).check());
}

BOOST_AUTO_TEST_CASE(refuses) {
  const auto error = [](const char* option, double value) {
    return student().option(option, value).random_input("mean", {2, 3}).random_input("target", {2, 3}).error();
  };
  BOOST_TEST(error("nu", 0.5).find("nu") != std::string::npos);
  BOOST_TEST(error("sigma", -1).find("sigma") != std::string::npos);
}

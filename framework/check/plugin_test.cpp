#include "loom/check.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include "loom/error.h"
#include "plugin/registries.h"

namespace loom::check {

PluginTest::PluginTest(int argc, char** argv) {
  try {
    if (argc != 2) throw Error(ErrorCode::usage, "give the test the plugin library", "loom_add_plugin_test() does");
    registry_ = registry_for({{}, {argv[1]}});
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    std::exit(1);
  }
}

NodeTester PluginTest::node(const std::string& type) const { return {*registry_, type}; }

void PluginTest::check(const std::string& name, const TypeCheck& settings) {
  bool known = false;
  for_each_kind([&]<class Type>() {
    const auto type = registry_->find<Type>(name);
    if (!type) return;
    known = true;
    const CheckTable table = check_type(type, settings);
    fmt::print("{}", table.text());
    expect(table.ok(), fmt::format("{}: {}", name, table.failures()));
  });
  if (!known) expect(false, fmt::format("the library has no type '{}'", name));
}

void PluginTest::expect(bool good, const std::string& what) {
  ++checks_;
  if (!good) failures_.push_back(what);
}

void PluginTest::expect_values(const std::string& what, const TensorView& got, const std::vector<float>& expected,
                               double tolerance) {
  Report report;
  compare(report, what, got, tensor_of(got.shape(), expected), tolerance);
  expect(report.ok(), report.text());
}

int PluginTest::finish() {
  for (const std::string& failure : failures_) fmt::print("FAILED: {}\n", failure);
  fmt::print("{} of {} checks passed\n", checks_ - static_cast<int>(failures_.size()), checks_);
  return failures_.empty() && checks_ > 0 ? 0 : 1;
}

}  // namespace loom::check

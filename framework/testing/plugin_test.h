// What the test of a plugin is made of, beside the standard library: a program that ctest gives the plugin library.
//
//   int main(int argc, char** argv) {
//     loom::testing::PluginTest test(argc, argv);
//     test.check("acme.huber");                                          // as graph-runner check does
//     auto node = test.node("acme.huber");
//     node.option("delta", 1.0).input("mean", ...).input("target", ...);
//     test.expect_values("loss", node.run().outputs.at("loss"), {0.5F, 2.5F});
//     return test.finish();
//   }
//
// Thread safety: one thread. Errors: the constructor prints what is wrong with the library, and ends the program
// with 1.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graph/registry.h"
#include "testing/check_type.h"
#include "testing/node_tester.h"

namespace loom::testing {

class PluginTest {
 public:
  PluginTest(int argc, char** argv);

  const Registry& registry() const { return *registry_; }
  NodeTester node(const std::string& type) const;

  // Everything that `graph-runner check` checks but allocations; the table is printed.
  void check(const std::string& type, const TypeCheck& settings = {});
  void expect(bool good, const std::string& what);
  void expect_values(const std::string& what, const TensorView& got, const std::vector<float>& expected,
                     double tolerance = 1e-5);
  int finish();  // says what failed; the exit code

 private:
  std::unique_ptr<Registry> registry_;
  int checks_ = 0;
  std::vector<std::string> failures_;
};

}  // namespace loom::testing

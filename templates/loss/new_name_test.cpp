// new.name: the checks of every node, and values computed by hand.
#include <loom/check.h>

using namespace loom::check;

int main(int argc, char** argv) {
  PluginTest test(argc, argv);
  test.check("new.name");

  // Residuals 0.5, -1 and 3 at delta 2: 0.125 + 0.5 + 2 (3 - 1); its slopes are 0.5, -1 and 2.
  auto node = test.node("new.name");
  node.option("delta", 2.0);
  node.input("mean", tensor_of({1, 3}, std::vector<float>{1.5F, 0, 4}));
  node.input("target", tensor_of({1, 3}, std::vector<float>{1, 1, 1}));
  Tensors above;
  above.emplace("loss", tensor_of({1}, std::vector<float>{1}));
  const NodeResult result = node.run(above);
  test.expect_values("loss", result.outputs.at("loss"), {4.625F});
  test.expect_values("slope", result.diff_inputs.at("mean"), {0.5F, -1, 2});

  auto wrong = test.node("new.name");
  wrong.option("delta", 0.0).random_input("mean", {1, 3}).random_input("target", {1, 3});
  test.expect(!wrong.error().empty(), "a delta of 0 is refused");
  return test.finish();
}

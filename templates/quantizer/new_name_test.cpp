// new.name: the checks of every node, and a step computed by hand.
#include <loom/check.h>

#include <algorithm>

using namespace loom::check;

int main(int argc, char** argv) {
  PluginTest test(argc, argv);
  test.check("new.name");

  // Levels 0 and 1, values 0.25, 0.75 and 1.25: the codes are 0, 1, 1.
  auto node = test.node("new.name");
  node.option("levels", 2).option("rate", 0.5);
  node.input("x", tensor_of({1, 3}, std::vector<float>{0.25F, 0.75F, 1.25F}));
  node.state("levels", tensor_of({2}, std::vector<float>{0, 1}));
  Tensors above;
  above.emplace("quantized", tensor_of({1, 3}, std::vector<float>{1, 2, 3}));
  above.emplace("loss", tensor_of({1}, std::vector<float>{1}));
  const NodeResult result = node.run(above);
  test.expect_values("quantized", result.outputs.at("quantized"), {0, 1, 1});
  test.expect_values("loss", result.outputs.at("loss"), {3 * 0.0625F});
  test.expect_values("straight-through, and twice the distance", result.diff_inputs.at("x"), {1.5F, 1.5F, 3.5F});
  // Half of the distance to the means 0.25 and 1; both levels were used.
  test.expect_values("levels", result.states.at("levels"), {0.125F, 1});
  test.expect_values("unused_for", result.states.at("unused_for"), {0, 0});
  return test.finish();
}

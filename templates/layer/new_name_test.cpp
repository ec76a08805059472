// new.name: the checks of every node, and values computed by hand.
#include <loom/check.h>

#include <cmath>

using namespace loom::check;

int main(int argc, char** argv) {
  PluginTest test(argc, argv);
  test.check("new.name");

  // a = 1 where the parameter is 0: x + sin^2(x); a = 2 in the second channel.
  auto node = test.node("new.name");
  node.input("x", tensor_of({2, 2}, std::vector<float>{0, 0, 1, 1}));
  node.parameter("log_frequency", tensor_of({2}, std::vector<float>{0, std::log(2.0F)}));
  const float s1 = std::sin(1.0F), s2 = std::sin(2.0F);
  test.expect_values("y", node.run().outputs.at("y"), {0, 0, 1 + s1 * s1, 1 + s2 * s2 / 2});
  return test.finish();
}

// new.name: the checks of every node, and the moments of its draws.
#include <loom/check.h>

#include <cmath>

using namespace loom::check;

int main(int argc, char** argv) {
  PluginTest test(argc, argv);
  test.check("new.name");

  // At 2 with scale 0.5: the mean is 2, the mean absolute deviation 0.5, the entropy 1 + ln(2 * 0.5) = 1.
  constexpr std::int64_t kDraws = 20000;
  auto node = test.node("new.name");
  node.input("mu", tensor_of({kDraws, 1}, std::vector<float>(kDraws, 2)));
  node.input("log_scale", tensor_of({kDraws, 1}, std::vector<float>(kDraws, std::log(0.5F))));
  const NodeResult result = node.run();
  double mean = 0, deviation = 0, entropy = 0;
  for (const float z : result.outputs.at("z").values()) {
    mean += static_cast<double>(z) / kDraws;
    deviation += std::abs(static_cast<double>(z) - 2) / kDraws;
  }
  for (const float density : result.outputs.at("log_density").values())
    entropy -= static_cast<double>(density) / kDraws;
  test.expect(std::abs(mean - 2) < 0.02, "the mean of the draws is the location");
  test.expect(std::abs(deviation - 0.5) < 0.02, "their mean absolute deviation is the scale");
  test.expect(std::abs(entropy - 1) < 0.03, "the mean of -log_density is the entropy");
  return test.finish();
}

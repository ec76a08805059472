// new.name: the checks of every node, its density at points computed by hand, and the moments of its draws.
#include <loom/check.h>

#include <cmath>

using namespace loom::check;

int main(int argc, char** argv) {
  PluginTest test(argc, argv);
  test.check("new.name");

  // At its mean the density of a logistic variable is 1 / (4 s): s = 1 and s = 1/2.
  auto density = test.node("new.name");
  density.input("z", tensor_of({1, 2}, std::vector<float>{0, 3}));
  density.parameter("mean", tensor_of({2}, std::vector<float>{0, 3}));
  density.parameter("log_scale", tensor_of({2}, std::vector<float>{0, std::log(0.5F)}));
  test.expect_values("log_density", density.run().outputs.at("log_density"), {std::log(0.25F * 0.5F)});

  // Its variance is s^2 pi^2 / 3.
  auto draws = test.node("new.name");
  draws.option("shape", std::vector<loom::OptionValue>{loom::OptionValue(5)}).samples(8000);
  draws.parameter("mean", tensor_of({5}, std::vector<float>(5, 1)));
  draws.parameter("log_scale", tensor_of({5}, std::vector<float>(5, 0)));
  const NodeResult result = draws.run();
  double mean = 0, variance = 0;
  for (const float y : result.outputs.at("y").values()) {
    mean += static_cast<double>(y) / 40000;
    variance += (static_cast<double>(y) - 1) * (static_cast<double>(y) - 1) / 40000;
  }
  test.expect(std::abs(mean - 1) < 0.04, "the mean of the draws is the mean");
  test.expect(std::abs(variance - 3.2899) < 0.15, "their variance is pi^2 / 3");
  return test.finish();
}

// new.name: the checks of every metric, and a value computed by hand.
#include <loom/check.h>
#include <loom/metric.h>

using namespace loom::check;

int main(int argc, char** argv) {
  PluginTest test(argc, argv);
  test.check("new.name");

  loom::Options options;
  options.set("tolerance", 0.25);
  const auto metric = test.registry().find<loom::MetricType>("new.name")->create(options);
  const loom::Tensor x = tensor_of({2, 2}, std::vector<float>{0, 1, 0.5F, 0.5F}),
                     y = tensor_of({2, 2}, std::vector<float>{0.25F, 0.5F, 0.25F, 1});
  metric->begin({.samples = 2});
  const std::vector<loom::TensorView> inputs = {x, y};
  metric->add(inputs);
  const std::vector<loom::MetricResult> results = metric->finish();
  test.expect(results.size() == 1 && std::get<double>(results[0].value) == 0.5, "2 of 4 values are close");
  return test.finish();
}

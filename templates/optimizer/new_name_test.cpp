// new.name: the checks of every optimizer, and two steps computed by hand.
#include <loom/check.h>
#include <loom/optimizer.h>

using namespace loom::check;

int main(int argc, char** argv) {
  PluginTest test(argc, argv);
  test.check("new.name");

  loom::Options options;
  options.set("beta1", 0.5);
  options.set("beta2", 0.75);
  options.set("weight_decay", 0.1);
  const auto optimizer = test.registry().find<loom::OptimizerType>("new.name")->create(options);
  const loom::Tensor weight = tensor_of({3}, std::vector<float>{1, -2, 0}),
                     m = tensor_of({3}, std::vector<float>{0, 0, 0});
  std::vector<float> gradient = {4, -8, 0};
  float* states[] = {m.view().data()};
  loom::Update update;
  update.weight = weight.view().data();
  update.gradient = gradient.data();
  update.states = states;
  update.count = 3;
  update.learning_rate = 0.5;
  optimizer->update(update);  // w -= 0.5 (sign g + 0.1 w)
  test.expect_values("weights after a step", weight, {0.45F, -1.4F, 0});
  test.expect_values("m after a step", m, {1, -2, 0});

  gradient = {-4, 1, 2};  // means 0.5 m + 0.5 g: -1.5, -0.5, 1
  optimizer->update(update);
  test.expect_values("weights after two", weight, {0.9275F, -0.83F, -0.5F});
  return test.finish();
}

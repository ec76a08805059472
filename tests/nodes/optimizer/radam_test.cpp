// radam against torch.optim.RAdam of PyTorch 1.13: weights after 1 and 5 steps, without a denominator, 6 and 12, with it.
// The gradients and learning rates are those of tests/golden/make_optimizer_golden.py, twice.
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <map>

#include "check/standard_registry.h"
#include "loom/optimizer.h"
#include "nodes/optimizer/optimizer_golden.h"

using namespace loom;
using namespace loom::check;

namespace {

struct Golden {
  std::map<std::string, double> options;
  std::map<int, std::vector<float>> weights;  // after so many steps
};

const std::vector<Golden> kGolden = {{{},
                                      {{1, {0.77760303F, 0.277747989F, -1.25483096F, 0.621068001F}},
                                       {5, {0.84642607F, 0.283639759F, -1.51839149F, 0.6211766F}},
                                       {6, {0.846203864F, 0.28385666F, -1.51860607F, 0.621619761F}},
                                       {12, {0.843208551F, 0.290031523F, -1.5236975F, 0.633980811F}}}},
                                     {{{"beta1", 0.8}, {"beta2", 0.95}, {"epsilon", 1e-3}, {"weight_decay", 0.1}},
                                      {{1, {0.770992994F, 0.275077999F, -1.25545096F, 0.614857972F}},
                                       {5, {0.810357213F, 0.274109244F, -1.39602494F, 0.601446331F}},
                                       {6, {0.808229923F, 0.27417469F, -1.39773774F, 0.597922504F}},
                                       {12, {0.779440582F, 0.276742786F, -1.43356049F, 0.502312005F}}}}};

Options options_of(const OptimizerType& type, const std::map<std::string, double>& given) {
  Options options;
  for (const OptionDeclaration& option : type.contract.options()) {
    const auto it = given.find(option.name);
    options.set(option.name, it == given.end() ? option.default_value : OptionValue(it->second));
  }
  return options;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(radam)

BOOST_AUTO_TEST_CASE(every_step_is_pytorchs) {
  const auto type = standard_registry().find<OptimizerType>("radam");
  for (const Golden& golden : kGolden) {
    const auto optimizer = type->create(options_of(*type, golden.options));
    std::vector<float> weight = kGoldenStart, m(weight.size()), v(weight.size());
    float* states[] = {m.data(), v.data()};
    for (int step = 1; step <= 12; ++step) {
      const std::size_t at = static_cast<std::size_t>(step - 1) % kGoldenGradients.size();
      Update update;
      update.weight = weight.data();
      update.gradient = kGoldenGradients[at].data();
      update.states = states;
      update.count = static_cast<std::int64_t>(weight.size());
      update.step = step;
      update.learning_rate = kGoldenRates[at];
      optimizer->update(update);
      const auto expected = golden.weights.find(step);
      if (expected == golden.weights.end()) continue;
      for (std::size_t i = 0; i < weight.size(); ++i)
        BOOST_TEST(std::abs(weight[i] - expected->second[i]) <= 2e-6F,
                   "step " << step << ", element " << i << ": " << weight[i] << " and not " << expected->second[i]);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

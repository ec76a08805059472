// Optimizers against PyTorch's, and what a document may say about them.
#include "train/optimizer_state.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "check/standard_registry.h"
#include "loom/random.h"
#include "train/optimizer_golden.h"

using namespace loom;
using namespace loom::check;

namespace {

using OptionList = std::map<std::string, OptionValue>;

OptimizerEntry entry_of(const std::string& type, const OptionList& options) {
  OptimizerEntry entry;
  entry.type = type;
  int column = 5;
  for (const auto& [name, value] : options) entry.options[name] = {value, {"model.yaml", 7, column += 10}};
  entry.where = entry.type_where = {"model.yaml", 7, 5};
  return entry;
}

// The options of a golden file, in which flags are numbers.
OptionList options_of(const std::map<std::string, double>& numbers) {
  OptionList options;
  for (const auto& [name, value] : numbers) {
    const bool is_flag = name == "nesterov" || name == "centered";
    options[name] = is_flag ? OptionValue(value != 0) : OptionValue(value);
  }
  return options;
}

std::unique_ptr<OptimizerState> state_of(const OptimizerEntry& entry, std::vector<Shape> shapes) {
  Diagnostics diagnostics;
  MadeOptimizer made = make_optimizer(standard_registry(), entry, diagnostics);
  diagnostics.throw_if_any();
  return std::make_unique<OptimizerState>(std::move(made), std::move(shapes));
}

std::string problems_of(const OptimizerEntry& entry) {
  try {
    state_of(entry, {Shape({2})});
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(optimizer)

BOOST_AUTO_TEST_CASE(every_step_is_pytorchs) {
  for (const OptimizerGolden& golden : kOptimizerGolden) {
    BOOST_TEST_CONTEXT(golden.name) {
      const auto count = static_cast<std::int64_t>(kGoldenStart.size());
      const auto optimizer = state_of(entry_of(golden.type, options_of(golden.options)), {Shape({count})});
      std::vector<float> weight = kGoldenStart;
      for (std::size_t step = 0; step < golden.weights.size(); ++step) {
        optimizer->begin_step(kGoldenRates[step]);
        optimizer->update(0, 0, count, weight.data(), kGoldenGradients[step].data());
        for (std::size_t i = 0; i < weight.size(); ++i) {
          BOOST_TEST(std::abs(weight[i] - golden.weights[step][i]) <= 2e-6F, "step " << step << ", element " << i
                                                                                     << ": " << weight[i] << " and not "
                                                                                     << golden.weights[step][i]);
        }
      }
      BOOST_TEST(optimizer->updates() == 6);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_gradient_factor_scales_the_gradient) {
  const auto scaled = state_of(entry_of("sgd", {{"momentum", 0.9}}), {Shape({4})});
  const auto plain = state_of(entry_of("sgd", {{"momentum", 0.9}}), {Shape({4})});
  std::vector<float> a = kGoldenStart, b = kGoldenStart;
  for (const std::vector<float>& gradient : kGoldenGradients) {
    std::vector<float> half = gradient;
    for (float& value : half) value *= 0.5F;
    scaled->begin_step(0.1, 0.5);
    scaled->update(0, 0, 4, a.data(), gradient.data());
    plain->begin_step(0.1);
    plain->update(0, 0, 4, b.data(), half.data());
  }
  for (std::size_t i = 0; i < 4; ++i) BOOST_TEST(a[i] == b[i], boost::test_tools::tolerance(1e-6F));
}

BOOST_AUTO_TEST_CASE(the_cut_into_ranges_changes_no_bit) {
  constexpr std::int64_t kCount = 1003;
  std::vector<float> start(kCount), gradient(kCount);
  RandomStream(1, 2, 3).normal(0, start);
  for (const std::string& type : standard_registry().names<OptimizerType>()) {
    const std::vector<std::string> names = standard_registry().find<OptimizerType>(type)->contract.option_names();
    const auto has = [&](const char* name) { return std::ranges::find(names, name) != names.end(); };
    OptionList options;
    if (has("momentum")) options["momentum"] = 0.9;
    if (has("centered")) options["centered"] = true;
    const auto run = [&](std::int64_t chunk) {
      const auto optimizer = state_of(entry_of(type, options), {Shape({kCount})});
      std::vector<float> weight = start;
      for (std::uint32_t step = 0; step < 3; ++step) {
        RandomStream(4, 5, step).normal(0, gradient);
        optimizer->begin_step(0.01, 0.7);
        for (std::int64_t first = 0; first < kCount; first += chunk)
          optimizer->update(0, first, std::min(kCount, first + chunk), weight.data(), gradient.data());
      }
      return weight;
    };
    const std::vector<float> whole = run(kCount);
    for (const std::int64_t chunk : {1, 7, 64, 500}) {
      const std::vector<float> cut = run(chunk);
      BOOST_TEST(std::memcmp(cut.data(), whole.data(), kCount * sizeof(float)) == 0, type << " in ranges of " << chunk);
    }
  }
}

BOOST_AUTO_TEST_CASE(going_on_from_saved_state_gives_the_same_bits) {
  for (const OptimizerGolden& golden : kOptimizerGolden) {
    const auto make = [&] { return state_of(entry_of(golden.type, options_of(golden.options)), {Shape({4})}); };
    const auto steps = [](OptimizerState& optimizer, std::vector<float>& weight, std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) {
        optimizer.begin_step(kGoldenRates[i]);
        optimizer.update(0, 0, 4, weight.data(), kGoldenGradients[i].data());
      }
    };
    std::vector<float> whole = kGoldenStart, cut = kGoldenStart;
    const auto one = make(), before = make(), after = make();
    steps(*one, whole, 0, 6);
    steps(*before, cut, 0, 3);
    for (int k = 0; k < static_cast<int>(before->state_names().size()); ++k) {
      std::ranges::copy(before->state(0, k).values(), after->state(0, k).values().begin());
    }
    after->set_updates(before->updates());
    steps(*after, cut, 3, 6);
    BOOST_TEST((cut == whole), golden.name);
  }
}

BOOST_AUTO_TEST_CASE(state_is_named) {
  const auto names = [](const OptimizerEntry& entry) { return state_of(entry, {Shape({2})})->state_names(); };
  BOOST_TEST((names(entry_of("adam", {})) == std::vector<std::string>{"m", "v"}));
  BOOST_TEST((names(entry_of("adamax", {})) == std::vector<std::string>{"m", "u"}));
  BOOST_TEST((names(entry_of("sgd", {})).empty()));
  BOOST_TEST((names(entry_of("sgd", {{"momentum", 0.9}})) == std::vector<std::string>{"momentum"}));
  BOOST_TEST((names(entry_of("rmsprop", {{"centered", true}})) == std::vector<std::string>{"v", "mean"}));
}

BOOST_AUTO_TEST_CASE(wrong_options_are_reported_together_with_their_place) {
  const std::string text = problems_of(entry_of("adam", {{"beta1", 1.0}, {"beta3", 0.5}, {"momentum", 0.9}}));
  const auto says = [](const std::string& words, const std::string& part) {
    BOOST_TEST(words.find(part) != std::string::npos, "'" << part << "': " << words);
  };
  says(text, "model.yaml:7:25: error E202 unknown-option: [adam] there is no option 'beta3'");
  says(text, "did you mean 'beta1'?");
  says(text, "there is no option 'momentum'");
  says(text, "lr");
  says(text, "model.yaml:7:15: error E106 out-of-range: [adam] the option 'beta1' is out of range");
  says(problems_of(entry_of("adamm", {})), "did you mean 'adam'?");
  says(problems_of(entry_of("sgd", {{"nesterov", true}})), "needs a momentum");
  says(problems_of(entry_of("adam", {{"nesterov", true}})), "there is no option 'nesterov'");
}

BOOST_AUTO_TEST_SUITE_END()

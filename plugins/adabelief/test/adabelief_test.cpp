// adabelief compared with the paper's algorithm in double precision, and its steps for special gradients.
#define BOOST_TEST_MODULE adabelief
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <vector>

#include <loom/check.h>
#include <loom/optimizer.h>

using namespace loom;
using namespace loom::check;

namespace {

std::shared_ptr<const OptimizerType> type() {
  static const auto loaded = [] {
    auto types = std::make_unique<Registry>();
    load_plugin(*types, PLUGIN_FILE);
    return types;
  }();
  return loaded->find<OptimizerType>("adabelief");
}

struct Settings {
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-16, weight_decay = 0;
};

Options options_of(const Settings& settings) {
  Options options;
  options.set("beta1", settings.beta1);
  options.set("beta2", settings.beta2);
  options.set("epsilon", settings.epsilon);
  options.set("weight_decay", settings.weight_decay);
  return options;
}

// One weight, trained by the plugin in f32 and by the formulas of algorithm 2 in f64.
class Both {
 public:
  explicit Both(const Settings& settings, float weight)
      : rule_(settings), optimizer_(type()->create(options_of(settings))), w32_(weight), w_(weight) {}

  void step(float gradient, double learning_rate) {
    ++t_;
    float* states[] = {&m32_, &s32_};
    Update update;
    update.weight = &w32_;
    update.gradient = &gradient;
    update.states = states;
    update.count = 1;
    update.step = t_;
    update.learning_rate = learning_rate;
    optimizer_->update(update);

    const double g = gradient, t = static_cast<double>(t_);
    m_ = rule_.beta1 * m_ + (1 - rule_.beta1) * g;
    s_ = rule_.beta2 * s_ + (1 - rule_.beta2) * (g - m_) * (g - m_) + rule_.epsilon;
    w_ -= learning_rate * rule_.weight_decay * w_;
    w_ -= learning_rate * (m_ / (1 - std::pow(rule_.beta1, t))) /
          (std::sqrt(s_ / (1 - std::pow(rule_.beta2, t))) + rule_.epsilon);
  }
  double plugin() const { return static_cast<double>(w32_); }
  double paper() const { return w_; }

 private:
  Settings rule_;
  std::unique_ptr<Optimizer> optimizer_;
  std::int64_t t_ = 0;
  float w32_, m32_ = 0, s32_ = 0;
  double w_, m_ = 0, s_ = 0;
};

}  // namespace

BOOST_AUTO_TEST_CASE(every_step_is_the_papers) {
  const Settings all[] = {{}, {.beta1 = 0.5, .beta2 = 0.9, .epsilon = 1e-3}, {.weight_decay = 0.3}, {.beta1 = 0.99}};
  for (const Settings& settings : all) {
    Both both(settings, 0.75F);
    for (int step = 0; step < 50; ++step) {
      both.step(static_cast<float>(std::sin(1.7 * step) + 0.2), step < 25 ? 0.05 : 0.01);
      BOOST_TEST(std::abs(both.plugin() - both.paper()) <= 2e-6);
    }
  }
}

// A gradient that never changes has a variance of almost zero, so steps become longer than Adam's lr.
BOOST_AUTO_TEST_CASE(steps_are_long_where_gradients_agree) {
  Both both({.beta2 = 0.9}, 0);
  for (int step = 0; step < 100; ++step) both.step(1, 0.01);
  BOOST_TEST(both.plugin() < -5);
}

BOOST_AUTO_TEST_CASE(keeps_the_rules) {
  const CheckTable table = check_type(type());
  BOOST_TEST(table.ok(), table.text());
}

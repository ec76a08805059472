#include "train/optimizer.h"

#include <cmath>

#include "loom/math.h"
#include "math/update.h"
#include "train/optimizer_options.h"

namespace loom {
namespace {

class Adam final : public Optimizer {
 public:
  Adam(std::vector<Shape> shapes, const OptimizerOptions& options, bool decoupled)
      : Optimizer(std::move(shapes), {"m", "v"}) {
    step_.beta1 = options.at("beta1");
    step_.beta2 = options.at("beta2");
    step_.epsilon = options.at("epsilon");
    step_.weight_decay = options.at("weight_decay");
    step_.decoupled = decoupled;
  }
  void update(int index, std::int64_t first, std::int64_t last, float* weight, const float* gradient) const override {
    math::AdamStep step = step_;
    if (start(index) != 0) correct(step, updates_of(index));
    math::adam_update(weight + first, gradient + first, values(index, 0) + first, values(index, 1) + first,
                      last - first, step);
  }

 private:
  void prepare_step() override {
    step_.learning_rate = learning_rate_;
    step_.gradient_factor = gradient_factor_;
    correct(step_, updates_);
  }
  static void correct(math::AdamStep& step, std::int64_t updates) {
    step.correction1 = 1 - std::pow(step.beta1, static_cast<double>(updates));
    step.correction2 = 1 - std::pow(step.beta2, static_cast<double>(updates));
  }
  math::AdamStep step_;
};

class Adamax final : public Optimizer {
 public:
  Adamax(std::vector<Shape> shapes, const OptimizerOptions& options) : Optimizer(std::move(shapes), {"m", "u"}) {
    step_.beta1 = options.at("beta1");
    step_.beta2 = options.at("beta2");
    step_.epsilon = options.at("epsilon");
    step_.weight_decay = options.at("weight_decay");
  }
  void update(int index, std::int64_t first, std::int64_t last, float* weight, const float* gradient) const override {
    math::AdamStep step = step_;
    if (start(index) != 0) step.correction1 = 1 - std::pow(step.beta1, static_cast<double>(updates_of(index)));
    math::adamax_update(weight + first, gradient + first, values(index, 0) + first, values(index, 1) + first,
                        last - first, step);
  }

 private:
  void prepare_step() override {
    step_.learning_rate = learning_rate_;
    step_.gradient_factor = gradient_factor_;
    step_.correction1 = 1 - std::pow(step_.beta1, static_cast<double>(updates_));
  }
  math::AdamStep step_;
};

class Sgd final : public Optimizer {
 public:
  Sgd(std::vector<Shape> shapes, const OptimizerOptions& options)
      : Optimizer(std::move(shapes),
                  options.at("momentum") != 0 ? std::vector<std::string>{"momentum"} : std::vector<std::string>{}) {
    step_.momentum = options.at("momentum");
    step_.dampening = options.at("dampening");
    step_.weight_decay = options.at("weight_decay");
    step_.nesterov = options.at("nesterov") != 0;
  }
  void update(int index, std::int64_t first, std::int64_t last, float* weight, const float* gradient) const override {
    float* velocity = state_names().empty() ? nullptr : values(index, 0) + first;
    math::SgdStep step = step_;
    step.first = updates_of(index) == 1;
    math::sgd_update(weight + first, gradient + first, velocity, last - first, step);
  }

 private:
  void prepare_step() override {
    step_.learning_rate = learning_rate_;
    step_.gradient_factor = gradient_factor_;
  }
  math::SgdStep step_;
};

class Rmsprop final : public Optimizer {
 public:
  Rmsprop(std::vector<Shape> shapes, const OptimizerOptions& options) : Optimizer(std::move(shapes), names(options)) {
    step_.alpha = options.at("alpha");
    step_.epsilon = options.at("epsilon");
    step_.momentum = options.at("momentum");
    step_.weight_decay = options.at("weight_decay");
    if (step_.momentum != 0) momentum_ = 1;
    if (options.at("centered") != 0) mean_ = static_cast<int>(state_names().size()) - 1;
  }
  void update(int index, std::int64_t first, std::int64_t last, float* weight, const float* gradient) const override {
    float* velocity = momentum_ < 0 ? nullptr : values(index, momentum_) + first;
    float* mean = mean_ < 0 ? nullptr : values(index, mean_) + first;
    math::rmsprop_update(weight + first, gradient + first, values(index, 0) + first, velocity, mean, last - first,
                         step_);
  }

 private:
  static std::vector<std::string> names(const OptimizerOptions& options) {
    std::vector<std::string> names = {"v"};
    if (options.at("momentum") != 0) names.push_back("momentum");
    if (options.at("centered") != 0) names.push_back("mean");
    return names;
  }
  void prepare_step() override {
    step_.learning_rate = learning_rate_;
    step_.gradient_factor = gradient_factor_;
  }
  math::RmspropStep step_;
  int momentum_ = -1, mean_ = -1;  // which state; -1: none
};

}  // namespace

Optimizer::Optimizer(std::vector<Shape> shapes, std::vector<std::string> state_names)
    : shapes_(std::move(shapes)), starts_(shapes_.size(), 0), names_(std::move(state_names)) {
  for (const Shape& shape : shapes_) {
    for (std::size_t k = 0; k < names_.size(); ++k) states_.emplace_back(DType::f32, shape);
  }
}

void Optimizer::begin_step(double learning_rate, double gradient_factor) {
  ++updates_;
  learning_rate_ = learning_rate;
  gradient_factor_ = gradient_factor;
  prepare_step();
}

TensorView Optimizer::state(int index, int name_index) const {
  return states_[static_cast<std::size_t>(index) * names_.size() + static_cast<std::size_t>(name_index)].view();
}

std::unique_ptr<Optimizer> create_optimizer(const OptimizerEntry& entry, std::vector<Shape> shapes) {
  Diagnostics diagnostics;
  const OptimizerOptions options = resolve_optimizer_options(entry, diagnostics);
  diagnostics.throw_if_any();
  if (entry.type == "sgd") return std::make_unique<Sgd>(std::move(shapes), options);
  if (entry.type == "rmsprop") return std::make_unique<Rmsprop>(std::move(shapes), options);
  if (entry.type == "adamax") return std::make_unique<Adamax>(std::move(shapes), options);
  return std::make_unique<Adam>(std::move(shapes), options, entry.type == "adamw");
}

}  // namespace loom

#include "train/optimizer_state.h"

#include <fmt/format.h>

#include "document/sections.h"
#include "graph/check_options.h"
#include "graph/typed_entry.h"

namespace loom {

MadeOptimizer make_optimizer(const Registry& registry, const OptimizerEntry& entry, Diagnostics& diagnostics) {
  const auto type = find_type<OptimizerType>(registry, entry, diagnostics);
  if (!type) return {};
  const std::size_t findings = diagnostics.size();
  Contract contract = type->contract;
  contract.include_options(optimizer_options());
  const Options options = check_options(contract, entry.options, entry.where, entry.type, diagnostics);
  if (diagnostics.size() > findings) return {};
  return {type, type->create(options)};
}

OptimizerState::OptimizerState(MadeOptimizer optimizer, std::vector<Shape> shapes)
    : made_(std::move(optimizer)),
      shapes_(std::move(shapes)),
      starts_(shapes_.size(), 0),
      names_(made_.optimizer->states()) {
  if (names_.size() > kMaxStates) {
    throw Error(ErrorCode::plugin_invalid,
                fmt::format("the optimizer '{}' keeps {} values per weight", made_.type->name, names_.size()),
                fmt::format("at most {}", kMaxStates));
  }
  for (const Shape& shape : shapes_) {
    for (std::size_t k = 0; k < names_.size(); ++k) states_.emplace_back(DType::f32, shape);
  }
}

void OptimizerState::begin_step(double learning_rate, double gradient_factor) {
  ++updates_;
  learning_rate_ = learning_rate;
  gradient_factor_ = gradient_factor;
}

void OptimizerState::update(int index, std::int64_t first, std::int64_t last, float* weight,
                            const float* gradient) const {
  std::array<float*, kMaxStates> states{};
  for (std::size_t k = 0; k < names_.size(); ++k) states[k] = state(index, static_cast<int>(k)).data() + first;
  Update update;
  update.weight = weight + first;
  update.gradient = gradient + first;
  update.states = std::span<float* const>(states.data(), names_.size());
  update.count = last - first;
  update.step = updates_ - start(index);
  update.learning_rate = learning_rate_;
  update.gradient_factor = gradient_factor_;
  made_.optimizer->update(update);
}

TensorView OptimizerState::state(int index, int name_index) const {
  return states_[static_cast<std::size_t>(index) * names_.size() + static_cast<std::size_t>(name_index)].view();
}

}  // namespace loom

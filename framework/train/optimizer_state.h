// An optimizer at work on the parameters of one objective: its states, and how many updates it has made.
//
// It knows parameters by index and length only. Its state tensors ("m", "v", ...) are reachable by name, so that
// checkpoints hold them under "optimizer/OBJECTIVE/PARAMETER/NAME".
//
// Ownership: owns its states; weights and gradients come in with the call. Thread safety: between two begin_step()
// calls update() may run on many threads at once for ranges that do not overlap; it allocates nothing. Errors:
// make_optimizer() collects unknown types and options (E2xx) with their places.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "graph/graph_document.h"
#include "loom/error.h"
#include "loom/optimizer.h"
#include "loom/tensor.h"

namespace loom {

// An optimizer object with the library that its code is in.
struct MadeOptimizer {
  std::shared_ptr<const OptimizerType> type;  // first, so that it goes last
  std::shared_ptr<const Optimizer> optimizer;
};

// Null if the type or an option is wrong; the diagnostics go to `diagnostics`.
MadeOptimizer make_optimizer(const Registry& registry, const OptimizerEntry& entry, Diagnostics& diagnostics);

class OptimizerState {
 public:
  static constexpr std::size_t kMaxStates = 8;

  // One parameter per shape, in that order. Throws Error(plugin_invalid) beyond kMaxStates.
  OptimizerState(MadeOptimizer optimizer, std::vector<Shape> shapes);

  // Before the updates of one step. The gradient is multiplied by `gradient_factor` first (clipping by norm).
  void begin_step(double learning_rate, double gradient_factor = 1);
  // Elements [first, last) of parameter `index`; weight and gradient point to the parameter's element 0.
  void update(int index, std::int64_t first, std::int64_t last, float* weight, const float* gradient) const;

  int parameter_count() const { return static_cast<int>(shapes_.size()); }
  const std::vector<std::string>& state_names() const { return names_; }
  // State `name_index` of parameter `index`, in the shape of the parameter.
  TensorView state(int index, int name_index) const;
  // Steps begun so far; part of a checkpoint.
  std::int64_t updates() const { return updates_; }
  void set_updates(std::int64_t updates) { updates_ = updates; }
  // A parameter that joined later has updates() - start of them behind it: its states are younger than the others'.
  std::int64_t start(int index) const { return starts_[static_cast<std::size_t>(index)]; }
  void set_start(int index, std::int64_t start) { starts_[static_cast<std::size_t>(index)] = start; }

 private:
  MadeOptimizer made_;
  std::vector<Shape> shapes_;
  std::vector<std::int64_t> starts_;  // per parameter
  std::vector<std::string> names_;
  std::vector<Tensor> states_;  // [parameter][name]
  double learning_rate_ = 0, gradient_factor_ = 1;
  std::int64_t updates_ = 0;
};

}  // namespace loom

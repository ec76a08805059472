// Optimizers with the formulas and defaults of PyTorch's torch.optim: adam, adamw, sgd, rmsprop, adamax.
//
// An Optimizer knows parameters by index and length only. Its state tensors ("m", "v", ...) are reachable by name, so
// that checkpoints hold them under "optimizer/<objective>/<parameter>/<name>".
//
// Ownership: owns its state; weights and gradients come in with the call. Thread safety: between two begin_step()
// calls update() may run on many threads at once for ranges that do not overlap; it is element-wise, so the cut into
// ranges changes no bit. Errors: create_optimizer() collects unknown types (E106), unknown options (E202) and values
// out of range (E106), each with its place.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "document/document.h"
#include "loom/tensor.h"

namespace loom {

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // Before the updates of one step. The gradient is multiplied by `gradient_factor` first (clipping by norm).
  void begin_step(double learning_rate, double gradient_factor = 1);
  // Elements [first, last) of parameter `index`; weight and gradient point to the parameter's element 0.
  virtual void update(int index, std::int64_t first, std::int64_t last, float* weight, const float* gradient) const = 0;

  int parameter_count() const { return static_cast<int>(shapes_.size()); }
  const std::vector<std::string>& state_names() const { return names_; }
  // State `name_index` of parameter `index`, in the shape of the parameter.
  TensorView state(int index, int name_index) const;
  // Steps begun so far (t of the formulas); part of a checkpoint.
  std::int64_t updates() const { return updates_; }
  void set_updates(std::int64_t updates) { updates_ = updates; }
  // A parameter that joined later has updates() - start of them behind it: its moments are younger than the others'.
  std::int64_t start(int index) const { return starts_[static_cast<std::size_t>(index)]; }
  void set_start(int index, std::int64_t start) { starts_[static_cast<std::size_t>(index)] = start; }

 protected:
  Optimizer(std::vector<Shape> shapes, std::vector<std::string> state_names);
  // t of the formulas for a parameter.
  std::int64_t updates_of(int index) const { return updates_ - start(index); }
  float* values(int index, int name_index) const { return state(index, name_index).data(); }

  double learning_rate_ = 0;
  double gradient_factor_ = 1;
  std::int64_t updates_ = 0;

 private:
  virtual void prepare_step() {}

  std::vector<Shape> shapes_;
  std::vector<std::int64_t> starts_;  // per parameter
  std::vector<std::string> names_;
  std::vector<Tensor> states_;  // [parameter][name]
};

// The types and their options with defaults: {"adam", {{"beta1", 0.9}, ...}}; flags are 0 or 1.
const std::map<std::string, std::map<std::string, double>>& optimizer_types();

// Checks the entry's type and options; every finding goes to `diagnostics`. The learning rate is not an option here:
// it is a schedule, and its value comes with begin_step(). "eps" is accepted for "epsilon".
void check_optimizer(const OptimizerEntry& entry, Diagnostics& diagnostics);

// One parameter per shape, in that order. Throws what check_optimizer() finds.
std::unique_ptr<Optimizer> create_optimizer(const OptimizerEntry& entry, std::vector<Shape> shapes);

}  // namespace loom

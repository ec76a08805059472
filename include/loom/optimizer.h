// The contract of an optimizer: how a gradient changes a weight.
//
//   class Lion final : public loom::Optimizer {
//    public:
//     static void declare(loom::Contract& c);              // summary, source, options
//     explicit Lion(const loom::Options& options);
//     std::vector<std::string> states() const override;    // {"m"}
//     void update(const loom::Update& u) const override;
//   };
//   LOOM_OPTIMIZER(Lion, "lion")
//
// A document names it under train: or objectives: as `optimizer: {type: lion, lr: 1.0e-4, beta1: 0.9}`. The learning
// rate `lr` is an option of every optimizer and is not declared: it may be a schedule, and is passed in with the call.
//
// Ownership: the host owns weights, gradients and states. A checkpoint holds the states under
// "optimizer/OBJECTIVE/PARAMETER/STATE"; they start as zeros. An optimizer is immutable after construction.
// Thread safety: update() runs on many threads at once, for ranges that do not overlap. It must be element-wise, so
// that the division into ranges does not change any bit, and must not allocate.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "loom/contract.h"
#include "loom/options.h"
#include "loom/plugin.h"

namespace loom {

// One range of one parameter in one step.
struct Update {
  float* weight = nullptr;
  const float* gradient = nullptr;  // gradient of the mean over the batch; multiply it by gradient_factor first
  std::span<float* const> states;   // in the order of states(), each as long as the range
  std::int64_t count = 0;           // elements of the range
  std::int64_t step = 1;            // updates of this parameter, including this one: 1, 2, ... (t of the formulas)
  double learning_rate = 0;
  double gradient_factor = 1;  // clipping by norm
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  // Names of the values that it keeps per weight; the same for the life of the object.
  virtual std::vector<std::string> states() const { return {}; }
  virtual void update(const Update& update) const = 0;
};

}  // namespace loom

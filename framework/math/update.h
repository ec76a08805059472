// Optimizer updates, with the formulas of torch.optim. `gradient_factor` multiplies the gradient first (clipping by
// norm). weight_decay adds weight_decay * weight to the gradient, or with `decoupled` shrinks the weight by
// 1 - learning_rate * weight_decay.
//
// The conventions are those of loom/math.h: `n` counts elements, an output may be the same memory as an input of the
// same call, and the same values give the same bits. Thread safety: pure functions; no call allocates.
#pragma once

#include <cstdint>

namespace loom::math {

struct AdamStep {
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double correction1 = 1, correction2 = 1;  // 1 - beta^t for step t = 1, 2, ...
  double weight_decay = 0;
  bool decoupled = false;  // AdamW
  double gradient_factor = 1;
};
void adam_update(float* weight, const float* gradient, float* mean, float* variance, std::int64_t n,
                 const AdamStep& step);
// largest: the largest gradient so far, decayed by beta2; correction2 is not used.
void adamax_update(float* weight, const float* gradient, float* mean, float* largest, std::int64_t n,
                   const AdamStep& step);

struct RmspropStep {
  double learning_rate = 1e-2, alpha = 0.99, epsilon = 1e-8, momentum = 0, weight_decay = 0;
  double gradient_factor = 1;
};
// velocity may be null where momentum is 0; mean is the moving average of the gradient, null where not centered.
void rmsprop_update(float* weight, const float* gradient, float* variance, float* velocity, float* mean, std::int64_t n,
                    const RmspropStep& step);

struct SgdStep {
  double learning_rate = 1e-2, momentum = 0, dampening = 0, weight_decay = 0;
  bool nesterov = false;
  bool first = false;  // PyTorch's first step: the velocity becomes the gradient, undampened
  double gradient_factor = 1;
};
// velocity may be null where momentum is 0.
void sgd_update(float* weight, const float* gradient, float* velocity, std::int64_t n, const SgdStep& step);

}  // namespace loom::math

// What a layer computes with: its forward pass and its two gradients, behind three interfaces.
//
// A kernel is immutable; pack() and execute() may run on many threads at once, each with its own scratch, 64-byte aligned:
// of scratch_bytes() for execute(), and of pack_scratch_bytes() for pack(). Where packed_bytes() is not 0, execute() takes
// the result of pack() in place of the plain weight: pack once after each update of the weight, and share it. A layer's
// forward pass and its gradient by the input pack differently.
//
// x, y and their gradients are floats, or bf16 where the shape says so (x_bf16, y_bf16). Weights, biases and the gradients of
// both are floats.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace loom::dnnl {

class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual std::size_t scratch_bytes() const = 0;
  virtual std::string implementation() const = 0;  // what computes, for diagnosis
};

class PackingKernel : public Kernel {
 public:
  virtual std::size_t packed_bytes() const = 0;
  virtual std::size_t pack_scratch_bytes() const { return 0; }
  virtual void pack(const float* weight, void* packed, void* scratch) const = 0;
};

// y = activation(weight applied to x [+ bias]); overwrites. The bias is not read unless the shape has one.
class ForwardKernel : public PackingKernel {
 public:
  virtual void execute(const void* x, const void* weight, const float* bias, void* y, void* scratch) const = 0;
};

// diff_x = the gradient by x; overwrites. diff_y is by what comes before the activation.
class BackwardDataKernel : public PackingKernel {
 public:
  virtual void execute(const void* diff_y, const void* weight, void* diff_x, void* scratch) const = 0;
};

// diff_weight += the gradient by the weight, in the plain layout; diff_bias += that by the bias, if the shape has one.
class BackwardWeightsKernel : public Kernel {
 public:
  virtual void execute(const void* x, const void* diff_y, float* diff_weight, float* diff_bias,
                       void* scratch) const = 0;
  // The same of a diff_weight of `count` floats that holds nothing yet: it is overwritten.
  virtual void overwrite(const void* x, const void* diff_y, float* diff_weight, std::int64_t count, float* diff_bias,
                         void* scratch) const {
    std::fill_n(diff_weight, count, 0.0F);
    execute(x, diff_y, diff_weight, diff_bias, scratch);
  }
};

}  // namespace loom::dnnl

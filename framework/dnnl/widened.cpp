#include "dnnl/widened.h"

#include <algorithm>
#include <utility>

#include "dnnl/bf16.h"

namespace loom::dnnl {
namespace {

using namespace detail;

constexpr std::int64_t kMostFloats = 512 * 1024;  // of the wide copies of a part: 2 MiB

// x or y, or the gradient by one of them, of a part of the samples.
struct StoredPart {
  std::int64_t count = 0;
  bool is_bf16 = false;

  std::size_t copy_bytes() const { return is_bf16 ? float_bytes(count) : 0; }
  std::size_t bytes() const { return static_cast<std::size_t>(count) * (is_bf16 ? sizeof(Bf16) : sizeof(float)); }
  // Its values as floats: `copy` holds them where they are stored in bf16.
  const float* wide(const void* values, void* copy) const {
    if (!is_bf16) return static_cast<const float*>(values);
    math::to_f32(static_cast<const Bf16*>(values), static_cast<float*>(copy), count);
    return static_cast<const float*>(copy);
  }
};

// How the samples are cut into equal parts.
struct Parts {
  ConvolutionShape shape;  // of one part
  std::int64_t count = 1;
  StoredPart x, y;

  explicit Parts(const ConvolutionShape& s) : shape(s) {
    const std::int64_t wide = (s.x_bf16 ? s.x_count() : 0) + (s.y_bf16 ? s.y_count() : 0);
    while (count < s.n && (s.n % count != 0 || wide / count > kMostFloats)) ++count;
    shape.n = s.n / count;
    x = {shape.x_count(), s.x_bf16};
    y = {shape.y_count(), s.y_bf16};
  }
};

const std::byte* part_of(const void* values, std::int64_t index, const StoredPart& part) {
  return static_cast<const std::byte*>(values) + static_cast<std::size_t>(index) * part.bytes();
}
std::byte* part_of(void* values, std::int64_t index, const StoredPart& part) {
  return static_cast<std::byte*>(values) + static_cast<std::size_t>(index) * part.bytes();
}

class WidenedForward final : public ForwardKernel {
 public:
  WidenedForward(std::unique_ptr<const ForwardKernel> kernel, std::int64_t parts, StoredPart from, StoredPart to)
      : kernel_(std::move(kernel)), parts_(parts), from_(from), to_(to) {}

  std::size_t scratch_bytes() const override {
    return from_.copy_bytes() + to_.copy_bytes() + kernel_->scratch_bytes();
  }
  std::size_t packed_bytes() const override { return kernel_->packed_bytes(); }
  std::size_t pack_scratch_bytes() const override { return kernel_->pack_scratch_bytes(); }
  std::string implementation() const override { return kernel_->implementation(); }
  void pack(const float* weight, void* packed, void* scratch) const override { kernel_->pack(weight, packed, scratch); }
  void execute(const void* x, const void* weight, const float* bias, void* y, void* scratch) const override {
    void* copy = offset(scratch, from_.copy_bytes());
    for (std::int64_t i = 0; i < parts_; ++i) {
      std::byte* part = part_of(y, i, to_);
      void* result = to_.is_bf16 ? copy : part;
      kernel_->execute(from_.wide(part_of(x, i, from_), scratch), weight, bias, result, offset(copy, to_.copy_bytes()));
      if (to_.is_bf16) math::to_bf16(static_cast<const float*>(result), reinterpret_cast<Bf16*>(part), to_.count);
    }
  }

 private:
  std::unique_ptr<const ForwardKernel> kernel_;
  std::int64_t parts_;
  StoredPart from_, to_;
};

class WidenedWeights final : public BackwardWeightsKernel {
 public:
  WidenedWeights(std::unique_ptr<const BackwardWeightsKernel> kernel, const Parts& parts)
      : kernel_(std::move(kernel)), parts_(parts.count), x_(parts.x), diff_y_(parts.y) {}

  std::size_t scratch_bytes() const override {
    return x_.copy_bytes() + diff_y_.copy_bytes() + kernel_->scratch_bytes();
  }
  std::string implementation() const override { return kernel_->implementation(); }
  void execute(const void* x, const void* diff_y, float* diff_weight, float* diff_bias, void* scratch) const override {
    for (std::int64_t i = 0; i < parts_; ++i) {
      const Wide wide = part(x, diff_y, i, scratch);
      kernel_->execute(wide.x, wide.diff_y, diff_weight, diff_bias, wide.rest);
    }
  }
  void overwrite(const void* x, const void* diff_y, float* diff_weight, std::int64_t count, float* diff_bias,
                 void* scratch) const override {
    for (std::int64_t i = 0; i < parts_; ++i) {
      const Wide wide = part(x, diff_y, i, scratch);
      if (i == 0)
        kernel_->overwrite(wide.x, wide.diff_y, diff_weight, count, diff_bias, wide.rest);
      else
        kernel_->execute(wide.x, wide.diff_y, diff_weight, diff_bias, wide.rest);
    }
  }

 private:
  struct Wide {
    const float *x, *diff_y;
    void* rest;  // of the scratch memory
  };
  Wide part(const void* x, const void* diff_y, std::int64_t i, void* scratch) const {
    void* copy = offset(scratch, x_.copy_bytes());
    return {x_.wide(part_of(x, i, x_), scratch), diff_y_.wide(part_of(diff_y, i, diff_y_), copy),
            offset(copy, diff_y_.copy_bytes())};
  }

  std::unique_ptr<const BackwardWeightsKernel> kernel_;
  std::int64_t parts_;
  StoredPart x_, diff_y_;
};

}  // namespace

std::unique_ptr<const ForwardKernel> widened_forward(const ConvolutionShape& s, const MakeForward& make) {
  if (!s.x_bf16 && !s.y_bf16) return make(s);
  const Parts parts(s);
  return std::make_unique<WidenedForward>(make(parts.shape), parts.count, parts.x, parts.y);
}

std::unique_ptr<const ForwardKernel> widened_data(const ConvolutionShape& s, const MakeForward& make) {
  if (!s.x_bf16 && !s.y_bf16) return make(s);
  const Parts parts(s);
  return std::make_unique<WidenedForward>(make(parts.shape), parts.count, parts.y, parts.x);
}

std::unique_ptr<const BackwardWeightsKernel> widened_weights(const ConvolutionShape& s, const MakeWeights& make) {
  if (!s.x_bf16 && !s.y_bf16) return make(s);
  const Parts parts(s);
  return std::make_unique<WidenedWeights>(make(parts.shape), parts);
}

}  // namespace loom::dnnl

// The convolution primitives of oneDNN on operands in bf16, as they are stored or rounded here, with sums in f32 and results
// in either type.
#include <algorithm>

#include "dnnl/bf16.h"
#include "dnnl/convolution_descriptions.h"
#include "dnnl/convolution_methods.h"
#include "dnnl/primitive.h"
#include "dnnl/vector_loops.h"
#include "dnnl/weight_layout.h"
#include "math/bf16.h"

namespace loom::dnnl {

using namespace detail;

namespace {

// The weight, rounded, in the layout that a primitive prefers.
class RoundedWeight {
 public:
  RoundedWeight() = default;
  RoundedWeight(std::int64_t count, const Desc& desc) : rounded_(count), layout_(desc) {}
  std::size_t scratch_bytes() const { return rounded_.bytes(); }
  std::size_t packed_bytes() const { return layout_.memory_bytes(); }
  void pack(const float* weight, void* packed, void* scratch) const {
    layout_.pack_bf16(static_cast<const Bf16*>(rounded_.of(weight, scratch)), packed);
  }

 private:
  Operand rounded_;
  WeightLayout layout_;
};

Type stored_type(bool is_bf16) { return is_bf16 ? Type::bf16 : Type::f32; }
std::int64_t stored_bytes(bool is_bf16) { return is_bf16 ? 2 : 4; }

// A few samples at a time, so that what is rounded stays in the second-level cache.
constexpr std::int64_t kBytesInCache = 768 * 1024;
std::int64_t samples_at_once(std::int64_t samples, std::int64_t bytes_of_one) {
  return std::clamp<std::int64_t>(kBytesInCache / bytes_of_one, 1, samples);
}

// The primitive for `size` samples, and the one for those that remain. `create(n)` makes one for n samples.
class SampleChunks {
 public:
  SampleChunks() = default;
  template <class Create>
  SampleChunks(std::int64_t samples, std::int64_t size, const Create& create) : samples_(samples), size_(size) {
    whole_ = create(size);
    if (samples % size != 0) rest_ = create(samples % size);
  }
  std::int64_t size() const { return size_; }
  std::size_t scratch_bytes() const { return std::max(whole_.scratch_bytes(), rest_.scratch_bytes()); }
  const std::string& implementation() const { return whole_.implementation(); }
  // body(first sample, samples, primitive)
  template <class Body>
  void for_each(const Body& body) const {
    for (std::int64_t first = 0; first < samples_; first += size_) {
      const std::int64_t count = std::min(size_, samples_ - first);
      body(first, count, count == size_ ? whole_ : rest_);
    }
  }

 private:
  std::int64_t samples_ = 0, size_ = 1;
  Primitive whole_, rest_;
};

class Bf16Forward final : public ForwardKernel {
 public:
  explicit Bf16Forward(const ConvolutionShape& s) : shape_(s) {
    pin_this_thread();
    const auto what = describe(s) + " forward in bf16";
    const Desc bias = s.bias ? row_major({s.filters}) : Desc();
    Desc weight = any_layout(weight_dims(s), Type::bf16);
    const std::int64_t one = (s.x_count() * 2 + s.y_count() * stored_bytes(s.y_bf16)) / s.n;
    chunks_ = SampleChunks(s.n, samples_at_once(s.n, one), [&](std::int64_t n) {
      const Desc x = input(s, n, Type::bf16), y = output(s, n, stored_type(s.y_bf16));
      const auto descriptor =
          described(what, [&] { return convolution_forward_descriptor(x, weight, bias, y, spatial(s), attributes()); });
      weight = descriptor.weights_desc();  // both primitives take one packed weight
      std::vector<Argument> arguments{{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, weight}, {DNNL_ARG_DST, y}};
      if (s.bias) arguments.push_back({DNNL_ARG_BIAS, bias});
      return Primitive(what, descriptor, std::move(arguments));
    });
    weight_ = RoundedWeight(s.weight_count(), weight);
    x_ = Operand(chunks_.size() * s.x_count() / s.n, s.x_bf16);
  }

  std::size_t scratch_bytes() const override { return x_.bytes() + chunks_.scratch_bytes(); }
  std::size_t packed_bytes() const override { return weight_.packed_bytes(); }
  std::size_t pack_scratch_bytes() const override { return weight_.scratch_bytes(); }
  void pack(const float* weight, void* packed, void* scratch) const override { weight_.pack(weight, packed, scratch); }
  void execute(const void* x, const void* weight, const float* bias, void* y, void* scratch) const override {
    const std::int64_t one = shape_.y_count() / shape_.n, one_x = shape_.x_count() / shape_.n;
    void* inner = offset(scratch, x_.bytes());
    chunks_.for_each([&](std::int64_t first, std::int64_t count, const Primitive& primitive) {
      const void* from = x_.of(x, first * one_x, count * one_x, scratch);
      void* result = at_value(y, first * one, shape_.y_bf16);
      if (shape_.bias) {
        primitive.run({from, weight, result, bias}, inner);
      } else {
        primitive.run({from, weight, result}, inner);
      }
      if (shape_.relu) apply_bias(result, shape_.y_bf16, nullptr, count * one, 1, true);
    });
  }
  std::string implementation() const override { return "bf16 " + chunks_.implementation(); }

 private:
  ConvolutionShape shape_;
  SampleChunks chunks_;
  RoundedWeight weight_;
  Operand x_;
};

class Bf16BackwardData final : public ForwardKernel {
 public:
  Bf16BackwardData(const ConvolutionShape& s, bool relu) : shape_(s), relu_(relu) {
    pin_this_thread();
    const auto what = describe(s) + " backward data in bf16";
    Desc weight = any_layout(weight_dims(s), Type::bf16);
    const std::int64_t one = (s.x_count() * stored_bytes(s.x_bf16) + s.y_count() * 2) / s.n;
    chunks_ = SampleChunks(s.n, samples_at_once(s.n, one), [&](std::int64_t n) {
      const Desc x = input(s, n, Type::bf16), diff_x = input(s, n, stored_type(s.x_bf16)),
                 diff_y = output(s, n, Type::bf16);
      const auto descriptor =
          described(what, [&] { return convolution_backward_data_descriptor(diff_x, weight, diff_y, spatial(s), &x); });
      weight = descriptor.weights_desc();
      return Primitive(what, descriptor,
                       {{DNNL_ARG_DIFF_DST, diff_y}, {DNNL_ARG_WEIGHTS, weight}, {DNNL_ARG_DIFF_SRC, diff_x}});
    });
    weight_ = RoundedWeight(s.weight_count(), weight);
    diff_y_ = Operand(chunks_.size() * s.y_count() / s.n, s.y_bf16);
  }

  std::size_t scratch_bytes() const override { return diff_y_.bytes() + chunks_.scratch_bytes(); }
  std::size_t packed_bytes() const override { return weight_.packed_bytes(); }
  std::size_t pack_scratch_bytes() const override { return weight_.scratch_bytes(); }
  void pack(const float* weight, void* packed, void* scratch) const override { weight_.pack(weight, packed, scratch); }
  void execute(const void* diff_y, const void* weight, const float* bias, void* diff_x, void* scratch) const override {
    const std::int64_t one = shape_.y_count() / shape_.n, pixels = shape_.h * shape_.w;
    chunks_.for_each([&](std::int64_t first, std::int64_t count, const Primitive& primitive) {
      const void* from = diff_y_.of(diff_y, first * one, count * one, scratch);
      void* result = at_value(diff_x, first * pixels * shape_.c, shape_.x_bf16);
      primitive.run({from, weight, result}, offset(scratch, diff_y_.bytes()));
      apply_bias(result, shape_.x_bf16, shape_.bias ? bias : nullptr, count * pixels, shape_.c, relu_);
    });
  }
  std::string implementation() const override { return "bf16 " + chunks_.implementation(); }

 private:
  ConvolutionShape shape_;
  bool relu_;
  SampleChunks chunks_;
  RoundedWeight weight_;
  Operand diff_y_;
};

// As in f32 the primitive writes a gradient in its own layout, in scratch, and that is added to the running sum. The bias's
// gradient is summed from what is stored.
class Bf16BackwardWeights final : public BackwardWeightsKernel {
 public:
  explicit Bf16BackwardWeights(const ConvolutionShape& s) : shape_(s) {
    pin_this_thread();
    const auto what = describe(s) + " backward weights in bf16";
    const Desc weight = any_layout(weight_dims(s), Type::bf16);
    Desc diff_weight = any_layout(weight_dims(s));
    // So many samples that adding the gradient is little beside computing it.
    const std::int64_t one = (s.x_count() + s.y_count()) * 2 / s.n, gradient = 4 * s.weight_count();
    const std::int64_t size = std::clamp(4 * gradient / one, samples_at_once(s.n, one), s.n);
    chunks_ = SampleChunks(s.n, size, [&](std::int64_t n) {
      const Desc x = input(s, n, Type::bf16), diff_y = output(s, n, Type::bf16);
      const auto descriptor = described(what, [&] {
        return convolution_backward_weights_descriptor(x, diff_weight, Desc(), diff_y, spatial(s), &weight);
      });
      diff_weight = descriptor.diff_weights_desc();
      return Primitive(what, descriptor,
                       {{DNNL_ARG_SRC, x}, {DNNL_ARG_DIFF_DST, diff_y}, {DNNL_ARG_DIFF_WEIGHTS, diff_weight}});
    });
    layout_ = WeightLayout(diff_weight);
    x_ = Operand(size * s.x_count() / s.n, s.x_bf16);
    diff_y_ = Operand(size * s.y_count() / s.n, s.y_bf16);
    weight_at_ = x_.bytes() + diff_y_.bytes();
    inner_at_ = weight_at_ + aligned(diff_weight.get_size());
  }

  std::size_t scratch_bytes() const override { return inner_at_ + chunks_.scratch_bytes(); }
  void execute(const void* x, const void* diff_y, float* diff_weight, float* diff_bias, void* scratch) const override {
    const std::int64_t one = shape_.y_count() / shape_.n, one_x = shape_.x_count() / shape_.n;
    auto* gradient = static_cast<float*>(offset(scratch, weight_at_));
    chunks_.for_each([&](std::int64_t first, std::int64_t count, const Primitive& primitive) {
      const void* from_x = x_.of(x, first * one_x, count * one_x, scratch);
      const void* from_y = diff_y_.of(diff_y, first * one, count * one, offset(scratch, x_.bytes()));
      primitive.run({from_x, from_y, gradient}, offset(scratch, inner_at_));
      layout_.add_to_plain(gradient, diff_weight);
    });
    if (shape_.bias && diff_bias != nullptr)
      add_column_sums(diff_y, shape_.y_bf16, shape_.y_count() / shape_.filters, shape_.filters, diff_bias);
  }
  std::string implementation() const override { return "bf16 " + chunks_.implementation(); }

 private:
  ConvolutionShape shape_;
  SampleChunks chunks_;
  WeightLayout layout_;
  Operand x_, diff_y_;
  std::size_t weight_at_ = 0, inner_at_ = 0;
};

}  // namespace

std::unique_ptr<const ForwardKernel> make_bf16_forward(const ConvolutionShape& shape) {
  return std::make_unique<Bf16Forward>(shape);
}

std::unique_ptr<const ForwardKernel> make_bf16_backward_data(const ConvolutionShape& shape, bool relu) {
  return std::make_unique<Bf16BackwardData>(shape, relu);
}

std::unique_ptr<const BackwardWeightsKernel> make_bf16_backward_weights(const ConvolutionShape& shape) {
  return std::make_unique<Bf16BackwardWeights>(shape);
}

}  // namespace loom::dnnl

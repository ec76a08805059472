// Shared by conv and conv_transpose: one forward primitive and two backward ones with packed weights, a bias and an
// activation. The two nodes differ only in their geometry.
#pragma once

#include <memory>

#include "dnnl/convolution.h"
#include "dnnl/vector_loops.h"
#include "loom/node.h"
#include "memory.h"
#include "nn/fused_activation.h"
#include "nn/window.h"

namespace loom::nodes {

inline void declare_convolution(Contract& c) {
  c.option("filters", required, integer().at_least(1), "channels of the output");
  c.option("kernel", required, integer().at_least(1).or_list(), "extent of the window, or one for each spatial axis");
  c.option("stride", 1, integer().at_least(1).or_list(), "step between windows");
  c.option("dilation", 1, integer().at_least(1).or_list(), "step between the positions of a window");
  c.option("groups", 1, integer().at_least(1), "groups of channels that do not mix");
  c.option("bias", true, flag(), "adds a learned value to each filter");
  FusedActivation::declare(c);
}

// Copies what both geometries name alike.
template <class ConvolutionGeometry>
ConvolutionGeometry convolution_shape(const Options& options, const Shape& x) {
  const Window window = window_of(options, x.rank() - 2);
  const Image image = image_of(x);
  ConvolutionGeometry g;
  g.n = image.n, g.h = image.h, g.w = image.w, g.c = image.c;
  g.filters = options.integer("filters");
  g.kh = window.h.kernel, g.kw = window.w.kernel;
  g.stride_h = window.h.stride, g.stride_w = window.w.stride;
  g.pad_top = window.h.pad_before, g.pad_bottom = window.h.pad_after;
  g.pad_left = window.w.pad_before, g.pad_right = window.w.pad_after;
  g.dilation_h = window.h.dilation, g.dilation_w = window.w.dilation;
  g.groups = options.integer("groups");
  g.bias = options.flag("bias");
  return g;
}

template <class Geometry, class ForwardPrimitive, class DataPrimitive, class WeightsPrimitive>
class Convolution : public Node {
 public:
  explicit Convolution(const Options& options) : options_(options), activation_(options), bias_(options.flag("bias")) {}

  virtual Geometry geometry(const Shape& x) const = 0;

  void prepare(const Prepare& p) override {
    Geometry shape = geometry(p.input(0));
    shape.relu = activation_.relu();
    filters_ = shape.filters;
    rows_ = p.output(0).count() / filters_;
    forward_ = std::make_unique<ForwardPrimitive>(shape);
    std::size_t work = forward_->scratch_bytes();
    forward_packed_ = packed_with_scratch(*forward_);
    std::size_t packed = forward_packed_;
    if (p.backward) {
      shape.relu = false;
      data_ = std::make_unique<DataPrimitive>(shape);
      weights_ = std::make_unique<WeightsPrimitive>(shape);
      work = std::max({work, data_->scratch_bytes(), weights_->scratch_bytes()});
      packed += packed_with_scratch(*data_);
      p.reserve_saved(activation_.saved_bytes(p.output(0).count()));
    }
    spare_at_ = aligned_bytes(work);
    gradient_at_ = spare_at_ + (bias_ ? float_bytes(filters_) : 0);
    p.reserve_scratch(gradient_at_ + float_bytes(activation_.scratch_count(p.output(0).count())));
    p.reserve_packed(packed);
  }

  void pack(const Pack& p) const override {
    const float* weight = p.parameter("weight").data();
    pack_into(*forward_, weight, p.packed_memory.first(forward_packed_));
    if (data_) pack_into(*data_, weight, p.packed_memory.subspan(forward_packed_));
  }

  void forward(const Forward& f) const override {
    const TensorView y = f.output(0);
    const void* weight =
        forward_->packed_bytes() > 0 ? static_cast<const void*>(f.packed()) : f.parameter("weight").data();
    const float* bias = bias_ ? f.parameter("bias").data() : nullptr;
    forward_->execute(f.input(0).data(), weight, bias, y.data(), f.scratch<std::byte>());
    activation_.apply(f, y);
  }

  void backward(const Backward& b) const override {
    auto* scratch = b.scratch<std::byte>();
    const float* diff =
        activation_.gradient(b, b.output(0), b.diff_output(0), reinterpret_cast<float*>(scratch + gradient_at_));
    if (b.wants_diff(0)) {
      const void* weight = data_->packed_bytes() > 0 ? static_cast<const void*>(b.packed() + forward_packed_)
                                                     : b.parameter("weight").data();
      data_->execute(diff, weight, b.diff_input(0).data(), scratch);
    }
    const bool wants_bias = b.wants_parameter_diff("bias");
    if (b.wants_parameter_diff("weight")) {  // the primitive sums the bias gradient too, wanted or not
      float* diff_bias = wants_bias ? b.diff_parameter("bias").data() : reinterpret_cast<float*>(scratch + spare_at_);
      weights_->execute(b.input(0).data(), diff, b.diff_parameter("weight").data(), bias_ ? diff_bias : nullptr,
                        scratch);
    } else if (wants_bias) {
      dnnl::add_column_sums(diff, rows_, filters_, b.diff_parameter("bias").data());
    }
  }

 protected:
  Options options_;
  FusedActivation activation_;

 private:
  bool bias_;
  std::int64_t filters_ = 0, rows_ = 0;
  std::size_t forward_packed_ = 0;              // where backward's packed weights start
  std::size_t spare_at_ = 0, gradient_at_ = 0;  // in scratch, after the primitives' own
  std::unique_ptr<const ForwardPrimitive> forward_;
  std::unique_ptr<const DataPrimitive> data_;
  std::unique_ptr<const WeightsPrimitive> weights_;
};

}  // namespace loom::nodes

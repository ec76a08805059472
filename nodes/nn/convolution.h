// Shared by conv and conv_transpose: one forward primitive and two backward ones with packed weights, a bias and an
// activation. The two nodes differ only in their geometry.
#pragma once

#include <memory>

#include "dnnl/operations.h"
#include "dnnl/vector_loops.h"
#include "loom/node.h"
#include "nn/fused_activation.h"
#include "nn/packed_weight.h"
#include "nn/weight_norm.h"
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
  c.takes_bf16();
  c.linear({{"bias", false}});
}

// Copies what both geometries name alike.
template <class ConvolutionGeometry>
ConvolutionGeometry convolution_shape(const Options& options, const Shape& x) {
  const Window window = window_of(options, x.rank() - 2);
  const Image image = image_of(x);
  ConvolutionGeometry g;
  g.n = image.n, g.d = image.d, g.h = image.h, g.w = image.w, g.c = image.c;
  g.filters = options.integer("filters");
  g.kd = window.d.kernel, g.kh = window.h.kernel, g.kw = window.w.kernel;
  g.stride_d = window.d.stride, g.stride_h = window.h.stride, g.stride_w = window.w.stride;
  g.pad_front = window.d.pad_before, g.pad_back = window.d.pad_after;
  g.pad_top = window.h.pad_before, g.pad_bottom = window.h.pad_after;
  g.pad_left = window.w.pad_before, g.pad_right = window.w.pad_after;
  g.dilation_d = window.d.dilation, g.dilation_h = window.h.dilation, g.dilation_w = window.w.dilation;
  g.groups = options.integer("groups");
  g.bias = options.flag("bias");
  return g;
}

template <class Geometry>
class Convolution : public Node {
 public:
  // `rows`: the axis of the weight that counts the filters.
  Convolution(const Options& options, const dnnl::LayerOperations<Geometry>& operations, int rows)
      : options_(options),
        activation_(options),
        norm_(options),
        rows_axis_(rows),
        operations_(operations),
        bias_(options.flag("bias")) {}

  virtual Geometry geometry(const Shape& x) const = 0;

  void prepare(const Prepare& p) override {
    Geometry shape = geometry(p.input(0));
    shape.relu = activation_.relu();
    // What has no gradient is computed alike in every program: codes of a frozen encoder are those that `encode` writes.
    shape.transformed = p.transformed && p.backward;
    shape.bf16 = p.bf16 && p.backward;
    activation_.prepare(p, p.output(0).count());
    shape.x_bf16 = p.input_views[0].dtype() == DType::bf16;
    shape.y_bf16 = y_bf16_ = activation_.kernel_bf16();
    filters_ = shape.filters;
    rows_ = p.output(0).count() / filters_;
    forward_ = operations_.forward.make(shape);
    std::size_t work = forward_->scratch_bytes();
    norm_.prepare(p, rows_axis_);
    forward_weight_.prepare(p, *forward_);
    if (p.backward) {
      shape.relu = false;
      data_ = operations_.backward_data.make(shape);
      weights_ = operations_.backward_weights.make(shape);
      weights_count_ = p.parameter("weight").count();
      work = std::max({work, data_->scratch_bytes(), weights_->scratch_bytes()});
      data_weight_.prepare(p, *data_);
      if (bias_) spare_ = p.scratch<float>(filters_);
    }
    work_ = p.scratch<std::byte>(std::max(work, packing_bytes(forward_.get(), data_.get())));
  }

  std::string implementation(bool backward) const override {
    return !backward ? forward_->implementation() : data_->implementation() + "; " + weights_->implementation();
  }

  void pack(const Pack& p) const override {
    const float* weight = norm_.pack(p);
    forward_weight_.pack(p, *forward_, weight, work_(p).data());
    if (data_) data_weight_.pack(p, *data_, weight, work_(p).data());
  }

  void forward(const Forward& f) const override {
    const TensorView y = f.output(0);
    const void* weight = forward_weight_.of(f, norm_.of(f));
    const float* bias = bias_ ? f.parameter("bias").data() : nullptr;
    forward_->execute(f.input(0).raw(), weight, bias, activation_.target(f, y), work_(f).data());
    activation_.apply(f, y);
  }

  void backward(const Backward& b) const override {
    void* work = work_(b).data();
    const void* diff = activation_.gradient(b, b.output(0), b.diff_output(0));
    if (b.wants_diff(0)) {
      data_->execute(diff, data_weight_.of(b, norm_.of(b)), b.diff_input(0).raw(), work);
    }
    const bool wants_bias = b.wants_parameter_diff("bias");
    if (norm_.wants_gradient(b)) {  // the primitive sums the bias gradient too, wanted or not
      float* diff_bias = wants_bias ? b.diff_parameter("bias").data() : spare_(b).data();
      if (!bias_) diff_bias = nullptr;
      if (b.is_first("weight"))
        weights_->overwrite(b.input(0).raw(), diff, norm_.gradient(b), weights_count_, diff_bias, work);
      else
        weights_->execute(b.input(0).raw(), diff, norm_.gradient(b), diff_bias, work);
      norm_.add(b);
    } else if (wants_bias) {
      dnnl::add_column_sums(diff, y_bf16_, rows_, filters_, b.diff_parameter("bias").data());
    }
  }

  void end_step(const EndStep& e) const override { norm_.end_step(e); }

 protected:
  Options options_;
  FusedActivation activation_;
  WeightNorm norm_;
  int rows_axis_;

 private:
  const dnnl::LayerOperations<Geometry>& operations_;
  bool bias_, y_bf16_ = false;
  std::int64_t filters_ = 0, rows_ = 0, weights_count_ = 0;
  Slot<std::byte> work_;  // of one primitive at a time
  Slot<float> spare_;     // for a gradient of the bias that is not wanted
  PackedWeight<dnnl::ForwardKernel> forward_weight_;
  PackedWeight<dnnl::BackwardDataKernel> data_weight_;
  std::unique_ptr<const dnnl::ForwardKernel> forward_;
  std::unique_ptr<const dnnl::BackwardDataKernel> data_;
  std::unique_ptr<const dnnl::BackwardWeightsKernel> weights_;
};

}  // namespace loom::nodes

// A fully connected layer over the last axis.
//   y [N, ...E, units] = activation(x [N, ...E, C] W^T + b),   W [units, C], b [units]
#include <memory>

#include "dnnl/operations.h"
#include "dnnl/vector_loops.h"
#include "loom/node.h"
#include "nn/fused_activation.h"
#include "nn/packed_weight.h"
#include "nn/weight_norm.h"

namespace {

using namespace loom::nodes;
using loom::dnnl::LinearShape;

class Linear final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("A fully connected layer over the last axis");
    c.input("x", "[N, ...E, C]", "features");
    c.output("y", "[N, ...E, units]", "activation(x W^T + b)");
    c.option("units", loom::required, loom::integer().at_least(1), "extent of the output's last axis");
    c.option("bias", true, loom::flag(), "adds a learned b");
    FusedActivation::declare(c);
    c.parameter("weight", "[units, C]", loom::kaiming_uniform(), "W")
        .scales_outputs(0, WeightNorm::is_plain)
        .overwrites_first(WeightNorm::is_plain);
    c.parameter("bias", "[units]", loom::kaiming_uniform("weight"), "b")
        .shifts_outputs()
        .only_if([](const loom::Options& o) { return o.flag("bias"); });
    WeightNorm::declare(c, {.first = "[units]", .rows = "[units]", .columns = "[C]", .scales = true});
    c.pointwise();
    c.takes_bf16();
    c.linear({{"bias", false}});
    c.backward_reads({"x", "y"});
  }
  explicit Linear(const loom::Options& options) : activation_(options), norm_(options), bias_(options.flag("bias")) {}

  void prepare(const loom::Prepare& p) override {
    channels_ = p.input(0).back();
    units_ = p.output(0).back();
    rows_ = p.output(0).count() / units_;
    LinearShape shape{.rows = rows_, .inputs = channels_, .outputs = units_, .bias = bias_, .relu = activation_.relu()};
    shape.pack = packing_pays(p.training);
    shape.bf16 = p.bf16 && p.backward;
    activation_.prepare(p, p.output(0).count());
    shape.x_bf16 = p.input_views[0].dtype() == loom::DType::bf16;
    shape.y_bf16 = y_bf16_ = activation_.kernel_bf16();
    forward_ = loom::dnnl::kLinear.forward.make(shape);
    std::size_t work = forward_->scratch_bytes();
    if (p.backward) {
      data_ = loom::dnnl::kLinear.backward_data.make(shape);
      weights_ = loom::dnnl::kLinear.backward_weights.make(shape);
      work = std::max({work, data_->scratch_bytes(), weights_->scratch_bytes()});
    }
    work_ = p.scratch<std::byte>(std::max(work, packing_bytes(forward_.get(), data_.get())));
    norm_.prepare(p, 0);
    packed_.prepare(p, *forward_);
    // In bf16 both take the weight rounded as it lies.
    if (data_ && !shape.bf16) packed_data_.prepare(p, *data_);
    shares_packed_ = shape.bf16;
  }

  void pack(const loom::Pack& p) const override {
    const float* weight = norm_.pack(p);
    packed_.pack(p, *forward_, weight, work_(p).data());
    if (data_ && !shares_packed_) packed_data_.pack(p, *data_, weight, work_(p).data());
  }

  std::string implementation(bool backward) const override {
    return !backward ? forward_->implementation() : data_->implementation() + "; " + weights_->implementation();
  }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView y = f.output(0);
    const void* weight = packed_.of(f, norm_.of(f));
    const float* bias = bias_ ? f.parameter("bias").data() : nullptr;
    forward_->execute(f.input(0).raw(), weight, bias, activation_.target(f, y), work_(f).data());
    activation_.apply(f, y);
  }

  void backward(const loom::Backward& b) const override {
    void* work = work_(b).data();
    const void* diff = activation_.gradient(b, b.output(0), b.diff_output(0));
    if (b.wants_diff(0)) {
      const void* weight = shares_packed_ ? packed_.of(b, norm_.of(b)) : packed_data_.of(b, norm_.of(b));
      data_->execute(diff, weight, b.diff_input(0).raw(), work);
    }
    if (norm_.wants_gradient(b)) {
      if (b.is_first("weight"))
        weights_->overwrite(b.input(0).raw(), diff, norm_.gradient(b), units_ * channels_, nullptr, work);
      else
        weights_->execute(b.input(0).raw(), diff, norm_.gradient(b), nullptr, work);
      norm_.add(b);
    }
    if (b.wants_parameter_diff("bias"))
      loom::dnnl::add_column_sums(diff, y_bf16_, rows_, units_, b.diff_parameter("bias").data());
  }

  void end_step(const loom::EndStep& e) const override { norm_.end_step(e); }

  double forward_flop(const loom::Prepare& p) const override {
    return 2.0 * static_cast<double>(p.output(0).count()) * static_cast<double>(p.input(0).back());
  }

 private:
  // Measured: packing 400 x 784 weights saves about 20 us per call and takes 46 us. In training it is repeated in each
  // step, which small shards make up for; for wide outputs it costs many times more. In evaluation it is done once.
  bool packing_pays(bool training) const { return training ? rows_ <= 16 && units_ <= 2 * channels_ : rows_ < 100; }

  FusedActivation activation_;
  WeightNorm norm_;
  bool bias_, y_bf16_ = false, shares_packed_ = false;
  std::int64_t rows_ = 0, units_ = 0, channels_ = 0;
  loom::Slot<std::byte> work_;  // work memory of one primitive at a time
  PackedWeight<loom::dnnl::ForwardKernel> packed_;
  PackedWeight<loom::dnnl::BackwardDataKernel> packed_data_;
  std::unique_ptr<const loom::dnnl::ForwardKernel> forward_;
  std::unique_ptr<const loom::dnnl::BackwardDataKernel> data_;
  std::unique_ptr<const loom::dnnl::BackwardWeightsKernel> weights_;
};
LOOM_NODE(Linear, "linear")

}  // namespace

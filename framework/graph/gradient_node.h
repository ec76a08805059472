// The node of a gradient_type: calls another node's backward as its forward.
//
// Internal to gradient_type.cpp. Ownership: holds the node that it calls. Thread safety: as of any node.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "graph/gradient_type.h"
#include "loom/node.h"

namespace loom {

class GradientNode final : public Node {
 public:
  GradientNode(std::shared_ptr<const GradientOf> of, std::vector<GradientPort> ports, const Options& options);

  void prepare(const Prepare& p) override;
  void pack(const Pack& p) const override;
  void forward(const Forward& f) const override;
  void backward(const Backward& b) const override;
  double forward_flop(const Prepare&) const override { return node_->forward_flop(needs_); }
  std::string implementation(bool) const override { return node_->implementation(true); }

 private:
  // The lists of tensors of a call of the node, each in its place in scratch.
  enum List { inputs, outputs, diff_outputs, diff_inputs, diff_parameters, states, tallies, diff_diff_outputs, lists };

  std::span<TensorView> list(const Call& call, List which) const;
  TensorView filled(const Call& call, const Shape& shape, DType dtype) const;  // zeros
  void reserve(const Prepare& p);
  template <class Inner>
  Inner call_of(const Call& call) const;
  void bind(const Call& call) const;
  void bind_states(const Call& call, Call& inner) const;
  void bind_outputs(const Call& call) const;
  void bind_missing(const Call& call) const;
  void run_forward(const Call& call) const;
  void gather(const Call& call, Backward& inner) const;
  void linear_backward(const Backward& b) const;
  void own_backward(const Backward& b) const;
  bool runs_forward() const { return needs_.saved_bytes > 0 || needs_.sum_count > 0; }
  const Contract& contract() const { return of_->type->contract; }

  std::shared_ptr<const GradientOf> of_;
  std::vector<GradientPort> ports_;
  std::unique_ptr<Node> node_;
  Prepare needs_;  // of the node
  std::vector<TensorView> input_shapes_, output_shapes_;
  std::array<std::size_t, lists + 1> starts_{};
  Slot<TensorView> views_;
  Slot<std::byte> scratch_, saved_;
  PackedSlot<std::byte> packed_;
  Slot<float> zeros_, values_, moved_;  // values_: of the outputs; moved_: copies of the states, and tallies
  Slot<double> sums_, diff_sums_;
};

}  // namespace loom

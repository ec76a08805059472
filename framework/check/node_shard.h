// The calls of a node under test for one shard of a batch.
//
// Internal to framework/check. Memory that a node may not rely on is poisoned before each call. Thread safety: shards may
// be called at once; the totals are only read then.
#pragma once

#include <exception>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "check/node_call.h"

namespace loom::check {

// Sums over a batch, or a shard's share of them.
struct BatchTotals {
  std::vector<double> forward, backward;

  void clear(const Prepare& needs) {
    forward.assign(needs.sum_count, 0.0);
    backward.assign(needs.diff_sum_count, 0.0);
  }
};

// A poisoned tensor, or none for a shape without axes.
Tensor fresh(DType dtype, const Shape& shape);
std::vector<TensorView> views_of(const std::vector<Tensor>& tensors);

class NodeShard {
 public:
  NodeShard(const NodeSetup& setup, const PreparedNode& prepared, std::int64_t first)
      : setup_(setup),
        prepared_(prepared),
        first_(first),
        scratch_(allocate_bytes(prepared.needs.scratch_bytes)),
        saved_(allocate_bytes(prepared.needs.saved_bytes)) {}

  // In this order; what is about sums over the batch only for a node that has them.
  void start();
  void gather();
  void finish(BatchTotals& totals) const;  // of one of the shards
  void forward(BatchTotals& totals);
  void start_backward(const std::vector<Tensor>& diff_outputs);
  void gather_backward(BatchTotals& totals);
  void backward(BatchTotals& totals);
  void copy_to(CallResult& result) const;

  std::exception_ptr failure;
  CallMeter* meter = nullptr;
  std::vector<Tensor> tallies;
  BatchTotals share;

 private:
  using Pass = void (Node::*)(const Backward&) const;

  void fill(Call& call, std::span<const TensorView> inputs, std::span<const TensorView> outputs) const;
  void hide(std::vector<TensorView>& views, bool outputs) const;
  void call_backward(BatchTotals& totals, bool with_inputs, bool with_parameters,
                     const std::function<void(Backward&)>& body);
  void call_node_backward(Backward& call, bool adds);
  void check_addition(Backward& call, Pass pass);
  void check_overwriting(Backward& call);
  bool is_added(const Tensor& again, std::size_t parameter, double base) const;
  TensorView rows(const Tensor& whole) const;
  TensorView narrow_rows(const Tensor& whole);

  const NodeSetup& setup_;
  const PreparedNode& prepared_;
  std::int64_t first_;
  AlignedBytes scratch_, saved_;
  std::vector<TensorView> inputs_, output_views_;
  std::vector<Tensor> narrow_inputs_;  // inputs in bf16
  std::vector<Tensor> outputs_, diff_outputs_, diff_inputs_, diff_parameters_;
  std::vector<std::string> broken_rules_;
};

}  // namespace loom::check

#include "run/storage.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

namespace loom {
namespace {

// Classes of values that are stored alike.
class Alike {
 public:
  explicit Alike(std::size_t count) : parent_(count), is_plain_(count, false) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }
  void join(int a, int b) {
    a = root(a), b = root(b);
    parent_[at(a)] = b;
    is_plain_[at(b)] = is_plain_[at(a)] || is_plain_[at(b)];
  }
  void keep_plain(int value) { is_plain_[at(root(value))] = true; }
  bool is_plain(int value) { return is_plain_[at(root(value))]; }

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  int root(int value) {
    while (parent_[at(value)] != value) value = parent_[at(value)] = parent_[at(parent_[at(value)])];
    return value;
  }

  std::vector<int> parent_;
  std::vector<bool> is_plain_;
};

class Storing {
 public:
  Storing(const Graph& graph, Tape tape) : graph_(graph), tape_(std::move(tape)), alike_(tape_.values.size()) {}

  Tape stored() {
    for (int v = 0; v < static_cast<int>(tape_.values.size()); ++v) {
      const TapeValue& value = value_at(v);
      if (tape_.root(v) != v) alike_.join(v, tape_.root(v));
      if (value.feed >= 0 || value.dtype != DType::f32 || !value.shape.per_sample()) alike_.keep_plain(v);
    }
    for (const auto* wanted : {&tape_.term_values, &tape_.fetch_values, &tape_.input_gradient_values}) {
      for (const int value : *wanted) keep_plain(value);
    }
    for (const TapeStep& step : tape_.steps) {
      if (step.kind == TapeStep::Kind::backward) has_backward_.insert(step.node);
    }
    for (const TapeStep& step : tape_.steps) visit(step);
    for (int v = 0; v < static_cast<int>(tape_.values.size()); ++v) {
      if (!alike_.is_plain(v)) tape_.values[static_cast<std::size_t>(v)].dtype = DType::bf16;
    }
    return std::move(tape_);
  }

 private:
  const TapeValue& value_at(int v) const { return tape_.values[static_cast<std::size_t>(v)]; }
  void keep_plain(int value) {
    if (value >= 0) alike_.keep_plain(value);
  }
  void join(const std::vector<int>& values, const std::vector<int>& others) {
    for (std::size_t k = 0; k < others.size(); ++k) {
      if (others[k] >= 0 && values[k] >= 0) alike_.join(values[k], others[k]);
    }
  }

  void visit(const TapeStep& step) {
    if (step.kind == TapeStep::Kind::sum) return alike_.join(step.inputs.front(), step.outputs.front());
    if (step.kind == TapeStep::Kind::forward) forward_.resize(static_cast<std::size_t>(graph_.size()));
    if (step.kind == TapeStep::Kind::forward)
      forward_[static_cast<std::size_t>(step.node)] = {step.inputs, step.outputs};
    if (step.kind == TapeStep::Kind::repeat) {  // the node is prepared once
      const Ports& ports = forward_[static_cast<std::size_t>(step.node)];
      join(ports.inputs, step.inputs);
      join(ports.outputs, step.outputs);
    }
    if (step.is_backward()) {  // what backward does not read is not among its values
      const Ports& ports = forward_[static_cast<std::size_t>(step.node)];
      join(ports.inputs, step.diff_inputs);
      join(ports.outputs, step.diff_outputs);
    }
    if (step.node >= 0 && takes_bf16(step.node)) return;
    for (const auto* values : {&step.inputs, &step.outputs, &step.diff_inputs, &step.diff_outputs}) {
      for (const int value : *values) keep_plain(value);
    }
  }

  bool takes_bf16(int node) const {
    const GraphNode& of = graph_.node(node);
    return of.contract().can_take_bf16() && !of.full_precision && has_backward_.contains(node);
  }

  struct Ports {
    std::vector<int> inputs, outputs;
  };
  const Graph& graph_;
  Tape tape_;
  Alike alike_;
  std::set<int> has_backward_;
  std::vector<Ports> forward_;  // of each node
};

}  // namespace

Tape store_in_bf16(const Graph& graph, Tape tape) { return Storing(graph, std::move(tape)).stored(); }

}  // namespace loom

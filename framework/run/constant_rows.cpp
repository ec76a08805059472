#include "run/constant_rows.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace loom {
namespace {

class Constants {
 public:
  Constants(const Graph& graph, Tape tape, bool training)
      : graph_(graph), tape_(std::move(tape)), training_(training) {}

  Tape once() {
    if (!find_nodes()) return std::move(tape_);
    find_gradients();
    shapes_.reserve(tape_.values.size());
    for (std::size_t v = 0; v < tape_.values.size(); ++v) {
      TapeValue& value = tape_.values[v];
      shapes_.push_back(value.shape);
      if (is_constant(static_cast<int>(v)) || is_gradient(static_cast<int>(v))) value.shape = value.shape.at_batch(1);
    }
    std::vector<TapeStep> steps = std::exchange(tape_.steps, {});
    for (TapeStep& step : steps) rewrite(std::move(step));
    for (auto* wanted : {&tape_.term_values, &tape_.fetch_values})
      for (int& value : *wanted) value = for_each_sample(value);
    return std::move(tape_);
  }

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  bool is_constant(int value) const { return value >= 0 && constant_.contains(tape_.root(value)); }
  bool is_gradient(int value) const { return value >= 0 && gradients_.contains(tape_.root(value)); }
  bool is_once(const TapeStep& step) const {
    return step.node >= 0 && !tape_.once.empty() && tape_.once[at(step.node)];
  }

  // Its result depends on its inputs and parameters alone, row by row, and nothing is counted.
  bool can_be(const TapeStep& step) const {
    const GraphNode& node = graph_.node(step.node);
    return !node.contract().is_stochastic(training_) && node.tallies.empty() && node.states.empty() &&
           std::ranges::all_of(step.inputs, [&](int value) { return value < 0 || is_constant(value); }) &&
           std::ranges::all_of(step.outputs, [&](int v) { return tape_.values[at(v)].shape.per_sample(); });
  }
  static bool is_source(const TapeStep& step) {
    return std::ranges::all_of(step.inputs, [](int value) { return value < 0; });
  }

  // Whether there is any that is worth it: a learned tensor that other nodes read as it is gains nothing.
  bool find_nodes() {
    std::set<int> read;
    bool any = false;
    for (const TapeStep& step : tape_.steps) {
      if (step.is_finish() || (step.node >= 0 && graph_.node(step.node).is_whole_batch(training_))) return false;
      if (step.kind != TapeStep::Kind::forward || !can_be(step)) continue;
      for (const int value : step.outputs) constant_.insert(tape_.root(value));
      if (is_source(step)) continue;
      any = true;
      for (const int value : step.inputs)
        if (value >= 0) read.insert(tape_.root(value));
    }
    if (!any) return false;
    tape_.once.assign(at(graph_.size()), false);
    for (const TapeStep& step : tape_.steps) {
      if (step.kind != TapeStep::Kind::forward || !can_be(step)) continue;
      const auto is_read = [&](int value) { return read.contains(tape_.root(value)); };
      if (!is_source(step) || std::ranges::any_of(step.outputs, is_read)) {
        tape_.once[at(step.node)] = true;
        continue;
      }
      for (const int value : step.outputs) constant_.erase(tape_.root(value));
    }
    return true;
  }

  // The gradients of constant values: of what steps read, and of what constant steps write.
  void find_gradients() {
    std::map<int, std::vector<int>> inputs_of;
    for (const TapeStep& step : tape_.steps) {
      if (step.kind == TapeStep::Kind::forward) inputs_of[step.node] = step.inputs;
      if (!step.is_backward()) continue;
      const std::vector<int>& inputs = inputs_of.at(step.node);
      for (std::size_t k = 0; k < step.diff_inputs.size(); ++k)
        if (step.diff_inputs[k] >= 0 && is_constant(inputs[k])) gradients_.insert(tape_.root(step.diff_inputs[k]));
      if (!is_once(step)) continue;
      for (const int value : step.diff_outputs)
        if (value >= 0) gradients_.insert(tape_.root(value));
    }
  }

  void rewrite(TapeStep step) {
    if (is_once(step) || step.kind == TapeStep::Kind::sum) {
      tape_.steps.push_back(std::move(step));
      return;
    }
    for (int& value : step.inputs) value = for_each_sample(value);
    std::vector<std::pair<int, int>> sums;  // the gradient of each sample, and the sum
    for (auto* written : {&step.diff_inputs, &step.outputs})
      for (int& value : *written)
        if (is_gradient(value)) sums.emplace_back(add_value(value, "of each sample"), value), value = sums.back().first;
    const int objective = step.objective;
    tape_.steps.push_back(std::move(step));
    for (const auto& [parts, sum] : sums) add_step(TapeStep::Kind::sum_rows, parts, sum, objective);
  }

  // The value itself where it is not constant.
  int for_each_sample(int value) {
    if (!is_constant(value)) return value;
    const auto [spread, fresh] = spread_.try_emplace(value, -1);
    if (!fresh) return spread->second;
    const int copies = spread->second = add_value(value, "for each sample");
    add_step(TapeStep::Kind::spread, value, copies, -1);
    return copies;
  }

  int add_value(int like, const char* what) {
    TapeValue value = tape_.values[at(like)];
    value.shape = shapes_[at(like)];
    value.alias_of = -1;
    value.name += std::string(" ") + what;
    tape_.values.push_back(std::move(value));
    return static_cast<int>(tape_.values.size()) - 1;
  }

  void add_step(TapeStep::Kind kind, int input, int output, int objective) {
    TapeStep step;
    step.kind = kind;
    step.objective = objective;
    step.inputs = {input};
    step.outputs = {output};
    tape_.steps.push_back(std::move(step));
  }

  const Graph& graph_;
  Tape tape_;
  bool training_;
  std::set<int> constant_, gradients_;  // roots
  std::vector<Shape> shapes_;           // as they were
  std::map<int, int> spread_;           // of a constant value, its copies
};

}  // namespace

Tape compute_constants_once(const Graph& graph, Tape tape, bool training) {
  return Constants(graph, std::move(tape), training).once();
}

}  // namespace loom

#include "run/recompute.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "run/plan.h"

namespace loom {
namespace {

// Who writes and reads a root value, by stage.
struct ValueUse {
  int writes = 0, writer = -1;
  bool requested = false;    // a term, a fetch, the gradient of an input: kept to the end
  bool whole_batch = false;  // a backward step that sees the whole batch reads it
  int last = 0;              // stage of its last use
  int last_other = 0;        // of its last use by another step than a backward one
  std::set<int> backward;    // stages of the backward steps that read it
};

class Repeater {
 public:
  Repeater(const Graph& graph, Tape tape, bool training, std::span<const int> nodes)
      : graph_(graph),
        tape_(std::move(tape)),
        originals_(tape_.steps),
        plan_(make_plan(graph, tape_, training, 1, {})) {
    for (const int node : nodes) {
      if (can_compute_again(graph.node(node), training) && !tape_.runs_once(node)) wanted_.insert(node);
    }
    uses_.resize(tape_.values.size());
    for (std::size_t i = 0; i < tape_.steps.size(); ++i) note(static_cast<int>(i));
    for (const auto* wanted : {&tape_.term_values, &tape_.fetch_values, &tape_.input_gradient_values}) {
      for (const int value : *wanted)
        if (value >= 0) use(value).requested = true;
    }
  }

  Tape repeated() {
    std::vector<TapeStep> steps = std::exchange(tape_.steps, {});
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (steps[i].is_backward() && !plan_.whole_batch[i]) {
        for (auto* values : {&steps[i].inputs, &steps[i].outputs}) {
          for (int& value : *values)
            if (value >= 0 && is_repeated(value, plan_.stage[i])) value = again(value, plan_.stage[i]);
        }
      }
      tape_.steps.push_back(std::move(steps[i]));
    }
    return std::move(tape_);
  }

 private:
  ValueUse& use(int value) { return uses_[static_cast<std::size_t>(tape_.root(value))]; }
  // The last stage in which it is there for its forward readers.
  int stays_until(const ValueUse& value) const {
    return std::max(value.last_other, plan_.stage[static_cast<std::size_t>(value.writer)]);
  }

  void note(int i) {
    const TapeStep step = tape_.steps[static_cast<std::size_t>(i)];
    const int stage = plan_.stage[static_cast<std::size_t>(i)];
    const auto at = [&](int value) -> ValueUse& {
      ValueUse& found = use(value);
      found.last = std::max(found.last, stage);
      return found;
    };
    const auto read = [&](const std::vector<int>& values) {
      for (const int value : values) {
        if (value < 0) continue;
        ValueUse& found = at(value);
        if (!step.is_backward()) {
          found.last_other = std::max(found.last_other, stage);
          continue;
        }
        found.backward.insert(stage);
        found.whole_batch |= static_cast<bool>(plan_.whole_batch[static_cast<std::size_t>(i)]);
      }
    };
    const auto write = [&](const std::vector<int>& values) {
      for (const int value : values) {
        if (value < 0) continue;
        ValueUse& found = at(value);
        ++found.writes;
        found.writer = i;
      }
    };
    read(step.inputs);
    step.is_backward() ? read(step.outputs) : write(step.outputs);
    for (const int value : step.diff_outputs)
      if (value >= 0) at(value).last_other = std::max(at(value).last_other, stage);
    write(step.diff_inputs);
  }

  // The forward step of shards that alone writes it; null where there is none.
  const TapeStep* writer_of(const ValueUse& value) const {
    if (value.writes != 1) return nullptr;
    const auto writer = static_cast<std::size_t>(value.writer);
    const TapeStep& step = originals_[writer];
    return step.kind == TapeStep::Kind::forward && !plan_.whole_batch[writer] ? &step : nullptr;
  }
  bool is_wanted(const ValueUse& value) const {
    const TapeStep* step = writer_of(value);
    return step != nullptr && wanted_.contains(step->node);
  }
  bool is_cheap(const ValueUse& value) const {
    const TapeStep* step = writer_of(value);
    return step != nullptr && is_cheap(graph_.node(step->node));
  }
  bool is_cheap(const GraphNode& node) const {
    std::vector<Shape> inputs;
    for (const Port& port : node.inputs) inputs.push_back(port.valid() ? graph_.shape(port) : Shape());
    return node.contract().is_cheap(node.options, inputs);
  }

  // Whether its writer's inputs are there in a stage, or can be computed again as well.
  bool can_repeat(int value, int stage) {
    const ValueUse& found = use(value);
    if (is_wanted(found)) return true;
    if (!is_cheap(found)) return false;
    return std::ranges::all_of(originals_[static_cast<std::size_t>(found.writer)].inputs, [&](int input) {
      return input < 0 || is_kept(input, stage) || can_repeat(input, stage);
    });
  }

  // Whether it is in memory in the backward steps of a stage for the sake of others.
  bool is_kept(int value, int stage) {
    const ValueUse& found = use(value);
    if (found.requested || tape_.values[static_cast<std::size_t>(tape_.root(value))].feed >= 0) return true;
    return found.last >= stage && !is_repeated(value, stage);
  }

  // Whether it is computed again for all its backward readers, or for those in later stages, so that it need not be kept.
  bool is_dropped(int value) {
    const int root = tape_.root(value);
    const auto [it, fresh] = dropped_.try_emplace(root, false);
    if (!fresh) return it->second;
    const ValueUse& found = use(root);
    if (found.requested || found.whole_batch) return false;
    if (is_wanted(found)) return dropped_[root] = true;
    if (!is_cheap(found)) return false;
    const int last = stays_until(found);
    return dropped_[root] =
               !found.backward.empty() && *found.backward.rbegin() > last &&
               std::ranges::all_of(found.backward, [&](int stage) { return stage <= last || can_repeat(root, stage); });
  }

  bool is_repeated(int value, int stage) {
    return is_dropped(value) && (is_wanted(use(value)) || stage > stays_until(use(value)));
  }

  // The value as it is in that stage: a new value, with the step that writes it.
  int again(int value, int stage) {
    const auto known = again_.find({value, stage});
    if (known != again_.end()) return known->second;
    const int shared = tape_.values[static_cast<std::size_t>(value)].alias_of;
    if (shared < 0) return repeat(use(value).writer, value, stage);
    const int storage = again(shared, stage);
    return add_value(value, stage, storage);
  }

  int add_value(int like, int stage, int alias_of) {
    TapeValue value = tape_.values[static_cast<std::size_t>(like)];
    value.alias_of = alias_of;
    value.name = fmt::format("{} (again)", value.name);
    tape_.values.push_back(std::move(value));
    return again_[{like, stage}] = static_cast<int>(tape_.values.size()) - 1;
  }

  int repeat(int writer, int value, int stage) {
    TapeStep step = originals_[static_cast<std::size_t>(writer)];
    step.kind = TapeStep::Kind::repeat;
    step.least_stage = stage;
    for (int& input : step.inputs) {
      if (input >= 0 && !is_kept(input, stage) && can_repeat(input, stage)) input = again(input, stage);
    }
    for (int& output : step.outputs) {
      if (output >= 0) output = add_value(output, stage, -1);
    }
    tape_.steps.push_back(std::move(step));
    return again_.at({value, stage});
  }

  const Graph& graph_;
  Tape tape_;
  std::vector<TapeStep> originals_;
  Plan plan_;
  std::set<int> wanted_;        // nodes whose outputs are not kept
  std::vector<ValueUse> uses_;  // of the values of the given tape
  std::map<int, bool> dropped_;
  std::map<std::pair<int, int>, int> again_;  // per value and stage
};

}  // namespace

bool can_compute_again(const GraphNode& node, bool training) {
  return !node.is_input() && !node.contract().is_alias() && node.tallies.empty() && !node.is_whole_batch(training);
}

Tape repeat_steps(const Graph& graph, Tape tape, bool training, std::span<const int> wanted) {
  return Repeater(graph, std::move(tape), training, wanted).repeated();
}

}  // namespace loom

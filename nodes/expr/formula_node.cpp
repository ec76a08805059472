#include "expr/formula_node.h"

#include <fmt/format.h>

#include "expr/usage.h"

namespace loom::formula {
namespace {

Plan planned(const Operations& all, std::vector<Id> results, std::vector<std::int64_t> counts,
             std::vector<Source> sources) {
  const Operations needed = needed_operations(all, results);
  return make_plan({needed, std::move(results), std::move(counts), std::move(sources)});
}

}  // namespace

std::vector<Shape> events_of(const Prepare& p) {
  std::vector<Shape> events;
  for (const TensorView& input : p.input_views) events.push_back(input.shape().event());
  return events;
}

void FormulaNode::prepare(const Prepare& p) {
  std::vector<Source> sources;
  std::vector<bool> varies;
  for (std::size_t i = 0; i < p.input_views.size(); ++i) {
    const bool integers = p.input_views[i].dtype() == DType::i32;
    sources.push_back({p.input_views[i].shape().event().count(), integers});
    varies.push_back(p.contract->input_at(static_cast<int>(i)).is_differentiable && !integers);
  }
  Built built = this->built(p);
  std::vector<std::int64_t> counts;
  for (const Id id : built.outputs) counts.push_back(built.list.shape(id).count());
  forward_ = planned(built.list, built.outputs, counts, sources);
  if (p.backward) {
    std::vector<Id> gradients = add_gradients(built, varies);
    std::vector<std::int64_t> input_counts;
    for (const Source& source : sources) input_counts.push_back(source.count);
    for (const std::int64_t count : counts) sources.push_back({count, false});
    if (p.along >= 0) {
      std::vector<Source> given = sources;
      given.push_back({sources[static_cast<std::size_t>(p.along)].count, false});
      std::vector<std::int64_t> second_counts = input_counts;
      second_counts.insert(second_counts.end(), counts.begin(), counts.end());
      Built twice = built;
      second_ = planned(twice.list, add_second_gradients(twice, gradients, p.along, varies), second_counts, given);
    }
    backward_ = planned(built.list, std::move(gradients), input_counts, sources);
  }
  reserve(p);
}

void FormulaNode::forward(const Forward& f) const {
  const std::span<const void*> sources = sources_(f);
  const std::span<float*> targets = targets_(f);
  for (int i = 0; i < f.input_count(); ++i) sources[static_cast<std::size_t>(i)] = f.input(i).raw();
  for (std::size_t k = 0; k < f.output_views.size(); ++k) targets[k] = f.output_views[k].data();
  run(forward_, memory(f), sources, targets.first(f.output_views.size()), f.rows, ~Needed{0});
}

void FormulaNode::backward(const Backward& b) const {
  const std::span<const void*> sources = sources_(b);
  const std::span<float*> targets = targets_(b);
  const auto inputs = static_cast<std::size_t>(b.input_count());
  Needed wanted = 0;
  for (std::size_t i = 0; i < inputs; ++i) {
    const bool wants = b.wants_diff(static_cast<int>(i));
    sources[i] = b.input_views[i].raw();
    targets[i] = wants ? b.diff_input_views[i].data() : nullptr;
    if (wants) wanted |= Needed{1} << i;
  }
  for (std::size_t k = 0; k < b.diff_output_views.size(); ++k) sources[inputs + k] = b.diff_output_views[k].raw();
  run(backward_, memory(b), sources, targets.first(inputs), b.rows, wanted);
}

std::string FormulaNode::implementation(bool backward) const {
  const Plan& plan = backward ? backward_ : forward_;
  std::size_t steps = 0, loops = 0;
  for (const auto& stage : plan.stages) {
    const auto* loop = std::get_if<Loop>(&stage);
    loops += loop != nullptr ? 1 : 0;
    steps += loop != nullptr ? loop->steps.size() : 1;
  }
  return fmt::format("{} steps in {} loops, blocks of {}", steps, loops, plan.block);
}

// The targets are the gradients of the inputs, then those of the gradients of the outputs.
void FormulaNode::second_backward(const SecondBackward& b) const {
  const std::span<const void*> sources = sources_(b);
  const std::span<float*> targets = targets_(b);
  const auto inputs = static_cast<std::size_t>(b.input_count()), outputs = b.diff_output_views.size();
  Needed wanted = 0;
  const auto want = [&](std::size_t i, const TensorView& view) {
    targets[i] = view.empty() ? nullptr : view.data();
    if (!view.empty()) wanted |= Needed{1} << i;
  };
  for (std::size_t i = 0; i < inputs; ++i) {
    sources[i] = b.input_views[i].raw();
    want(i, b.diff_input_views[i]);
  }
  for (std::size_t k = 0; k < outputs; ++k) {
    sources[inputs + k] = b.diff_output_views[k].raw();
    want(inputs + k, b.diff_diff_output_views[k]);
  }
  sources[inputs + outputs] = b.direction.raw();
  run(second_, memory(b), sources, targets.first(inputs + outputs), b.rows, wanted);
}

// A call runs one of the plans.
std::int64_t FormulaNode::largest(std::int64_t (*of)(const Plan&)) const {
  return std::max({of(forward_), of(backward_), of(second_)});
}

void FormulaNode::reserve(const Prepare& p) {
  registers_ = p.scratch<float>(largest([](const Plan& plan) { return register_floats(plan); }));
  temporaries_ = p.scratch<float>(largest([](const Plan& plan) { return plan.temporary_floats; }));
  sums_ = p.scratch<double>(largest([](const Plan& plan) { return plan.sums * plan.rows; }));
  table_ = p.scratch<float*>(largest([](const Plan& plan) { return static_cast<std::int64_t>(plan.entries); }));
  const std::size_t ports = p.input_views.size() + p.output_views.size();
  sources_ = p.scratch<const void*>(ports + 1);
  targets_ = p.scratch<float*>(ports);
}

}  // namespace loom::formula

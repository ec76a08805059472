#include "expr/formula_node.h"

#include <fmt/format.h>

#include "expr/usage.h"

namespace loom::nodes::formula {
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

// A call runs one of the two plans.
void FormulaNode::reserve(const Prepare& p) {
  const auto larger = [](auto a, auto b) {
    return std::max(static_cast<std::int64_t>(a), static_cast<std::int64_t>(b));
  };
  registers_ = p.scratch<float>(larger(register_floats(forward_), register_floats(backward_)));
  temporaries_ = p.scratch<float>(larger(forward_.temporary_floats, backward_.temporary_floats));
  sums_ = p.scratch<double>(larger(forward_.sums * forward_.rows, backward_.sums * backward_.rows));
  table_ = p.scratch<float*>(larger(forward_.entries, backward_.entries));
  sources_ = p.scratch<const void*>(p.input_views.size() + p.output_views.size());
  targets_ = p.scratch<float*>(larger(p.input_views.size(), p.output_views.size()));
}

}  // namespace loom::nodes::formula

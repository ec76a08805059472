// A formula as a node: y = f(inputs), of one sample at a time, with NumPy's broadcasting over the axes of a sample.
#include <fmt/format.h>

#include "expr/functions.h"
#include "expr/run.h"
#include "expr/usage.h"
#include "loom/node.h"

namespace {

using namespace loom::nodes;
using formula::Id;

std::vector<std::string> names_of(const std::vector<loom::PortDeclaration>& ports) {
  std::vector<std::string> names;
  for (const loom::PortDeclaration& port : ports) names.push_back(port.name);
  return names;
}

void check_formula_names(const std::vector<std::string>& inputs, const formula::NamedFormulas& formulas) {
  std::vector<loom::Diagnostic> problems;
  const auto add = [&](loom::ErrorCode code, std::string message, std::string option) -> loom::Diagnostic& {
    loom::Diagnostic& finding = problems.emplace_back();
    finding.code = code;
    finding.message = std::move(message);
    finding.option = std::move(option);
    return finding;
  };
  for (const std::string& name : inputs) {
    const std::string why = formula::why_no_name(name);
    if (!why.empty())
      add(loom::ErrorCode::bad_name, fmt::format("the input '{}' cannot have this name: {}", name, why), "").expected =
          "a letter or '_', then letters, digits and '_'; no word of formulas";
  }
  for (const auto& [name, text] : formulas.lets) {
    if (std::ranges::find(inputs, name) != inputs.end())
      add(loom::ErrorCode::duplicate_key, fmt::format("'{}' is an input, and defined under let", name),
          fmt::format("let.{}", name))
          .expected = "two names";
  }
  for (const auto& [what, count] : {std::pair{"inputs", inputs.size()}, {"outputs", formulas.outputs.size()}}) {
    if (count <= formula::kMaxPorts) continue;
    loom::Diagnostic& finding = add(loom::ErrorCode::out_of_range, fmt::format("a formula has too many {}", what), "");
    finding.got = std::to_string(count);
    finding.expected = fmt::format("at most {}", formula::kMaxPorts);
  }
  if (formulas.outputs.empty()) {
    loom::Diagnostic& finding = add(loom::ErrorCode::missing_option, "there is no formula", "");
    finding.expected = "y: a formula, or outputs: a map of names and formulas";
  }
  if (!problems.empty()) throw loom::Error(std::move(problems));
}

class Expression final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("A formula of its inputs, differentiated and fused");
    c.input("NAME", "[N, ...]", "a value that formulas read; integers are read as numbers and get no gradient")
        .or_codes()
        .any_name();
    c.output("y", "[N, ...]", "the value of the formula `y`");
    c.output("NAME", "[N, ...]", "the value of the formula of this name under `outputs`").any_name();
    c.option(formula::kSingle, loom::OptionValue(), loom::text(), "the formula of the one output")
        .example("sum(softplus(a) - b * a)");
    c.option(formula::kOutputs, loom::OptionValue(), loom::text_map("a map of names and formulas"),
             "the formulas of several outputs, in place of `y`");
    c.option(formula::kLet, loom::OptionValue(), loom::text_map("a map of names and formulas"),
             "names for parts of formulas");
    c.rule({formula::kSingle, formula::kOutputs}, "a node has `y` or `outputs`, not both", "one of them",
           [](const loom::Options& o) { return !o.has(formula::kSingle) || !o.has(formula::kOutputs); });
    for (const formula::Function& function : formula::functions())
      c.word(std::string(function.name), std::string(function.form), std::string(function.doc));
  }

  static void ports(loom::Contract& c, const loom::PortChoice& choice) {
    const formula::NamedFormulas formulas = formula::formulas_of(choice.options);
    const formula::FormulaSet set = formula::parse_all(formulas);
    const std::vector<std::string> inputs = choice.inputs ? *choice.inputs : set.free_names();
    check_formula_names(inputs, formulas);
    const formula::Usage usage = formula::usage_of(set, inputs);
    std::vector<std::string> read;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      loom::PortDeclaration& port = c.input(inputs[i], "[N, ...]", "a value that formulas read").or_codes();
      if (!usage.varies[i]) port.no_gradient();
      if (usage.backward_reads[i]) read.push_back(inputs[i]);
    }
    for (const auto& [name, text] : formulas.outputs) c.output(name, "[N, ...]", text);
    c.backward_reads(std::move(read));
    if (usage.pointwise) c.pointwise();
  }

  static void infer(loom::ShapeInference& s) {
    const std::vector<std::string> inputs = names_of(s.contract().inputs());
    std::vector<loom::Shape> events;
    for (int i = 0; i < s.input_count(); ++i) events.push_back(s.input(i).event());
    const formula::Built built = formula::build(parse_all(formula::formulas_of(s.options())), inputs, events);
    for (std::size_t k = 0; k < built.outputs.size(); ++k) {
      loom::Shape shape{s.input_count() > 0 ? s.extent("N") : loom::kBatch};
      for (const std::int64_t extent : built.list.shape(built.outputs[k]).extents()) shape.push_back(extent);
      s.output(s.contract().outputs()[k].name, shape);
    }
  }

  explicit Expression(const loom::Options& options) : formulas_(parse_all(formula::formulas_of(options))) {}

  void prepare(const loom::Prepare& p) override {
    std::vector<formula::Source> sources;
    std::vector<loom::Shape> events;
    std::vector<bool> varies;
    for (std::size_t i = 0; i < p.input_views.size(); ++i) {
      const bool integers = p.input_views[i].dtype() == loom::DType::i32;
      events.push_back(p.input_views[i].shape().event());
      sources.push_back({events.back().count(), integers});
      varies.push_back(p.contract->inputs()[i].is_differentiable && !integers);
    }
    formula::Built built = formula::build(formulas_, names_of(p.contract->inputs()), events);
    std::vector<std::int64_t> counts;
    for (const Id id : built.outputs) counts.push_back(built.list.shape(id).count());
    forward_ = planned(built.list, built.outputs, counts, sources);
    if (p.backward) {
      std::vector<Id> gradients = formula::add_gradients(built, varies);
      std::vector<std::int64_t> input_counts;
      for (const formula::Source& source : sources) input_counts.push_back(source.count);
      for (const std::int64_t count : counts) sources.push_back({count, false});
      backward_ = planned(built.list, std::move(gradients), input_counts, sources);
    }
    reserve(p);
  }

  void forward(const loom::Forward& f) const override {
    const std::span<const void*> sources = sources_(f);
    const std::span<float*> targets = targets_(f);
    for (int i = 0; i < f.input_count(); ++i) sources[static_cast<std::size_t>(i)] = f.input(i).raw();
    for (std::size_t k = 0; k < f.output_views.size(); ++k) targets[k] = f.output_views[k].data();
    formula::run(forward_, memory(f), sources, targets.first(f.output_views.size()), f.rows, ~formula::Needed{0});
  }

  void backward(const loom::Backward& b) const override {
    const std::span<const void*> sources = sources_(b);
    const std::span<float*> targets = targets_(b);
    const auto inputs = static_cast<std::size_t>(b.input_count());
    formula::Needed wanted = 0;
    for (std::size_t i = 0; i < inputs; ++i) {
      const bool wants = b.wants_diff(static_cast<int>(i));
      sources[i] = b.input_views[i].raw();
      targets[i] = wants ? b.diff_input_views[i].data() : nullptr;
      if (wants) wanted |= formula::Needed{1} << i;
    }
    for (std::size_t k = 0; k < b.diff_output_views.size(); ++k) sources[inputs + k] = b.diff_output_views[k].raw();
    formula::run(backward_, memory(b), sources, targets.first(inputs), b.rows, wanted);
  }

  std::string implementation(bool backward) const override {
    const formula::Plan& plan = backward ? backward_ : forward_;
    std::size_t steps = 0, loops = 0;
    for (const auto& stage : plan.stages) {
      const auto* loop = std::get_if<formula::Loop>(&stage);
      loops += loop != nullptr ? 1 : 0;
      steps += loop != nullptr ? loop->steps.size() : 1;
    }
    return fmt::format("{} steps in {} loops, blocks of {}", steps, loops, plan.block);
  }

 private:
  static formula::Plan planned(const formula::Operations& all, std::vector<Id> results,
                               std::vector<std::int64_t> counts, std::vector<formula::Source> sources) {
    const formula::Operations needed = formula::needed_operations(all, results);
    return formula::make_plan({needed, std::move(results), std::move(counts), std::move(sources)});
  }

  // A call runs one of the two plans.
  void reserve(const loom::Prepare& p) {
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

  formula::Memory memory(const loom::Call& call) const {
    return {registers_(call), table_(call), temporaries_(call), sums_(call)};
  }

  formula::FormulaSet formulas_;
  formula::Plan forward_, backward_;
  loom::Slot<float> registers_, temporaries_;
  loom::Slot<double> sums_;
  loom::Slot<float*> table_, targets_;
  loom::Slot<const void*> sources_;
};
LOOM_NODE(Expression, "expr")

}  // namespace

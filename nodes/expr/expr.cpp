// A formula as a node: y = f(inputs), of one sample at a time, with NumPy's broadcasting over the axes of a sample.
#include <fmt/format.h>

#include "expr/formula_node.h"
#include "expr/usage.h"
#include "formula/functions.h"
#include "loom/node.h"

namespace {

namespace formula = loom::formula;

constexpr const char *kRole = "role", *kSampler = "sampler";

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

class Expression final : public formula::FormulaNode {
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
    c.option(
        kRole, loom::OptionValue(), loom::text({kSampler}),
        "sampler: it draws a latent variable from what it reads, the parameters of the posterior and noise; an input "
        "`mu` is the posterior's mean");
    c.rule({formula::kSingle, formula::kOutputs}, "a node has `y` or `outputs`, not both", "one of them",
           [](const loom::Options& o) { return !o.has(formula::kSingle) || !o.has(formula::kOutputs); });
    c.second_derivative([](const loom::Options& o) {  // all but products of many and trigamma
      const formula::FormulaSet set = formula::parse_all(formula::formulas_of(o));
      return formula::usage_of(set, set.free_names()).twice;
    });
    for (const formula::Sign& sign : formula::signs())
      c.word(std::string(sign.name), std::string(sign.form), std::string(sign.doc));
    for (const formula::Function& function : formula::functions())
      c.word(std::string(function.name), std::string(function.form), std::string(function.doc));
  }

  static void ports(loom::Contract& c, const loom::PortChoice& choice) {
    const formula::NamedFormulas formulas = formula::formulas_of(choice.options);
    const formula::FormulaSet set = formula::parse_all(formulas);
    const std::vector<std::string> inputs = choice.inputs ? *choice.inputs : set.free_names();
    check_formula_names(inputs, formulas);
    if (choice.options.has(kRole)) c.role(loom::Role::sampler);
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

  formula::Built built(const loom::Prepare& p) const override {
    return formula::build(formulas_, names_of(p.contract->inputs()), formula::events_of(p));
  }

 private:
  formula::FormulaSet formulas_;
};
LOOM_NODE(Expression, "expr")

}  // namespace

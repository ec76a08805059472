#include "expr/usage.h"

#include <algorithm>

#include "expr/differentiate.h"
#include "expr/plan.h"

namespace loom::formula {
namespace {

std::vector<std::pair<std::string, std::string>> members_of(const Options& options, const char* name) {
  std::vector<std::pair<std::string, std::string>> members;
  if (!options.has(name)) return members;
  for (const OptionMember& member : std::get<OptionMap>(options.values().at(name)))
    members.emplace_back(member.name, std::get<std::string>(member.value));
  return members;
}

// A shape with as many axes as there can be, all of one extent: most formulas are right for inputs of it.
Shape any_event() { return Shape(std::vector<std::int64_t>(kMaxRank - 1, 2)); }

bool is_pointwise(const Built& built) {
  if (built.inputs.size() != 1) return false;
  for (Id id = 0; id < built.list.size(); ++id) {
    const Operation::Kind kind = built.list[id].kind;
    if (kind == Operation::Kind::reduce || kind == Operation::Kind::cumulate) return false;
  }
  const auto keeps = [&](Id id) { return built.list.shape(id) == built.list.shape(built.inputs.front()); };
  return std::ranges::all_of(built.outputs, keeps);
}

Usage of_built(Built built, std::size_t inputs) {
  Usage usage;
  usage.pointwise = is_pointwise(built);
  usage.twice = has_second_derivative(built) && inputs + built.outputs.size() <= static_cast<std::size_t>(kMaxTargets);
  std::vector<Id> gradients = add_gradients(built, std::vector<bool>(inputs, true));
  for (const Id id : gradients) usage.varies.push_back(id != kNone);
  const Operations needed = needed_operations(built.list, gradients);
  usage.backward_reads.assign(inputs, false);
  for (Id id = 0; id < needed.size(); ++id) {
    if (needed[id].kind == Operation::Kind::input && needed[id].index < static_cast<int>(inputs))
      usage.backward_reads[static_cast<std::size_t>(needed[id].index)] = true;
  }
  return usage;
}

}  // namespace

NamedFormulas formulas_of(const Options& options) {
  NamedFormulas formulas;
  formulas.lets = members_of(options, kLet);
  formulas.outputs = members_of(options, kOutputs);
  if (!options.has(kSingle)) return formulas;
  formulas.single = true;
  formulas.outputs = {{kSingle, options.text(kSingle)}};
  return formulas;
}

Usage usage_of(const FormulaSet& set, const std::vector<std::string>& inputs) {
  try {
    return of_built(build(set, inputs, std::vector<Shape>(inputs.size(), any_event())), inputs.size());
  } catch (const Error& error) {
    std::vector<Diagnostic> problems = error.diagnostics();
    std::erase_if(problems, [](const Diagnostic& one) { return one.code == ErrorCode::shape_mismatch; });
    if (!problems.empty()) throw Error(std::move(problems));
  }
  return {std::vector<bool>(inputs.size(), true), std::vector<bool>(inputs.size(), true), false, false};
}

std::vector<Id> add_gradients(Built& built, const std::vector<bool>& variables) {
  std::vector<Id> gradients, wanted;
  const auto first = static_cast<int>(built.inputs.size());
  for (std::size_t k = 0; k < built.outputs.size(); ++k)
    gradients.push_back(built.list.input(first + static_cast<int>(k), Shape(built.list.shape(built.outputs[k]))));
  for (std::size_t i = 0; i < built.inputs.size(); ++i) {
    if (variables[i]) wanted.push_back(built.inputs[i]);
  }
  const std::vector<Id> found = differentiate(built.list, built.outputs, gradients, wanted);
  std::vector<Id> all(built.inputs.size(), kNone);
  std::size_t next = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (variables[i]) all[i] = found[next++];
  }
  return all;
}

std::vector<Id> add_second_gradients(Built& built, const std::vector<Id>& gradients, int along,
                                     const std::vector<bool>& variables) {
  const std::size_t inputs = built.inputs.size(), outputs = built.outputs.size();
  std::vector<Id> all(inputs + outputs, kNone), wanted;
  const Id first = gradients[static_cast<std::size_t>(along)];
  if (first == kNone) return all;
  for (std::size_t i = 0; i < inputs; ++i) {
    if (variables[i]) wanted.push_back(built.inputs[i]);
  }
  for (std::size_t k = 0; k < outputs; ++k)
    wanted.push_back(
        built.list.input(static_cast<int>(inputs + k), Shape(built.list.shape(built.outputs[k]))));  // there already
  const Id direction = built.list.input(static_cast<int>(inputs + outputs), Shape(built.list.shape(first)));
  const std::vector<Id> found = differentiate(built.list, {first}, {direction}, wanted);
  std::size_t next = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i >= inputs || variables[i]) all[i] = found[next++];
  }
  return all;
}

bool has_second_derivative(const Built& built) {
  for (Id id = 0; id < built.list.size(); ++id) {
    const Operation& operation = built.list[id];
    const bool product = operation.kind == Operation::Kind::reduce && operation.reduction == Reduction::product;
    const bool trigamma = operation.kind == Operation::Kind::element && operation.op == BlockOp::trigamma;
    if (product || trigamma) return false;
  }
  return true;
}

}  // namespace loom::formula

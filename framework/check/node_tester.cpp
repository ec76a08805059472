#include "loom/check.h"
#include "loom/node.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "check/node_call.h"
#include "graph/check_options.h"
#include "loom/error.h"
#include "loom/shape_inference.h"

namespace loom::check {
namespace {

// Values of declared options: the given ones, checked against their constraints, and the defaults.
Options checked(const NodeType& type, const Options& given) {
  std::map<std::string, OptionEntry> entries;
  for (const auto& [name, value] : given.values()) entries.emplace(name, OptionEntry{value, {}});
  Diagnostics problems;
  Options options = check_options(type.contract, entries, {}, type.name, problems);
  problems.throw_if_any();
  return options;
}

// The declared constant; parameters that are drawn get standard normal values.
Tensor initial(const ParameterDeclaration& declared, const Shape& shape) {
  const bool drawn = declared.initializer.kind != Initializer::Kind::constant;
  const std::string& name = declared.initializer.of.empty() ? declared.name : declared.initializer.of;
  if (drawn) return random_tensor(shape, stream_of(name));
  Tensor tensor(DType::f32, shape);
  std::ranges::fill(tensor.values(), static_cast<float>(declared.initializer.a));
  return tensor;
}

}  // namespace

class NodeTester::Impl {
 public:
  std::shared_ptr<const NodeType> declared;
  mutable std::shared_ptr<const NodeType> type;  // with the ports of this node
  Options options;
  Tensors inputs, parameters, states;
  bool training = true;
  std::int64_t samples = 0;
  std::uint64_t seed = 1;

  // Ports may follow from the options and from the names of the inputs.
  void choose_ports() const {
    if (!declared->ports) return;
    std::vector<std::string> names;
    for (const auto& [name, tensor] : inputs) names.push_back(name);
    type = NodeType::with_ports(declared, {checked(*declared, options), std::move(names)});
  }
  std::vector<std::optional<Shape>> input_shapes() const;
  ShapeInference inferred(const Options& checked_options) const;
  NodeSetup setup() const;
  std::int64_t sample_count() const;
  std::vector<Tensor> ordered(const Tensors& diff_outputs) const;
  NodeResult result(CallResult call) const;
};

std::int64_t NodeTester::Impl::sample_count() const {
  if (samples > 0) return samples;
  for (int i = 0; i < static_cast<int>(inputs.size()); ++i) {
    const auto it = inputs.find(type->contract.input_name(i));
    if (it != inputs.end()) return it->second.shape()[0];
  }
  return 3;
}

std::vector<std::optional<Shape>> NodeTester::Impl::input_shapes() const {
  const Contract& contract = type->contract;
  const std::size_t count = contract.variadic() ? inputs.size() : contract.inputs().size();
  std::vector<std::optional<Shape>> shapes(count);
  Diagnostics problems;
  for (const auto& [port, tensor] : inputs) {
    const int index = contract.input_index(port);
    if (index < 0 || index >= static_cast<int>(count)) {
      problems.add(ErrorCode::unknown_port, {}, fmt::format("there is no input '{}'", port)).suggestion =
          nearest_name(port, contract.input_names());
      continue;
    }
    const PortDeclaration& declared = contract.input_at(index);
    const bool integers = (declared.any_type || declared.reads_codes) && tensor.dtype() == DType::i32;
    const bool fits = tensor.dtype() == declared.type || integers;
    if (!fits && !contract.is_alias()) {
      problems.add(ErrorCode::dtype_mismatch, {},
                   fmt::format("input '{}' must be {}", port, name_of(contract.input_at(index).type)));
    }
    Shape shape = tensor.shape();
    if (shape.rank() > 0) shape[0] = -(shape[0] / sample_count());
    shapes[static_cast<std::size_t>(index)] = shape;
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (shapes[i] || contract.input_at(static_cast<int>(i)).is_optional) continue;
    problems.add(ErrorCode::missing_input, {},
                 fmt::format("input '{}' is not connected", contract.input_name(static_cast<int>(i))));
  }
  problems.throw_if_any();
  return shapes;
}

ShapeInference NodeTester::Impl::inferred(const Options& checked_options) const {
  ShapeInference inference(type->contract, checked_options, input_shapes());
  inference.run(type->infer);
  Diagnostics problems;
  for (const ShapeInference::Problem& problem : inference.problems()) {
    Diagnostic& finding = problems.add(ErrorCode::shape_mismatch, {}, problem.message);
    finding.got = problem.got;
    finding.expected = problem.expected;
  }
  problems.throw_if_any();
  return inference;
}

NodeSetup NodeTester::Impl::setup() const {
  choose_ports();
  NodeSetup setup;
  setup.type = type;
  setup.options = checked(*type, options);
  const ShapeInference inference = inferred(setup.options);
  const Contract& contract = type->contract;
  for (int i = 0; i < inference.input_count(); ++i) {
    const auto it = inputs.find(contract.input_name(i));
    setup.inputs.push_back(it == inputs.end() ? Tensor() : it->second.clone());
  }
  for (std::size_t j = 0; j < contract.parameters().size(); ++j) {
    const ParameterDeclaration& declared = contract.parameters()[j];
    const auto it = parameters.find(declared.name);
    const std::optional<Shape>& shape = inference.parameters()[j];
    if (it != parameters.end() && (!shape || !(*shape == it->second.shape()))) {
      throw Error(ErrorCode::shape_mismatch, fmt::format("parameter '{}' is {}, but {} was given", declared.name,
                                                         shape ? shape->text() : "absent", it->second.shape().text()));
    }
    const double spread = shape ? 1 / std::sqrt(std::max(1.0, static_cast<double>(shape->count_from(1)))) : 0;
    setup.parameters.push_back(!shape                   ? Tensor()
                               : it != parameters.end() ? it->second.clone()
                                                        : random_tensor(*shape, 1000 + j, spread));
  }
  for (std::size_t j = 0; j < contract.states().size(); ++j) {
    const ParameterDeclaration& declared = contract.states()[j];
    const auto it = states.find(declared.name);
    const std::optional<Shape>& shape = inference.states()[j];
    setup.states.push_back(!shape ? Tensor() : it != states.end() ? it->second.clone() : initial(declared, *shape));
  }
  setup.outputs = inference.outputs();
  for (const auto& tally : inference.tallies()) setup.tallies.push_back(tally.value_or(Shape()));
  setup.samples = sample_count();
  setup.training = training;
  setup.seed = seed;
  return setup;
}

std::vector<Tensor> NodeTester::Impl::ordered(const Tensors& diff_outputs) const {
  std::vector<Tensor> list(type->contract.outputs().size());
  for (const auto& [port, tensor] : diff_outputs) {
    const int index = type->contract.output_index(port);
    if (index < 0) throw Error(ErrorCode::unknown_port, fmt::format("there is no output '{}'", port));
    list[static_cast<std::size_t>(index)] = tensor.clone();
  }
  return list;
}

NodeResult NodeTester::Impl::result(CallResult call) const {
  const Contract& contract = type->contract;
  NodeResult result;
  const auto move = [](std::vector<Tensor>& from, Tensors& to, const auto& name_of_index) {
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (from[i].shape().rank() > 0) to.emplace(name_of_index(i), std::move(from[i]));
    }
  };
  move(call.outputs, result.outputs, [&](std::size_t k) { return contract.outputs()[k].name; });
  move(call.diff_inputs, result.diff_inputs, [&](std::size_t i) { return contract.input_name(static_cast<int>(i)); });
  move(call.diff_parameters, result.diff_parameters, [&](std::size_t j) { return contract.parameters()[j].name; });
  move(call.states, result.states, [&](std::size_t j) { return contract.states()[j].name; });
  result.broken_rules = std::move(call.broken_rules);
  return result;
}

NodeTester::NodeTester(const Registry& registry, const std::string& type) : impl_(std::make_unique<Impl>()) {
  impl_->declared = impl_->type = registry.node(type);
  if (!impl_->type) {
    Diagnostic finding;
    finding.code = ErrorCode::unknown_node_type;
    finding.message = fmt::format("there is no node type '{}'", type);
    finding.suggestion = nearest_name(type, registry.node_names());
    throw Error(std::move(finding));
  }
}
NodeTester::NodeTester(std::shared_ptr<const NodeType> type) : impl_(std::make_unique<Impl>()) {
  impl_->declared = impl_->type = std::move(type);
}
NodeTester::~NodeTester() = default;
NodeTester::NodeTester(NodeTester&&) noexcept = default;
NodeTester& NodeTester::operator=(NodeTester&&) noexcept = default;

NodeTester& NodeTester::option(const std::string& name, OptionValue value) {
  impl_->options.set(name, std::move(value));
  return *this;
}
NodeTester& NodeTester::input(const std::string& port, Tensor value) {
  impl_->inputs.insert_or_assign(port, std::move(value));
  return *this;
}
NodeTester& NodeTester::random_input(const std::string& port, const Shape& shape, double scale, double offset) {
  return input(port, random_tensor(shape, stream_of(port), scale, offset));
}
// A shape for a pattern: 4 samples, a different small extent for each letter, 5 and 6 for a run.
static Shape sample_shape(const std::string& pattern, const Options& options) {
  Shape shape;
  for (const PatternItem& item : parse_pattern(pattern)) {
    switch (item.kind) {
      case PatternItem::Kind::letter: shape.push_back(item.name == "N" ? 4 : 4 + 2 * (item.name[0] % 3)); break;
      case PatternItem::Kind::option: shape.push_back(options.integer(item.name)); break;
      case PatternItem::Kind::literal: shape.push_back(item.number); break;
      case PatternItem::Kind::run:
        shape.push_back(5);
        shape.push_back(6);
        break;
    }
  }
  return shape;
}

NodeTester& NodeTester::random_inputs() {
  const Contract& declared = contract();
  const Options options = checked(*impl_->type, impl_->options);
  const int count = declared.variadic() ? 2 : static_cast<int>(declared.inputs().size());
  for (int i = 0; i < count; ++i) {
    const std::string port = declared.input_name(i);
    if (impl_->inputs.contains(port)) continue;
    const Shape shape = sample_shape(declared.input_at(i).pattern, options);
    if (declared.input_at(i).type == DType::f32)
      random_input(port, shape);
    else
      input(port, Tensor(declared.input_at(i).type, shape));  // codes: all 0, which exists in every codebook
  }
  return *this;
}

NodeTester& NodeTester::parameter(const std::string& name, Tensor value) {
  impl_->parameters.insert_or_assign(name, std::move(value));
  return *this;
}
NodeTester& NodeTester::state(const std::string& name, Tensor value) {
  impl_->states.insert_or_assign(name, std::move(value));
  return *this;
}
NodeTester& NodeTester::evaluation() {
  impl_->training = false;
  return *this;
}
NodeTester& NodeTester::samples(std::int64_t count) {
  impl_->samples = count;
  return *this;
}
NodeTester& NodeTester::seed(std::uint64_t value) {
  impl_->seed = value;
  return *this;
}

const Contract& NodeTester::contract() const { return impl_->type->contract; }

NodeSetup NodeTester::setup() const { return impl_->setup(); }

std::vector<Shape> NodeTester::output_shapes() { return impl_->setup().outputs; }

std::string NodeTester::error() {
  try {
    const NodeSetup setup = impl_->setup();
    NodeCalls(setup, 1, true);
  } catch (const Error& problem) {
    return problem.what();
  }
  return "";
}

NodeResult NodeTester::run(const Tensors& diff_outputs, int shards) {
  const NodeSetup setup = impl_->setup();
  return impl_->result(NodeCalls(setup, shards, !diff_outputs.empty()).run(impl_->ordered(diff_outputs)));
}

NodeResult NodeTester::run_random(int shards) {
  const NodeSetup setup = impl_->setup();
  return impl_->result(NodeCalls(setup, shards, true).run(random_gradients(setup)));
}

Report NodeTester::check_gradients(double tolerance, int elements) { return check_gradients({tolerance, elements}); }

Report NodeTester::check_gradients(const DifferenceCheck& settings) {
  NodeSetup setup = impl_->setup();
  return compare_with_differences(setup, settings);
}

Report NodeTester::check_shards(int shards, double tolerance) {
  Report report;
  NodeSetup one = impl_->setup();
  const Contract& contract = one.contract();
  if (contract.is_whole_batch(one.options, one.training)) return report;
  const NodeSetup setup = repeated(std::move(one), std::max<std::int64_t>(2 * shards, impl_->sample_count()));
  const std::vector<Tensor> above = random_gradients(setup);
  NodeResult whole = impl_->result(NodeCalls(setup, 1, true).run(above));
  NodeResult parts = impl_->result(NodeCalls(setup, shards, true).run(above));
  const auto compare_all = [&](const char* kind, const Tensors& got, const Tensors& expected) {
    for (const auto& [name, tensor] : expected) {
      compare(report, fmt::format("{} shards at once: {} '{}'", shards, kind, name), got.at(name), tensor, tolerance);
    }
  };
  compare_all("output", parts.outputs, whole.outputs);
  compare_all("diff_input", parts.diff_inputs, whole.diff_inputs);
  compare_all("diff_parameter", parts.diff_parameters, whole.diff_parameters);
  for (const std::string& rule : parts.broken_rules) report.failures.push_back(rule);
  return report;
}

Report NodeTester::check_repeatable() {
  Report report;
  const NodeResult first = run_random(), second = run_random();
  const auto same = [&](const char* kind, const Tensors& a, const Tensors& b) {
    for (const auto& [name, tensor] : a) {
      ++report.checks;
      const TensorView x = tensor, y = b.at(name);
      if (std::memcmp(x.raw(), y.raw(), x.bytes()) != 0) {
        report.failures.push_back(fmt::format("{} '{}' has different bits in a second, identical run", kind, name));
      }
    }
  };
  same("output", first.outputs, second.outputs);
  same("diff_input", first.diff_inputs, second.diff_inputs);
  same("diff_parameter", first.diff_parameters, second.diff_parameters);
  for (const std::string& rule : first.broken_rules) report.failures.push_back(rule);
  return report;
}

Report NodeTester::check() {
  Report report = check_repeatable();
  report.add(check_gradients());
  report.add(check_shards());
  return report;
}

}  // namespace loom::check

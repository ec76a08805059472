#include "graph/shape_problems.h"

#include <fmt/format.h>

#include <algorithm>

namespace loom {
namespace {

constexpr int kMostSources = 8;  // that a diagnostic shows

// The nodes whose shapes contradict each other. A rule of the node itself can concern any of its inputs.
void add_sources(std::span<const GraphNode> nodes, const GraphNode& node, const ShapeInference::Problem& problem,
                 Diagnostic& finding) {
  const auto add = [&](int input) {
    if (input < 0 || input >= static_cast<int>(node.inputs.size())) return;
    const Port& port = node.inputs[static_cast<std::size_t>(input)];
    if (!port.valid()) return;
    const GraphNode& source = nodes[static_cast<std::size_t>(port.node)];
    const auto index = static_cast<std::size_t>(port.index);
    const bool several = source.contract().outputs().size() > 1;
    finding.add_end(source.where, fmt::format("'{}{}' makes {}", source.path,
                                              several ? "." + source.contract().outputs()[index].name : "",
                                              source.outputs[index].text()));
  };
  add(problem.input);
  add(problem.other_input);
  if (problem.other_input >= 0) return;
  for (int input = 0; input < kMostSources; ++input) add(input);
}

// No machine can store a larger value, and products of extents stay far from overflow.
constexpr std::int64_t kMaxCount = std::int64_t{1} << 40;

bool too_large(const Shape& shape) {
  std::int64_t count = 1;
  for (int axis = shape.per_sample() ? 1 : 0; axis < shape.rank(); ++axis) {
    if (shape[axis] < 0 || shape[axis] > kMaxCount) return true;
    if (shape[axis] > 0 && count > kMaxCount / shape[axis]) return true;
    count *= std::max<std::int64_t>(1, shape[axis]);
  }
  return false;
}

}  // namespace

Error with_sources(const Error& error, std::span<const GraphNode> nodes, const GraphNode& node) {
  std::vector<Diagnostic> findings = error.diagnostics();
  for (Diagnostic& finding : findings) {
    const bool shapes = finding.code == ErrorCode::shape_mismatch && !finding.excerpt.empty();
    if (shapes) add_sources(nodes, node, ShapeInference::Problem{-1, "", "", ""}, finding);
  }
  return Error(std::move(findings));
}

void report_shapes(std::span<const GraphNode> nodes, const GraphNode& node, const ShapeInference& inference,
                   Diagnostics& diagnostics) {
  for (const ShapeInference::Problem& problem : inference.problems()) {
    const auto slot = static_cast<std::size_t>(problem.input);
    const bool at_input = problem.input >= 0 && slot < node.inputs.size() && node.inputs[slot].valid();
    Diagnostic& finding = diagnostics.add(ErrorCode::shape_mismatch, at_input ? node.input_locations[slot] : node.where,
                                          fmt::format("[{}] '{}': {}", node.type->name, node.path, problem.message));
    finding.got = problem.got;
    finding.expected = problem.expected;
    add_sources(nodes, node, problem, finding);
  }
}

bool sizes_possible(const GraphNode& node, const ShapeInference& inference, Diagnostics& diagnostics) {
  const auto possible = [&](const Shape& shape, const std::string& what) {
    if (!too_large(shape)) return true;
    Diagnostic& finding = diagnostics.add(ErrorCode::out_of_range, node.where,
                                          fmt::format("[{}] '{}': {} is too large", node.type->name, node.path, what));
    finding.got = shape.text();
    finding.expected = fmt::format("at most {} values", kMaxCount);
    return false;
  };
  bool good = true;
  for (std::size_t k = 0; k < inference.outputs().size(); ++k)
    good = possible(inference.outputs()[k], fmt::format("output '{}'", node.contract().outputs()[k].name)) && good;
  for (std::size_t k = 0; k < inference.parameters().size(); ++k) {
    const auto& shape = inference.parameters()[k];
    if (shape) good = possible(*shape, fmt::format("parameter '{}'", node.contract().parameters()[k].name)) && good;
  }
  return good;
}

}  // namespace loom

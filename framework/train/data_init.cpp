#include "train/data_init.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "core/pattern.h"
#include "loom/error.h"
#include "run/program.h"

namespace loom {
namespace {

constexpr double kLeastVariance = 1e-12;  // less is a constant

const ParameterDeclaration& declared(const GraphNode& node, const GraphParameter& parameter) {
  return node.contract().parameters()[static_cast<std::size_t>(parameter.declaration)];
}

// The parameter that scales the outputs; null where there is none, or where another node owns it.
const GraphParameter* scaling_weight(const GraphNode& node) {
  const auto found = std::ranges::find_if(node.parameters, [&](const GraphParameter& parameter) {
    return declared(node, parameter).scales(node.options) && node.owns(parameter) && parameter.follows.empty();
  });
  return found == node.parameters.end() ? nullptr : &*found;
}

const GraphParameter* shifting_bias(const GraphNode& node) {
  const auto found = std::ranges::find_if(
      node.parameters, [&](const GraphParameter& parameter) { return declared(node, parameter).shifts; });
  return found == node.parameters.end() || !node.owns(*found) ? nullptr : &*found;
}

std::int64_t channels_of(const GraphNode& node) {
  std::int64_t channels = 0;
  for (const Shape& output : node.outputs) channels += output.back();
  return channels;
}

bool is_chosen(const GraphNode& node, const std::vector<std::string>& patterns) {
  const GraphParameter* weight = scaling_weight(node);
  if (node.frozen || weight == nullptr) return false;
  const int axis = declared(node, *weight).channel_axis;
  if (weight->shape[axis] != channels_of(node)) return false;  // of groups: an element serves several channels
  if (weight->initial) return weight->initial->rule->from_data;
  return !patterns.empty() && matches_any(patterns, weight->path);
}

std::vector<bool> ancestors(const Graph& graph, std::span<const Port> wanted) {
  std::vector<bool> seen(graph.nodes().size(), false);
  std::vector<Port> open(wanted.begin(), wanted.end());
  while (!open.empty()) {
    const Port port = graph.effective(open.back(), false);
    open.pop_back();
    if (!port.valid() || seen[static_cast<std::size_t>(port.node)]) continue;
    seen[static_cast<std::size_t>(port.node)] = true;
    const std::vector<Port>& inputs = graph.node(port.node).inputs;
    open.insert(open.end(), inputs.begin(), inputs.end());
  }
  return seen;
}

// Of each channel of the outputs, one output after the other.
struct OutputMoments {
  std::vector<double> mean, variance;

  void add(const TensorView& output) {
    const std::int64_t channels = output.shape().back(), rows = output.count() / channels;
    std::vector<double> sum(static_cast<std::size_t>(channels), 0), squares(sum);
    const auto each = [&](const auto& body) {
      const float* x = output.data();
      for (std::int64_t row = 0; row < rows; ++row)
        for (std::size_t c = 0; c < sum.size(); ++c) body(c, static_cast<double>(*x++));
    };
    each([&](std::size_t c, double x) { sum[c] += x; });
    for (double& value : sum) value /= static_cast<double>(rows);
    each([&](std::size_t c, double x) { squares[c] += (x - sum[c]) * (x - sum[c]); });
    for (double& value : squares) value /= static_cast<double>(rows);
    mean.insert(mean.end(), sum.begin(), sum.end());
    variance.insert(variance.end(), squares.begin(), squares.end());
  }
};

class Scaling {
 public:
  Scaling(const BoundGraph& bound, const FirstBatch& batch) : bound_(bound), batch_(batch) {}

  // False where every channel of the output is constant.
  bool run(int index) {
    const OutputMoments moments = measure(index);
    const GraphNode& node = bound_.graph->node(index);
    for (std::size_t c = 0; c < moments.mean.size(); ++c) {
      if (std::isfinite(moments.mean[c]) && std::isfinite(moments.variance[c])) continue;
      Diagnostic finding;
      finding.code = ErrorCode::not_finite;
      finding.where = node.where;
      finding.message = fmt::format(
          "the output of '{}' is not finite in the first batch, from which its initial values "
          "would follow",
          node.path);
      finding.hint = "initialise the layers before it from the data, too (train.data_init)";
      throw Error(std::move(finding));
    }
    apply(node, moments);
    bound_.store.touch();
    return std::ranges::any_of(moments.variance, [](double variance) { return variance > kLeastVariance; });
  }

 private:
  // Of the outputs before the function that is applied to them.
  OutputMoments measure(int index) const {
    const GraphNode& node = bound_.graph->node(index);
    const bool applied = node.options.has("activation");
    const std::shared_ptr<const Graph> graph =
        applied ? bound_.graph->with_option(index, "activation", "none") : bound_.graph;
    ProgramRequest request;
    request.feeds.assign(batch_.feeds.begin(), batch_.feeds.end());
    for (int k = 0; k < static_cast<int>(node.outputs.size()); ++k) request.fetch.push_back({index, k});
    request.batch = batch_.samples;
    Program program(graph, bound_.store, bound_.executor, std::move(request));
    program.run({.feeds = batch_.columns, .weights = {}, .samples = batch_.samples, .seed = batch_.seed});
    OutputMoments moments;
    for (int k = 0; k < static_cast<int>(node.outputs.size()); ++k) moments.add(program.fetched(k));
    return moments;
  }

  void apply(const GraphNode& node, const OutputMoments& moments) {
    const GraphParameter &weight = *scaling_weight(node), *const bias = shifting_bias(node);
    const double scale = weight.initial ? weight.initial->options.number("scale") : 1;
    std::vector<double> factors;
    for (const double variance : moments.variance)
      factors.push_back(variance > kLeastVariance ? scale / std::sqrt(variance) : 1);
    const std::span<float> values = values_of(weight);
    const int axis = declared(node, weight).channel_axis;
    const auto inner = static_cast<std::size_t>(weight.shape.count_from(axis + 1));
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(factors[i / inner % factors.size()] * static_cast<double>(values[i]));
    if (bias == nullptr) return;
    const std::span<float> shifts = values_of(*bias);
    for (std::size_t c = 0; c < shifts.size(); ++c) {
      if (moments.variance[c] > kLeastVariance)
        shifts[c] = static_cast<float>(factors[c] * (static_cast<double>(shifts[c]) - moments.mean[c]));
    }
  }

  std::span<float> values_of(const GraphParameter& parameter) const {
    return bound_.store.at(bound_.store.find(parameter.path)).value.values();
  }

  const BoundGraph& bound_;
  const FirstBatch& batch_;
};

}  // namespace

std::vector<int> nodes_with_data_init(const Graph& graph, const std::vector<std::string>& patterns,
                                      std::span<const Port> wanted) {
  const std::vector<bool> needed = ancestors(graph, wanted);
  std::vector<int> nodes;
  for (const int index : graph.order()) {
    if (needed[static_cast<std::size_t>(index)] && is_chosen(graph.node(index), patterns)) nodes.push_back(index);
  }
  return nodes;
}

void check_data_init(const Graph& graph, const PlacedPatterns& patterns, Diagnostics& diagnostics) {
  std::vector<std::string> weights;
  for (const GraphNode& node : graph.nodes()) {
    const GraphParameter* weight = scaling_weight(node);
    if (weight != nullptr && !node.frozen) weights.push_back(weight->path);
  }
  check_patterns(
      patterns, weights, weights,
      [](const std::string& pattern, Diagnostic& finding) {
        finding.message =
            fmt::format("train.data_init: '{}' matches no weight that the first batch could scale", pattern);
        finding.expected =
            "a pattern over the weights of layers that are trained and stand in no scan, as \"encoder/*\"";
      },
      diagnostics);
}

std::vector<int> init_from_data(const BoundGraph& bound, std::span<const int> nodes, const FirstBatch& batch) {
  Scaling scaling(bound, batch);
  std::vector<int> constant;
  for (const int node : nodes)
    if (!scaling.run(node)) constant.push_back(node);
  bound.store.start_averages();
  return constant;
}

}  // namespace loom

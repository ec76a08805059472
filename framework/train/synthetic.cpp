#include "train/synthetic.h"

#include <algorithm>

#include "loom/random.h"
#include "train/feeds.h"

namespace loom {
namespace {

constexpr std::int64_t kCodes = 2;  // if no consumer declares how many there are

// The codes that a consumer of a port accepts: the last extent of an input with one more axis (logits), or its
// option `count`. 0 if the consumer does not declare it.
std::int64_t codes_of_consumer(const Graph& graph, const GraphNode& node, const Shape& codes) {
  for (const Port& input : node.inputs) {
    if (input.valid() && graph.dtype(input) == DType::f32 && graph.shape(input).rank() == codes.rank() + 1)
      return graph.shape(input).back();
  }
  const auto& options = node.options.values();
  const auto count = options.find("count");
  if (count == options.end()) return 0;
  const std::int64_t* number = std::get_if<std::int64_t>(&count->second);
  return number == nullptr ? 0 : *number;
}

std::int64_t code_count(const Graph& graph, Port port) {
  std::int64_t count = 0;
  for (int i = 0; i < graph.size(); ++i) {
    const GraphNode& node = graph.node(i);
    if (std::ranges::find(node.inputs, port) == node.inputs.end()) continue;
    const std::int64_t accepted =
        node.contract().is_alias() ? code_count(graph, {i, 0}) : codes_of_consumer(graph, node, graph.shape(port));
    if (accepted > 0) count = count == 0 ? accepted : std::min(count, accepted);
  }
  return count;
}

}  // namespace

std::vector<Port> training_inputs(const Graph& graph, const TrainingPlan& plan) {
  std::vector<Port> terms, ports;
  for (const LossTerm& term : plan.terms) {
    if (term.in_training) terms.push_back(term.port);
  }
  for (const int input : needed_inputs(graph, terms, true)) ports.push_back({input, 0});
  return ports;
}

std::vector<Tensor> synthetic_batch(const Graph& graph, const std::vector<Port>& ports, std::int64_t samples,
                                    std::uint64_t seed) {
  std::vector<Tensor> batch;
  for (const Port& port : ports) {
    const RandomStream stream(seed, stream_of(graph.name_of(port)), 0);
    Tensor& tensor = batch.emplace_back(graph.dtype(port), graph.shape(port).at_batch(samples));
    if (tensor.dtype() == DType::f32) {
      for (std::int64_t n = 0; n < samples; ++n) stream.uniform(static_cast<std::uint32_t>(n), tensor.view()[n]);
      continue;
    }
    const std::int64_t found = code_count(graph, port), count = found > 0 ? found : kCodes;
    std::vector<std::uint32_t> bits(static_cast<std::size_t>(tensor.view().per_sample()));
    for (std::int64_t n = 0; n < samples; ++n) {
      stream.bits(static_cast<std::uint32_t>(n), bits);
      std::ranges::transform(bits, tensor.view().operator[]<std::int32_t>(n).begin(), [&](std::uint32_t value) {
        return static_cast<std::int32_t>(value % static_cast<std::uint32_t>(count));
      });
    }
  }
  return batch;
}

}  // namespace loom

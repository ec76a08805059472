#include "runner/ancestral.h"

#include <cstring>

namespace loom::runner {
namespace {

Port port_of(const Graph& graph, const Reference& reference) {
  return graph.port(reference.port.empty() ? reference.node : reference.node + "." + reference.port,
                    ErrorCode::bad_fetch);
}

// Position `t` of the axis of every sample.
void copy_position(const TensorView& from, const TensorView& to, std::int64_t axis, std::int64_t t) {
  const Shape& shape = from.shape();
  const auto element = static_cast<std::int64_t>(from.bytes()) / shape.count();
  const std::int64_t inner = shape.count_from(static_cast<int>(axis) + 1) * element,
                     row = shape[static_cast<int>(axis)] * inner, outer = static_cast<std::int64_t>(from.bytes()) / row;
  const auto* source = static_cast<const std::byte*>(from.raw());
  auto* target = static_cast<std::byte*>(to.raw());
  for (std::int64_t i = 0; i < outer; ++i)
    std::memcpy(target + i * row + t * inner, source + i * row + t * inner, static_cast<std::size_t>(inner));
}

}  // namespace

AncestralSampler::AncestralSampler(const Rewrite& rewrite, const std::shared_ptr<const Graph>& graph,
                                   ParameterStore& store, Executor& executor, const GenerateEntry& entry,
                                   std::int64_t batch) {
  for (const AutoregressionEntry& autoregression : entry.autoregressions) {
    const Port input = port_of(*graph, rewrite.resolved(autoregression.input));
    inputs_.push_back(input);
    ProgramRequest request;
    request.feeds = inputs_;  // what earlier entries drew is known
    request.fetch = {port_of(*graph, rewrite.resolved(autoregression.from))};
    request.batch = batch;
    stages_.push_back({autoregression.axis, Tensor(graph->dtype(input), graph->shape(input).at_batch(batch)),
                       std::make_unique<Program>(graph, store, executor, std::move(request))});
  }
}

std::vector<TensorView> AncestralSampler::draw(const StepInput& input) {
  std::vector<TensorView> feeds;
  for (Stage& stage : stages_) {
    const TensorView values = stage.values.view().rows(0, input.samples);
    std::memset(values.raw(), 0, values.bytes());
    feeds.push_back(values);
    StepInput step = input;
    step.feeds = feeds;
    for (std::int64_t t = 0; t < values.shape()[static_cast<int>(stage.axis)]; ++t) {
      stage.program->run(step);
      copy_position(stage.program->fetched(0), values, stage.axis, t);
    }
  }
  return feeds;
}

}  // namespace loom::runner

#include "generate/ancestral.h"

#include <cstring>

#include "generate/entry.h"

namespace loom {
namespace {

// Position `t` of the axes, in raster order, of every sample.
void copy_position(const TensorView& from, const TensorView& to, std::int64_t axis, std::int64_t axes, std::int64_t t) {
  const Shape& shape = from.shape();
  const auto element = static_cast<std::int64_t>(from.bytes()) / shape.count();
  const std::int64_t inner = shape.count_from(static_cast<int>(axis + axes)) * element,
                     row = shape.count_from(static_cast<int>(axis)) * element,
                     outer = static_cast<std::int64_t>(from.bytes()) / row;
  const auto* source = static_cast<const std::byte*>(from.raw());
  auto* target = static_cast<std::byte*>(to.raw());
  for (std::int64_t i = 0; i < outer; ++i)
    std::memcpy(target + i * row + t * inner, source + i * row + t * inner, static_cast<std::size_t>(inner));
}

std::int64_t positions(const Shape& shape, std::int64_t axis, std::int64_t axes) {
  return shape.count_from(static_cast<int>(axis)) / shape.count_from(static_cast<int>(axis + axes));
}

}  // namespace

AncestralSampler::AncestralSampler(const Rewrite& rewrite, const BoundGraph& bound, const GenerateEntry& entry,
                                   std::int64_t batch, std::vector<Port> given, bool incremental)
    : given_(std::move(given)) {
  const auto& [graph, store, executor] = bound;
  for (const AutoregressionEntry& autoregression : entry.autoregressions) {
    const Port input = graph->port(rewrite.resolved(autoregression.input)),
               from = graph->port(rewrite.resolved(autoregression.from));
    Stage stage{autoregression.axis, autoregression.axes,
                Tensor(graph->dtype(input), graph->shape(input).at_batch(batch)), nullptr, nullptr};
    std::vector<Port> known = given_;  // and the draws of earlier entries
    known.insert(known.end(), inputs_.begin(), inputs_.end());
    IncrementalRequest position{input, from, static_cast<int>(autoregression.axes), known, batch};
    IncrementalPlan plan;
    if (incremental) {
      plan = plan_incremental(*graph, position);
      if (autoregression.axis != 1) plan.obstacle = "the positions do not follow the batch";
      if (!plan.obstacle.empty()) obstacles_.push_back(plan.obstacle);
    }
    inputs_.push_back(input);
    known.push_back(input);
    if (incremental && plan.obstacle.empty()) {
      stage.incremental = std::make_unique<IncrementalProgram>(bound, std::move(position), std::move(plan));
    } else {
      ProgramRequest request;
      request.feeds = std::move(known);
      request.fetch = {from};
      request.batch = batch;
      stage.whole = std::make_unique<Program>(graph, store, executor, std::move(request));
    }
    stages_.push_back(std::move(stage));
  }
}

void AncestralSampler::draw_whole(Stage& stage, StepInput input, const TensorView& values) {
  for (std::int64_t t = 0; t < positions(values.shape(), stage.axis, stage.axes); ++t) {
    stage.whole->run(input);
    copy_position(stage.whole->fetched(0), values, stage.axis, stage.axes, t);
  }
}

std::vector<TensorView> AncestralSampler::draw(const StepInput& input) {
  std::vector<TensorView> feeds(input.feeds.begin(), input.feeds.end());
  for (Stage& stage : stages_) {
    const TensorView values = stage.values.view().rows(0, input.samples);
    std::memset(values.raw(), 0, values.bytes());
    StepInput step = input;
    step.feeds = feeds;
    if (stage.incremental) stage.incremental->run(step, values);
    feeds.push_back(values);
    step.feeds = feeds;
    if (stage.whole) draw_whole(stage, step, values);
  }
  feeds.erase(feeds.begin(), feeds.begin() + static_cast<std::ptrdiff_t>(given_.size()));
  return feeds;
}

}  // namespace loom

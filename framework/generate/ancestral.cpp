#include "generate/ancestral.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "generate/entry.h"
#include "loom/error.h"

namespace loom {
namespace {

// Position `t` of the axes, in raster order, of every sample but those that keep it.
void copy_position(const TensorView& from, const TensorView& to, std::int64_t axis, std::int64_t axes, std::int64_t t,
                   std::span<const std::uint8_t> kept) {
  const Shape& shape = from.shape();
  const auto element = static_cast<std::int64_t>(from.bytes()) / shape.count();
  const std::int64_t inner = shape.count_from(static_cast<int>(axis + axes)) * element,
                     row = shape.count_from(static_cast<int>(axis)) * element,
                     outer = static_cast<std::int64_t>(from.bytes()) / row, positions = row / inner,
                     before = outer / shape[0];  // rows of a sample
  const auto* source = static_cast<const std::byte*>(from.raw());
  auto* target = static_cast<std::byte*>(to.raw());
  for (std::int64_t i = 0; i < outer; ++i) {
    if (!kept.empty() && kept[static_cast<std::size_t>(i / before * positions + t)] != 0) continue;
    std::memcpy(target + i * row + t * inner, source + i * row + t * inner, static_cast<std::size_t>(inner));
  }
}

std::int64_t positions(const Shape& shape, std::int64_t axis, std::int64_t axes) {
  return shape.count_from(static_cast<int>(axis)) / shape.count_from(static_cast<int>(axis + axes));
}

// Copies the positions of `from` that are kept.
void keep(const TensorView& from, const TensorView& to, std::int64_t axis, std::int64_t axes,
          std::span<const std::uint8_t> kept) {
  std::vector<std::uint8_t> others(kept.begin(), kept.end());
  for (std::uint8_t& one : others) one = one == 0 ? 1 : 0;
  for (std::int64_t t = 0; t < positions(from.shape(), axis, axes); ++t) copy_position(from, to, axis, axes, t, others);
}

}  // namespace

AncestralSampler::AncestralSampler(const Rewrite& rewrite, const BoundGraph& bound, const GenerateEntry& entry,
                                   std::int64_t batch, std::vector<Port> given, bool incremental)
    : given_(std::move(given)) {
  const auto& [graph, store, executor] = bound;
  std::vector<Port> drawn;
  for (const AutoregressionEntry& one : entry.autoregressions)
    drawn.push_back(graph->port(rewrite.resolved(one.input)));
  for (const AutoregressionEntry& autoregression : entry.autoregressions) {
    const Port input = drawn[inputs_.size()], from = graph->port(rewrite.resolved(autoregression.from));
    Stage stage;
    stage.axis = autoregression.axis;
    stage.axes = autoregression.axes;
    stage.values = Tensor(graph->dtype(input), graph->shape(input).at_batch(batch));
    stage.given = autoregression.given;
    const Reference& mask = autoregression.given_mask;
    if (!mask.node.empty()) stage.mask = place_of(graph->port(rewrite.resolved(mask)), mask.text());
    if (stage.given > 0 || stage.mask >= 0) stage.source = place_of(input, autoregression.input.text());
    std::vector<Port> known;  // data, and the draws of earlier entries
    for (std::size_t i = 0; i < given_.size(); ++i) {
      if (std::ranges::find(drawn, given_[i]) != drawn.end()) continue;
      stage.feeds.push_back(static_cast<int>(i));
      known.push_back(given_[i]);
    }
    for (const Port one : drawn)  // those that are drawn later, too: zeros, as they begin
      if (one != input) known.push_back(one);
    IncrementalRequest position{input, from, static_cast<int>(autoregression.axes), known, batch};
    IncrementalPlan plan;
    if (incremental && stage.axes > 0) {
      plan = plan_incremental(*graph, position);
      if (autoregression.axis != 1) plan.obstacle = "the positions do not follow the batch";
      if (!plan.obstacle.empty()) obstacles_.push_back(plan.obstacle);
    }
    inputs_.push_back(input);
    known.push_back(input);
    if (incremental && stage.axes > 0 && plan.obstacle.empty()) {
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

int AncestralSampler::place_of(Port port, const std::string& what) const {
  const auto found = std::ranges::find(given_, port);
  if (found != given_.end()) return static_cast<int>(found - given_.begin());
  throw Error(ErrorCode::bad_feed, fmt::format("a part of '{}' is given, but no values are fed", what),
              "feed it from a file (decode), or from data with a column of its name (reconstruct)");
}

// For each sample and position of the stage whether its value is given; empty where none is.
std::vector<std::uint8_t> AncestralSampler::kept(const Stage& stage, const StepInput& input) const {
  if (stage.source < 0) return {};
  const std::int64_t each = positions(stage.values.shape(), stage.axis, stage.axes);
  std::vector<std::uint8_t> kept(static_cast<std::size_t>(input.samples * each), 0);
  if (stage.mask < 0) {
    for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = static_cast<std::int64_t>(i) % each < stage.given ? 1 : 0;
    return kept;
  }
  const TensorView& mask = input.feeds[static_cast<std::size_t>(stage.mask)];
  for (std::size_t i = 0; i < kept.size(); ++i)
    kept[i] = mask.dtype() == DType::f32 ? mask.values()[i] != 0 : mask.values<std::int32_t>()[i] != 0;
  return kept;
}

void AncestralSampler::draw_whole(Stage& stage, const StepInput& input, const TensorView& values,
                                  std::span<const std::uint8_t> kept) {
  for (std::int64_t t = 0; t < positions(values.shape(), stage.axis, stage.axes); ++t) {
    stage.whole->run(input);
    copy_position(stage.whole->fetched(0), values, stage.axis, stage.axes, t, kept);
  }
}

std::vector<TensorView> AncestralSampler::draw(const StepInput& input) {
  std::vector<TensorView> drawn;
  for (const Stage& stage : stages_) {
    drawn.push_back(stage.values.view().rows(0, input.samples));
    std::memset(drawn.back().raw(), 0, drawn.back().bytes());
  }
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    Stage& stage = stages_[i];
    const std::vector<std::uint8_t> given = kept(stage, input);
    if (stage.source >= 0)
      keep(input.feeds[static_cast<std::size_t>(stage.source)], drawn[i], stage.axis, stage.axes, given);
    std::vector<TensorView> feeds;
    for (const int place : stage.feeds) feeds.push_back(input.feeds[static_cast<std::size_t>(place)]);
    for (std::size_t other = 0; other < drawn.size(); ++other)
      if (other != i) feeds.push_back(drawn[other]);
    StepInput step = input;
    step.feeds = feeds;
    if (stage.incremental) stage.incremental->run(step, drawn[i], given);
    feeds.push_back(drawn[i]);
    step.feeds = feeds;
    if (stage.whole) draw_whole(stage, step, drawn[i], given);
  }
  return drawn;
}

}  // namespace loom

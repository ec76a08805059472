#include "run/lane.h"

#include <algorithm>

namespace loom {

SumCounts place_sums(const Graph& graph, const ParameterStore& store, const ProgramRequest& request,
                     BatchState& batch) {
  const auto rounded = [](std::int64_t count) { return (count + 15) / 16 * 16; };
  SumCounts counts;
  for (const ObjectiveRequest& objective : request.objectives) {
    for (int parameter : objective.parameters) {
      batch.slot_offsets.push_back(counts.gradients);
      counts.gradients += rounded(store.at(parameter).value.count());
    }
  }
  batch.tally_offsets.resize(static_cast<std::size_t>(graph.size()));
  for (int i = 0; i < graph.size(); ++i) {
    for (const GraphParameter& tally : graph.node(i).tallies) {
      batch.tally_offsets[static_cast<std::size_t>(i)].push_back(counts.tallies);
      counts.tallies += rounded(tally.shape.count());
    }
  }
  return counts;
}

Lane::Lane(const SumCounts& sums)
    : gradients_(DType::f32, Shape({std::max<std::int64_t>(1, sums.gradients)})),
      tallies_(DType::f32, Shape({std::max<std::int64_t>(1, sums.tallies)})) {}

void Lane::resize_sums(std::size_t count) { sums_.assign(count, 0.0); }

void Lane::clear() {
  std::ranges::fill(sums_, 0.0);
  std::ranges::fill(gradients_.values(), 0.0F);
  std::ranges::fill(tallies_.values(), 0.0F);
}

}  // namespace loom

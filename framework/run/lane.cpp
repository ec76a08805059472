#include "run/lane.h"

#include <algorithm>

namespace loom {

std::vector<std::int64_t> slot_counts(const ParameterStore& store, const ProgramRequest& request) {
  std::vector<std::int64_t> counts;
  for (const ObjectiveRequest& objective : request.objectives) {
    for (const int parameter : objective.parameters) counts.push_back(store.at(parameter).value.count());
  }
  return counts;
}

std::int64_t place_tallies(const Graph& graph, BatchState& batch) {
  std::int64_t count = 0;
  batch.tally_offsets.resize(static_cast<std::size_t>(graph.size()));
  for (int i = 0; i < graph.size(); ++i) {
    for (const GraphParameter& tally : graph.node(i).tallies) {
      batch.tally_offsets[static_cast<std::size_t>(i)].push_back(count);
      count += (tally.shape.count() + 15) / 16 * 16;
    }
  }
  return count;
}

Lane::Lane(int index, std::int64_t tallies)
    : index_(index), tallies_(DType::f32, Shape({std::max<std::int64_t>(1, tallies)})) {}

void Lane::resize_sums(std::size_t count) { sums_.assign(count, 0.0); }

void Lane::clear() {
  std::ranges::fill(sums_, 0.0);
  std::ranges::fill(tallies_.values(), 0.0F);
}

}  // namespace loom

#include "run/batch_sums.h"

#include <utility>

#include "run/call.h"
#include "run/lane.h"

namespace loom {
namespace {

void add_into(std::span<double> total, std::span<const double> part) {
  for (std::size_t i = 0; i < total.size(); ++i) total[i] += part[i];
}

}  // namespace

std::size_t BatchSums::place(std::vector<std::size_t> count_of_each) {
  constexpr std::size_t kLine = kCacheLine / sizeof(double);
  counts = std::move(count_of_each);
  offsets.clear();
  std::size_t end = 0;
  for (const std::size_t count : counts) {
    offsets.push_back(end);
    end += (count + kLine - 1) / kLine * kLine;
  }
  return end;
}

void finish_sums(const BatchState& batch, std::span<const std::span<double>> lanes, const TapeStep& step,
                 const PreparedNode& prepared) {
  const bool backward = step.kind == TapeStep::Kind::finish_backward;
  const int sums = backward ? step.diff_sums : step.sums;
  for (std::size_t apart = 1; apart < lanes.size(); apart *= 2) {
    for (std::size_t lane = 0; lane + apart < lanes.size(); lane += 2 * apart)
      add_into(batch.sums.part(sums, lanes[lane]), batch.sums.part(sums, lanes[lane + apart]));
  }
  if (backward) return;
  Forward call;
  fill_call(call, prepared,
            {.stream = RandomStream(batch.seed, stream_of(batch.graph->node(step.node).stream_path()), batch.step),
             .batch_samples = batch.samples,
             .step = batch.step,
             .lanes = batch.lanes},
            {});
  call.sums = batch.sums.part(sums, lanes.front());
  prepared.node->finish(call);
}

}  // namespace loom

#include "run/division.h"

#include <algorithm>
#include <bit>
#include <set>

#include "run/plan.h"

namespace loom {
namespace {

// Bytes of the parameters that have a gradient: each shard reads them and adds to a sum of the same size.
std::size_t gradient_bytes(const Graph& graph, const Tape& tape) {
  std::set<int> seen;
  std::size_t bytes = 0;
  for (const TapeStep& step : tape.steps) {
    if (!step.is_backward()) continue;
    for (const GraphParameter& parameter : graph.node(step.node).parameters) {
      const int slot = step.gradient_slots[static_cast<std::size_t>(parameter.declaration)];
      if (slot >= 0 && seen.insert(slot).second)
        bytes += static_cast<std::size_t>(parameter.shape.count()) * sizeof(float);
    }
  }
  return bytes;
}

// Multiplications and additions of a sample, estimated from the shapes: each weight of a layer is used once at each
// position of the smaller of its maps. `once`: those of a shard in place of a sample (Tape::once).
double estimated_flop(const Graph& graph, const Tape& tape, bool once = false) {
  double flop = 0;
  for (const TapeStep& step : tape.steps) {
    const bool backward = step.kind == TapeStep::Kind::backward;
    if (step.node < 0 || (step.kind != TapeStep::Kind::forward && !backward)) continue;
    if (tape.runs_once(step.node) != once) continue;
    const GraphNode& node = graph.node(step.node);
    if (node.outputs.empty()) continue;
    const auto positions = [](const Shape& shape) { return shape.count() / std::max<std::int64_t>(1, shape.back()); };
    std::int64_t uses = positions(node.outputs.front());
    if (!node.inputs.empty() && node.inputs.front().valid())
      uses = std::min(uses, positions(graph.shape(node.inputs.front())));
    for (const GraphParameter& parameter : node.parameters) {
      if (parameter.shape.rank() < 2) continue;
      flop += (backward ? 4.0 : 2.0) * static_cast<double>(parameter.shape.count()) *
              static_cast<double>(std::max<std::int64_t>(1, uses));
    }
  }
  return flop;
}

// Of one core, as measured: its products, and its sums of gradients.
double flop_per_second(const Tape& tape) {
  const bool is_bf16 =
      std::ranges::any_of(tape.values, [](const TapeValue& value) { return value.dtype == DType::bf16; });
  return is_bf16 ? 4e11 : 1e11;
}
constexpr double kBytesPerSecond = 1e10;

}  // namespace

int choose_lanes(const Graph& graph, const Tape& tape, std::int64_t batch) {
  constexpr double kPasses = 3;               // a sum is written, read, and added to another one
  constexpr double kShare = 0.03;             // of the time, for the sums
  constexpr std::int64_t kMostSamples = 256;  // that are counted: memory must not grow with the batch
  constexpr double kLeastFlop = 2e7;          // of a lane without sums: 0.2 ms
  constexpr double kLeast = 2, kMost = 64, kMostBytes = 0x1.0p28;  // of all sums
  const double flop = estimated_flop(graph, tape) * static_cast<double>(std::min(batch, kMostSamples));
  const auto sums = static_cast<double>(gradient_bytes(graph, tape));
  const double affordable = kShare * flop / flop_per_second(tape) / (std::max(1.0, kPasses * sums) / kBytesPerSecond);
  const double most = std::min(kMost, kMostBytes / std::max(1.0, sums));
  const double wanted = std::clamp(std::min(affordable, flop / kLeastFlop), kLeast, std::max(kLeast, most));
  return static_cast<int>(std::bit_floor(static_cast<std::uint64_t>(std::min(wanted, static_cast<double>(batch)))));
}

std::int64_t choose_shard(const Graph& graph, const Tape& tape, bool training, std::int64_t batch, int lanes) {
  constexpr std::size_t kCacheBytes = std::size_t{1} << 20;   // second-level cache of a core
  constexpr std::size_t kLargeBytes = std::size_t{32} << 20;  // larger than a core's share of a last-level cache
  constexpr std::int64_t kSmallest = 4;                       // smaller shards have too few rows for the primitives
  const std::size_t one = std::max<std::size_t>(1, make_plan(graph, tape, training, 1, {}).arena_bytes);
  auto fitting = std::max(kSmallest, static_cast<std::int64_t>(kCacheBytes / one));
  // Gradients that fit no cache are read and written for each shard, and the weights are read twice: shards so large
  // that this is at most the memory traffic of their activations.
  const std::size_t gradients = gradient_bytes(graph, tape);
  if (gradients > kLargeBytes) fitting = std::max(fitting, static_cast<std::int64_t>(4 * gradients / one));
  // A shard's gradient is written, read again, and added to its lane's sum: so many samples that this takes a small share of
  // the time of their products.
  constexpr double kPasses = 4, kShare = 0.06;
  const double sums = kPasses * static_cast<double>(gradients) / kBytesPerSecond;
  const double products = estimated_flop(graph, tape) / flop_per_second(tape);
  const auto paying = static_cast<std::int64_t>(std::min(1e6, sums / std::max(1e-9, kShare * products)));
  fitting = std::max(fitting, std::min(paying, static_cast<std::int64_t>(kLargeBytes / one)));
  // What each shard computes once is to take a small share, too.
  constexpr double kOnceShare = 0.1;
  const double once = estimated_flop(graph, tape, true) / std::max(1.0, estimated_flop(graph, tape)) / kOnceShare;
  fitting = std::max(fitting, static_cast<std::int64_t>(std::min(once, static_cast<double>(kLargeBytes / one))));
  const std::int64_t fair = (batch + lanes - 1) / lanes;
  const std::int64_t wanted = std::max<std::int64_t>(1, std::min(fitting, fair));
  const std::int64_t rounds = (batch + wanted * lanes - 1) / (wanted * lanes);
  return (batch + rounds * lanes - 1) / (rounds * lanes);
}

}  // namespace loom

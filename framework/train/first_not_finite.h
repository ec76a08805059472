// Where a step first computed a value that is not finite: the step is computed again, and every value is looked at.
//
// Draws are keyed by seed, step and sample, so the second time equals the first. Memory: the ports are looked at in groups,
// each of at most about 256 MiB and of one port at the least.
//
// Thread safety: one thread. Errors: those of Program.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "run/bound_graph.h"
#include "run/program.h"

namespace loom {

struct NotFinite {
  Port port;
  std::int64_t item = 0;  // of the batch, from 0
  double value = 0;
  double largest_fed = 0;  // the greatest |value| that is fed
};

// `wanted`: the ports whose ancestors are looked at, in the order in which they are computed. Nothing if all are finite.
// `training`: as a step of a training job computes it, not as an evaluation does.
std::optional<NotFinite> first_not_finite(BoundGraph bound, std::span<const Port> feeds, std::span<const Port> wanted,
                                          const StepInput& input, bool training);

// In words: where it is, and what helps against it.
struct NotFiniteStory {
  std::string detail, remedy;
};
// `items`: the name of each item of the batch, as in "item 12 of the data" without the word item.
NotFiniteStory tell(const Graph& graph, const NotFinite& found, const std::string& item);

}  // namespace loom

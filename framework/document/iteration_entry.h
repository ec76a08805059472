// generate: {sample: {iterate: {state: z_t, time: t, by: velocity, into: z}}}: a sampler that applies a part of the graph
// again and again, as a document says it.
//
// Thread safety: a value.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "graph/graph_document.h"

namespace loom {

inline constexpr std::int64_t kMaxIterations = 1'000'000;

struct IterationEntry {
  Reference state, by;
  Reference time, first, into, unconditional;  // no node where they are left out
  std::string predicts = "velocity", schedule = "flow", solver = "euler", grid = "uniform";
  std::int64_t steps = 50;
  std::optional<double> from, to, scale;  // left out: iteration_range() (train/check_iteration.h)
  std::optional<double> eta, rho, step_size, temperature;
  double guidance = 1;
  Location where;

  const Reference& target() const { return into.node.empty() ? state : into; }
  // The state of the next step is what `by` computes, of any type.
  bool replaces() const { return solver == "replace"; }
  std::vector<Reference> filled() const { return present({&state, &time, &into}); }  // by the sampler
  // Those of them of which no value is read before: the first state may be computed from the state of the data.
  std::vector<Reference> filled_unread() const { return first.node.empty() ? filled() : present({&time}); }
  // What the steps and the first state are computed as.
  std::vector<Reference> computed() const { return present({&by, &first, &unconditional}); }

 private:
  static std::vector<Reference> present(std::initializer_list<const Reference*> references) {
    std::vector<Reference> there;
    for (const Reference* reference : references)
      if (!reference->node.empty()) there.push_back(*reference);
    return there;
  }
};

}  // namespace loom

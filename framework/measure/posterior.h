// The posteriors of a graph, found by what its losses are for and by the names of their ports, whatever their types: a
// loss of role divergence whose node has an input `mu`.
//
// Ownership: a Posterior is a value; its ports belong to the graph. Thread safety: values. Errors: none of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "train/objectives.h"

namespace loom::measure {

struct Posterior {
  std::string name;             // of the loss
  int divergence = -1;          // its node
  Port mu;                      // [N, ..., D]: mean
  Port logvar;                  // logarithm of the variance; invalid where it is not an input of the divergence
  Port per_dimension;           // nats, [N, ..., D]; invalid where there is no such output
  Port drawn;                   // the output of the one sampler that reads this posterior; invalid where there is none
  std::int64_t dimensions = 1;  // D, the extent of the last axis
  std::int64_t positions = 1;   // latent values are positions x dimensions: steps of a sequence, places of an image
  bool prior_reads_data = false;  // then there is no single p(z)
};

// In the order of the losses; those of evaluation.
std::vector<Posterior> find_posteriors(const Graph& graph, const std::vector<LossTerm>& terms);

}  // namespace loom::measure

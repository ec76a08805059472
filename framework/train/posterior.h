// The posteriors of a graph. They are found by the roles of its losses and the names of their ports, independent of
// node types: a posterior is a loss of role divergence whose node has an input `mu`.
//
// Ownership: a Posterior is a value; its ports belong to the graph. Thread safety: values. Errors: none of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "train/objectives.h"

namespace loom {

struct Posterior {
  std::string name;             // name of the loss
  int divergence = -1;          // node of the loss
  Port mu;                      // [N, ..., D]: mean
  Port logvar;                  // logarithm of the variance; invalid if it is not an input of the divergence
  Port per_dimension;           // nats, [N, ..., D]; invalid if there is no such output
  Port drawn;                   // the output of the only sampler that reads this posterior; invalid if there is none
  std::int64_t dimensions = 1;  // D, the extent of the last axis
  std::int64_t positions = 1;   // latent values are positions x dimensions: steps of a sequence, positions of an image
  bool prior_reads_data = false;  // there is then no single p(z)
};

// In the order of the losses in evaluation mode.
std::vector<Posterior> find_posteriors(const Graph& graph, const std::vector<LossTerm>& terms);

}  // namespace loom

// The posteriors of a graph: what its samplers draw. They are found by roles and the names of ports, independent of node
// types: the divergences of the evidence whose nodes have an input `mu`, then the samplers with an input `mu` that none of
// these describes (their divergence is computed from densities, or there is none). A deterministic autoencoder, which has
// neither, has the narrowest port between the data and their likelihood or error.
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
  std::string name;             // of the loss; of a sampler without one, or of a bottleneck: its path
  int divergence = -1;          // the node of the loss; else that of the sampler or bottleneck
  Port mu;                      // [N, ..., D]: mean
  Port logvar;                  // logarithm of the variance; invalid if it is not an input of the divergence
  Port per_dimension;           // nats, [N, ..., D]; invalid if there is no such output
  Port drawn;                   // the output of the only sampler that reads this posterior; invalid if there is none
  std::int64_t dimensions = 1;  // D, the extent of the last axis
  std::int64_t positions = 1;   // latent values are positions x dimensions: steps of a sequence, positions of an image
  bool prior_reads_data = false;  // there is then no single p(z)
};

// In the order of the losses in evaluation mode, then of the nodes.
std::vector<Posterior> find_posteriors(const Graph& graph, const std::vector<LossTerm>& terms);

}  // namespace loom

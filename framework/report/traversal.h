// Pictures of what each latent dimension changes, for the report of a run: one row a dimension, by falling rate.
//
// Thread safety: a function of its arguments.
#pragma once

#include <string>
#include <vector>

#include "generate/model_source.h"
#include "run/executor.h"

namespace loom::report {

struct Traversal {
  std::string path;               // of the PNG
  std::string latent;             // the name of the posterior
  std::vector<std::string> rows;  // "3: 2.41 nats", from the top
};

struct Traversals {
  std::vector<Traversal> written;
  std::vector<std::string> left_out;  // names of posteriors beyond the eight with the highest rates
};

// Writes RUN/traversal.png, or RUN/traversal-LATENT.png where the model has several posteriors with rates: of the eight with
// the highest, in the order of the graph. None where the model does not decode to images, or where no divergence tells
// dimensions apart. The decoder starts from 0, the mean of N(0, I); what else it reads from the data is that of the first
// held-out item.
Traversals write_traversals(const ModelSource& model, const RunFolder& run, Executor& executor);

}  // namespace loom::report

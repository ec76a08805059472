// Values of ports over items of a data set: the codes from which metrics and pictures are computed.
//
// Ownership: results own their memory; a Subject refers to the objects that it names. Thread safety: one thread.
// Errors: those of the data and of Program.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/source.h"
#include "graph/graph.h"
#include "run/executor.h"
#include "run/parameter_store.h"

namespace loom::measure {

// A model with its weights.
struct Subject {
  std::shared_ptr<const Graph> graph;
  ParameterStore& store;
  Executor& executor;
};

struct Items {
  std::shared_ptr<const DataSource> source;
  std::int64_t count = 0;  // number of items; fewer if the data has fewer
  bool shuffle = false;    // in a pseudo-random order drawn from `seed`; otherwise the first items
  std::uint64_t seed = 1;
  std::int64_t batch = 64;
};

// One tensor per port, [items, ...], in evaluation mode, followed by `columns` of the data itself, [items, ...].
std::vector<Tensor> encode(const Subject& subject, const Items& items, std::span<const Port> ports,
                           const std::vector<std::string>& columns = {});

}  // namespace loom::measure

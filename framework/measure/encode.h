// Values of ports over items of a data set: the codes that measurements and pictures start from.
//
// Ownership: results own their memory; a Subject refers to what it names. Thread safety: one thread.
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
  std::int64_t count = 0;  // of items; fewer where the data has fewer
  bool shuffle = false;    // in a pseudo-random order drawn from `seed`, else the first ones
  std::uint64_t seed = 1;
  std::int64_t batch = 64;
};

// One tensor a port, [items, ...], in evaluation; `columns` of the data itself, [items, ...], follow them.
std::vector<Tensor> encode(const Subject& subject, const Items& items, std::span<const Port> ports,
                           const std::vector<std::string>& columns = {});

}  // namespace loom::measure

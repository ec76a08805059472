// A graph with its weights and the threads that run it: what a Program is made from.
//
// Ownership: keeps the graph; refers to the store and the executor, which must outlive it. Thread safety: a value; the
// store and the executor allow one thread at a time.
#pragma once

#include <memory>

#include "graph/graph.h"
#include "run/executor.h"
#include "run/parameter_store.h"

namespace loom {

struct BoundGraph {
  std::shared_ptr<const Graph> graph;
  ParameterStore& store;
  Executor& executor;
};

}  // namespace loom

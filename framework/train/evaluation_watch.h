// Looks at values of an evaluation's own pass, so that what is measured on them costs no pass of its own.
//
// Thread safety: called on the thread that evaluates.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/tensor.h"
#include "graph/graph.h"
#include "run/executor.h"

namespace loom {

struct WatchedFigures {
  std::vector<std::pair<std::string, double>> curves;      // name, value: a row each of the run's metrics
  std::vector<std::pair<std::string, std::string>> notes;  // key, text: of the run's info, the last one stays
};

class EvaluationWatch {
 public:
  virtual ~EvaluationWatch() = default;
  virtual std::vector<Port> ports() const = 0;   // of the evaluated graph; the same for every pass
  virtual void begin(std::int64_t samples) = 0;  // of the pass that follows
  // Values of the ports for the next samples, [samples, ...] each. Under several draws: those of the first.
  virtual void add(std::span<const TensorView> values, std::int64_t samples) = 0;
  virtual WatchedFigures finish(Executor& executor) = 0;  // after the pass
};

}  // namespace loom

// Observes values of an evaluation's own pass, so that metrics of these values need no extra pass.
//
// Thread safety: called on the thread that evaluates.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"
#include "loom/tensor.h"
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

// Several watches of one pass; each gets its own ports. Refers to them.
class EvaluationWatches final : public EvaluationWatch {
 public:
  // One without ports is left out.
  void join(EvaluationWatch& watch) {
    if (const std::size_t count = watch.ports().size(); count > 0) watches_.push_back({&watch, count});
  }
  bool empty() const { return watches_.empty(); }

  std::vector<Port> ports() const override {
    std::vector<Port> all;
    for (const Part& part : watches_) {
      const std::vector<Port> own = part.watch->ports();
      all.insert(all.end(), own.begin(), own.end());
    }
    return all;
  }
  void begin(std::int64_t samples) override {
    for (const Part& part : watches_) part.watch->begin(samples);
  }
  void add(std::span<const TensorView> values, std::int64_t samples) override {
    for (const Part& part : watches_) {
      part.watch->add(values.first(part.ports), samples);
      values = values.subspan(part.ports);
    }
  }
  WatchedFigures finish(Executor& executor) override {
    WatchedFigures all;
    for (const Part& part : watches_) {
      const WatchedFigures own = part.watch->finish(executor);
      all.curves.insert(all.curves.end(), own.curves.begin(), own.curves.end());
      all.notes.insert(all.notes.end(), own.notes.begin(), own.notes.end());
    }
    return all;
  }

 private:
  struct Part {
    EvaluationWatch* watch;
    std::size_t ports;
  };
  std::vector<Part> watches_;
};

}  // namespace loom

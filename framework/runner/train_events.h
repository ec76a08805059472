// The events of a training job for programs (train --json): one JSON object a line on stdout, flushed at once. Each has a
// key "event":
//   started     run, graph, data, items, parameters, batch, lanes, shard, precision, algorithms, threads, seed, step, steps
//   step        step, loss, terms {NAME: {value, weight}}, learning_rate, samples_per_s, seconds_left, skipped: means since
//               the last one, every --log-every seconds and after the last step
//   evaluation  step, split, samples, loss, best, metrics
//   checkpoint  step, path
//   message     text: a change that was taken over or refused, a warning about the graph
//   finished    the result, once, at the end
// Numbers that are not finite are null. Losses are in nats per sample.
//
// Thread safety: one thread. Errors: those of write_out().
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runner/progress.h"

namespace loom::runner {

class TrainEvents {
 public:
  // `on`: without it nothing is written.
  TrainEvents(bool on, double every_seconds) : on_(on), every_seconds_(every_seconds) {}

  void started(Session& session, const std::string& run);
  // Of this session from now on.
  void set_session(const Session& session);
  void step(const Session& session, const StepReport& report);
  void evaluation(const Session& session, const Evaluation& evaluation, bool best);
  void checkpoint(std::int64_t step, const std::string& path);
  void message(const std::string& text);
  void finished(nlohmann::ordered_json result);

 private:
  void write(const char* event, nlohmann::ordered_json json) const;

  bool on_;
  double every_seconds_;
  std::vector<ShownTerm> terms_;
  StepMeans means_;
};

}  // namespace loom::runner

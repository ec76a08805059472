// The start of a training job, from a graph or from a run: the model, ready to train, and the folder that it writes to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "live/preparer.h"
#include "train/run_folder.h"

namespace loom::runner {

// What the command line asks train for.
struct TrainRequest {
  std::vector<std::string> plugins;
  std::string graph, data, out, resume;
  std::vector<std::string> overrides;
  SessionSettings settings;  // steps, batch, seed, threads, lanes, shard
  double log_every = 10;
  bool quiet = false;
  bool watch = false;
  double probation_limit = 60;  // seconds
};

struct Training {
  LiveModel model;
  std::optional<RunFolder> run;
};

// Throws usage for what does not go together, and everything wrong with the document.
Training begin_training(const TrainRequest& request);

}  // namespace loom::runner

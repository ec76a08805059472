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
  std::string init;                 // a run or a file: the first weights
  bool newest = false;              // of that run
  std::vector<std::string> rename;  // "NAME_IN_THE_FILE=NODE", of --init
  bool accept_data = false;
  std::vector<std::string> overrides;
  SessionSettings settings;  // steps, batch, seed, threads, lanes, shard
  std::string trace;         // a file; "": none is written
  double log_every = 10;
  bool quiet = false;
  bool watch = false;
  double probation_limit = 60;  // seconds
};

struct Training {
  LiveModel model;
  std::optional<RunFolder> run;
  std::vector<std::string> notes = {};  // where the first weights come from, or what a resume has changed
};

// The executable, which runs the trials of changes.
std::string this_program();

// Throws usage for what does not go together, and everything wrong with the document.
Training begin_training(const TrainRequest& request);

}  // namespace loom::runner

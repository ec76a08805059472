// The trial of a candidate before a training job takes it: libraries are opened, the graph is built and compiled, new
// node types are checked on the values that flow into them, and one step is made on real data.
//
// It runs in a separate process (probation.h), because any of this may crash, hang or exhaust the memory.
//
// Thread safety: one thread. Errors: those of the candidate; node_check_failed; candidate_not_finite.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "live/library_set.h"
#include "train/run_folder.h"

namespace loom {

struct TrialRequest {
  std::vector<LibraryFile> libraries;
  std::vector<LibraryFile> before;  // the running libraries: a check that they also fail does not cause a refusal
  std::vector<std::string> check;   // node types to be checked, if the graph has them
  std::string document;             // resolved text
  std::string name;                 // of the document, in messages
  RunSettings settings;
  std::string checkpoint;    // weights by path and shape, if they fit; "": the initial weights
  std::uint64_t memory = 0;  // bytes that the process may take; 0: no limit

  std::string to_json() const;
  static TrialRequest from_json(const std::string& text);
};

void run_trial(const TrialRequest& request);

}  // namespace loom

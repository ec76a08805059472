// A requested change of a running training job, and its result.
//
// Ownership: values. Thread safety: values; `answer` is called once, on the training thread or on the thread that
// prepares candidates.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "train/training_state.h"

namespace loom {

struct ChangeOutcome {
  bool accepted = false;
  std::int64_t step = 0;                  // finished steps at the boundary at which it took effect or was refused
  std::string what = {};                  // of an accepted change: what changed, for people
  std::vector<std::string> reasons = {};  // of a refused change: the texts of the diagnostics
};

struct ChangeRequest {
  std::string who;                     // "graphs/vae.yaml", "libacme.so", "ctl set losses.kl.weight=2"
  std::vector<std::string> libraries;  // plugin files to be reloaded
  std::vector<std::string> overrides;  // added to the earlier overrides
  std::vector<std::string> node;       // words of ctl swap, added to the earlier node changes; none: no change
  bool is_forced = false;              // exchanged even if nothing has changed
  std::function<void(const ChangeOutcome&)> answer = {};
};

// What was carried over and what starts anew, for people.
std::string describe(const Adoption& adoption);

// Why `work` fails, a sentence each; none: it does not.
std::vector<std::string> reasons_of(const std::function<void()>& work);

}  // namespace loom

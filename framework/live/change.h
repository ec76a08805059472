// A requested change of a running training job, and its result.
//
// Ownership: values. Thread safety: values; `answer` is called once, on the training thread or on the thread that
// prepares candidates.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "document/document.h"

namespace loom {

// ctl swap NODE TYPE [k=v...]: replaces the type of a node. The inputs stay unless some are set; the options are
// those that are set.
struct NodeChange {
  std::string node;  // "kl" (a loss), "encoder/act1"
  std::string type;
  std::vector<Override> settings;  // "function" = "silu"; "in.samples" = "z"

  std::string text() const;  // "kl mmd in.samples=z"
};

struct ChangeOutcome {
  bool accepted = false;
  std::int64_t step = 0;             // finished steps at the boundary at which it took effect or was refused
  std::string what;                  // of an accepted change: what changed, for people
  std::vector<std::string> reasons;  // of a refused change: the texts of the diagnostics
  double pause_seconds = 0;          // between two steps, caused by the exchange
};

struct ChangeRequest {
  std::string who;                     // "graphs/vae.yaml", "libacme.so", "ctl set losses.kl.weight=2"
  std::vector<std::string> libraries;  // plugin files to be reloaded
  std::vector<Override> overrides;     // added to the earlier overrides
  std::optional<NodeChange> node;      // added to the earlier node changes
  bool is_forced = false;              // exchanged even if nothing has changed
  std::function<void(const ChangeOutcome&)> answer = {};
};

}  // namespace loom

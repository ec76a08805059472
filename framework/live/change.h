// What somebody wants changed in a training that runs, and what came of it.
//
// Ownership: values. Thread safety: values; `answer` is called once, on the thread that trains or on the one that
// prepares candidates.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "document/document.h"

namespace loom {

// ctl swap NODE TYPE [k=v...]: another type in the place of a node's. The inputs stay where none is set; the
// options are those that are set.
struct NodeChange {
  std::string node;  // "kl" (a loss), "encoder/act1"
  std::string type;
  std::vector<Override> settings;  // "function" = "silu"; "in.samples" = "z"

  std::string text() const;  // "kl mmd in.samples=z"
};

struct ChangeOutcome {
  bool accepted = false;
  std::int64_t step = 0;             // finished steps at the boundary where it took effect or was refused
  std::string what;                  // of an accepted one: what changed, for people
  std::vector<std::string> reasons;  // of a refused one: the findings' texts
  double pause_seconds = 0;          // between two steps, caused by the exchange
};

struct ChangeRequest {
  std::string who;                     // "graphs/vae.yaml", "libacme.so", "ctl set losses.kl.weight=2"
  std::vector<std::string> libraries;  // plugin files to be taken anew
  std::vector<Override> overrides;     // on top of those so far
  std::optional<NodeChange> node;      // after those so far
  bool is_forced = false;              // exchanged also where nothing has changed
  std::function<void(const ChangeOutcome&)> answer = {};
};

}  // namespace loom

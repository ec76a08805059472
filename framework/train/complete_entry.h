// Entries of `generate` with what a document leaves out: an entry that is missing, what it shows, what it draws, what it fills
// position by position, what it is fed.
//
//   show            what another of the entries sample and reconstruct shows; else the mean of the likelihood, or a draw
//                   from it; of several likelihoods, one port for each column
//   draw            each latent variable from its prior; the vectors of codes that are known; a class, in turn
//   autoregressive  the target of a likelihood, or of a prior of codes, that is computed from the target itself, where every
//                   node between them is causal
//   feed            the codes of the quantizers, else the latent variables, as encode gives them
// An entry that has one of these keys has all of it: nothing is added to a `draw` that is there. Nothing is chosen where two
// answers are possible.
//
// Thread safety: functions of their arguments. Errors: usage for an entry that the document does not have and that cannot be
// made, missing_input for one that it has: with the reason, and how to write it.
#pragma once

#include <string>
#include <vector>

#include "document/document.h"
#include "loom/plugin.h"

namespace loom {

struct EntryRequest {
  std::string name;                     // of the entry; "": from latent variables, whatever entries there are
  bool data = false;                    // its inputs are fed by data; the latent variables are then computed
  bool labels = true;                   // classes are drawn where no data feeds them
  bool priors = true;                   // latent variables may be drawn from their priors
  bool fed = false;                     // its values come from a file: `feed`
  std::string likelihood = {};          // "mean", "draw"; "": as the entry says
  std::vector<std::string> given = {};  // further ports whose values come from elsewhere
};

GenerateEntry complete_entry(const Document& document, const Registry& registry, const EntryRequest& request);

}  // namespace loom

// What the losses of a graph say of its data, by their roles: which of them make a bound of -ln p(x), which are an exact
// likelihood, and what is missing where they are neither.
//
// A loss consists of the nodes of role likelihood and divergence that it is, or that it is computed from through values
// [N] (a sum over the levels of a hierarchy). An output `nll` of a density is a likelihood, too; of a divergence with an
// output `kl` that one counts, without free bits or a capacity. Each of them counts once, without weights, however many
// losses reach it. A loss with a role of its own (`role:`) is one part, as it stands.
//   bound           every sampler that a likelihood depends on has a divergence, and every quantizer a prior of its codes:
//                   likelihoods + divergences are at least -ln p(x). Kingma and Welling 2014
//   exact           a likelihood without latent variables, which sees no more of x than what is before a position
//   reconstruction  a likelihood of x, given what an encoder without a divergence has seen of that x
// Likelihoods and divergences that share a latent variable are one of these; several stand apart (multimodal models).
//
// Ownership: values; the ports belong to the graph. Thread safety: values. Errors: none of its own.
#pragma once

#include <string>
#include <vector>

#include "train/objectives.h"

namespace loom {

struct Bound {
  enum class Kind { bound, exact, reconstruction, none };
  Kind kind = Kind::none;
  std::string name;                           // of its likelihoods
  std::vector<int> likelihoods, divergences;  // indices into Evidence::parts; divergences: priors of codes, too
  std::string missing;  // what keeps it from being a bound; "" for a bound and an exact likelihood
};

struct Evidence {
  std::vector<LossTerm> parts;  // role: likelihood, divergence or prior; named by their losses
  std::vector<Bound> bounds;

  // The only one that has a likelihood, if it is of this kind; else null.
  const Bound* only(Bound::Kind kind) const;
};

// Throws not_supported, with what is missing, unless the parts are one bound or one exact likelihood.
void require_density(const Evidence& evidence);

Evidence find_evidence(const Graph& graph, const std::vector<LossTerm>& losses);

}  // namespace loom

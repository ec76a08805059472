// How much each latent dimension tells of the data: its divergence from the prior.
//
// Thread safety: one thread. Errors: those of the data and of Program.
#pragma once

#include <span>
#include <vector>

#include "measure/encode.h"
#include "train/posterior.h"

namespace loom {

// The KL of each dimension in nats, summed over positions, as a mean over the items, in the order of `posteriors`; empty
// for a divergence that does not tell dimensions apart. One pass over the items for as many posteriors as fit into
// 256 MiB, one at the least.
std::vector<std::vector<double>> rates_of(const measure::Subject& subject, const measure::Items& items,
                                          std::span<const Posterior> posteriors);

}  // namespace loom

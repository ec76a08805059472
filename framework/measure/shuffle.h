// How much the likelihood depends on the latent variable: its change in nats when each item is decoded from the draw of
// another item of its batch. The change is 0 if the decoder ignores z.
//   change = mean over the items of  -ln p(x_n | z_pi(n)) + ln p(x_n | z_n),  pi a random cycle through the batch
#pragma once

#include <optional>
#include <vector>

#include "measure/encode.h"
#include "measure/posterior.h"
#include "train/objectives.h"

namespace loom::measure {

struct ShuffleChange {
  double nats = 0;  // per sample
  std::int64_t samples = 0;
};

// Empty if the posterior has no sampler, if no term is a likelihood, or if there are fewer than two items. Other latent
// variables keep their own draws. Draws and cycles come from the items' seed: the same arguments give the same bits.
std::optional<ShuffleChange> shuffle_change(const Subject& subject, const Items& items, const Posterior& posterior,
                                            const std::vector<LossTerm>& terms);

}  // namespace loom::measure

// How much the likelihood depends on the latent variable: its change in nats when each item is decoded from the draw of
// another item of its batch. The change is 0 if the decoder ignores z.
//   change = mean over the items of  -ln p(x_n | z_pi(n)) + ln p(x_n | z_n),  pi a random cycle through the batch
#pragma once

#include <string>
#include <vector>

#include "measure/encode.h"
#include "train/metric_set.h"
#include "train/objectives.h"
#include "train/posterior.h"

namespace loom::measure {

// The values of shuffle_contract(), of "latents/NAME". Not defined if the posterior has no sampler, if no term is a likelihood, or if there are fewer than two items. Other latent
// variables keep their own draws. Draws and cycles come from the items' seed: the same arguments give the same bits.
std::vector<MetricValue> shuffle_change(const Subject& subject, const Items& items, const Posterior& posterior,
                                        const std::vector<LossTerm>& terms, const std::string& split);

const Contract& shuffle_contract();

}  // namespace loom::measure

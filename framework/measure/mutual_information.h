// The mutual information of data and latent variable under the encoder, and the gap of the aggregate posterior, from
// the diagonal Gaussian posteriors of M items.
//   q(z) = 1/M sum_m q(z|x_m)
//   I_q(x; z) = E[ln q(z|x) - ln q(z)],  z drawn from q(z|x), ln q(z) by log-sum-exp over the M posteriors      [nats]
//   KL(q(z) || p) = E KL(q(z|x) || p) - I_q(x; z)
// Hoffman and Johnson 2016, ELBO surgery, equation 9; the estimator is that of He et al. 2019, Lagging Inference
// Networks, section 4.2. The prior's density cancels in I, so the estimate is valid for every prior. It is at most ln
// M; an estimate close to ln M is a lower bound.
//
// Thread safety: functions of their arguments.
#pragma once

#include <cstdint>

#include "loom/tensor.h"
#include "run/executor.h"

namespace loom::measure {

// Means and log variances are [M, values] f32, M >= 1. One draw per item, from `seed`; the cost is M^2 x values. The
// same arguments give the same bits for any number of threads. Not finite if an input is not finite.
double mutual_information(const TensorView& mu, const TensorView& logvar, std::uint64_t seed, Executor& executor);

// The largest M for which mutual_information() stays within `work` terms, at least 2 and at most `most`.
std::int64_t affordable_posteriors(std::int64_t values, double work, std::int64_t most);

}  // namespace loom::measure

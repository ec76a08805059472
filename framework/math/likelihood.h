// Terms of likelihoods and divergences with their gradients, in nats.
//
// The conventions are those of loom/math.h: `n` counts elements, an output may be the same memory as an input of the
// same call, and the same values give the same bits. Thread safety: pure functions; no call allocates.
#pragma once

#include <cstdint>

namespace loom::math {

// sum softplus(l) - t l, and d/dl = factor (sigmoid(l) - t)
double bernoulli_nll(const float* logits, const float* target, std::int64_t n);
void bernoulli_nll_gradient(float factor, const float* logits, const float* target, float* diff_logits, std::int64_t n);
// y = factor sign(a - b)
void scaled_sign_difference(float factor, const float* a, const float* b, float* y, std::int64_t n);
// KL(N(mu, e^logvar) || N(0, 1)) = 1/2 (e^logvar + mu^2 - 1 - logvar), summed; each term to per_dimension unless null.
double gaussian_kl(const float* mu, const float* logvar, float* per_dimension, std::int64_t n);
// (factor + diff_per_dimension) times the terms' derivatives; diff_per_dimension, diff_mu and diff_logvar may be null.
void gaussian_kl_gradient(float factor, const float* diff_per_dimension, const float* mu, const float* logvar,
                          float* diff_mu, float* diff_logvar, std::int64_t n);
// z = mu + e^(logvar/2) noise, and its gradients (null: not requested)
void reparametrise(const float* mu, const float* logvar, const float* noise, float* z, std::int64_t n);
void reparametrise_gradient(const float* diff_z, const float* logvar, const float* noise, float* diff_mu,
                            float* diff_logvar, float* diff_noise, std::int64_t n);
// sum ln N(z; mu, e^logvar) - ln N(z; 0, 1)
double gaussian_log_ratio(const float* mu, const float* logvar, const float* z, std::int64_t n);

}  // namespace loom::math

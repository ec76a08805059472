// Terms of likelihoods and divergences, in nats, with their gradients: the formulas are in vector_math.h.
#include <algorithm>

#include "math/likelihood.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "math/likelihood.cpp"  // this file, once per instruction set
#include <hwy/foreach_target.h>

#include "math/functions-inl.h"

HWY_BEFORE_NAMESPACE();
namespace loom::math::HWY_NAMESPACE {

using I = std::int64_t;

double BernoulliNll(const float* logits, const float* target, I n) {
  return reduce([](Vec l, Vec t) { return hn::NegMulAdd(t, l, softplus_of(l)); }, n, logits, target);
}

void BernoulliNllGradient(float factor, const float* logits, const float* target, float* out, I n) {
  map([f = hn::Set(kTag, factor)](Vec l, Vec t) { return hn::Mul(f, hn::Sub(sigmoid_of(l), t)); }, out, n, logits,
      target);
}

void ScaledSignDifference(float factor, const float* a, const float* b, float* y, I n) {
  map(
      [f = hn::Set(kTag, factor)](Vec u, Vec v) {
        const Vec d = hn::Sub(u, v);
        const Vec sign =
            hn::IfThenElse(hn::Gt(d, hn::Zero(kTag)), set(1), hn::IfThenElseZero(hn::Lt(d, hn::Zero(kTag)), set(-1)));
        return hn::Mul(f, keep_nan(d, sign));
      },
      y, n, a, b);
}

HWY_INLINE Vec kl_term(Vec mu, Vec logvar) {
  return hn::Mul(set(0.5), hn::Sub(hn::MulAdd(mu, mu, exp_of(logvar)), hn::Add(set(1), logvar)));
}

double GaussianKl(const float* mu, const float* logvar, float* per_dimension, I n) {
  if (per_dimension == nullptr) return reduce([](Vec m, Vec l) { return kl_term(m, l); }, n, mu, logvar);
  map([](Vec m, Vec l) { return kl_term(m, l); }, per_dimension, n, mu, logvar);
  return reduce([](Vec v) { return v; }, n, per_dimension);
}

void GaussianKlGradient(float factor, const float* weights, const float* mu, const float* logvar, float* diff_mu,
                        float* diff_logvar, I n) {
  const Vec f = hn::Set(kTag, factor);
  const auto mean_slope = [f](Vec m, Vec w) { return hn::Mul(hn::Add(f, w), m); };
  const auto logvar_slope = [f](Vec l, Vec w) {
    return hn::Mul(hn::Mul(set(0.5), hn::Add(f, w)), hn::Sub(exp_of(l), set(1)));
  };
  if (diff_mu != nullptr && weights != nullptr) map(mean_slope, diff_mu, n, mu, weights);
  if (diff_mu != nullptr && weights == nullptr)
    map([&](Vec m) { return mean_slope(m, hn::Zero(kTag)); }, diff_mu, n, mu);
  if (diff_logvar != nullptr && weights != nullptr) map(logvar_slope, diff_logvar, n, logvar, weights);
  if (diff_logvar != nullptr && weights == nullptr) {
    map([&](Vec l) { return logvar_slope(l, hn::Zero(kTag)); }, diff_logvar, n, logvar);
  }
}

HWY_INLINE Vec deviation(Vec logvar) { return exp_of(hn::Mul(set(0.5), logvar)); }

void Reparametrise(const float* mu, const float* logvar, const float* noise, float* z, I n) {
  map([](Vec m, Vec l, Vec e) { return hn::MulAdd(deviation(l), e, m); }, z, n, mu, logvar, noise);
}

void ReparametriseGradient(const float* diff_z, const float* logvar, const float* noise, float* diff_mu,
                           float* diff_logvar, float* diff_noise, I n) {
  if (diff_mu != nullptr) map([](Vec d) { return d; }, diff_mu, n, diff_z);
  if (diff_logvar != nullptr) {
    map([](Vec d, Vec l, Vec e) { return hn::Mul(hn::Mul(set(0.5), d), hn::Mul(deviation(l), e)); }, diff_logvar, n,
        diff_z, logvar, noise);
  }
  if (diff_noise != nullptr) map([](Vec d, Vec l) { return hn::Mul(d, deviation(l)); }, diff_noise, n, diff_z, logvar);
}

// 1/2 (z^2 - logvar - (z - mu)^2 e^-logvar): the 2 pi cancels.
double GaussianLogRatio(const float* mu, const float* logvar, const float* z, I n) {
  return reduce(
      [](Vec m, Vec l, Vec v) {
        const Vec d = hn::Sub(v, m);
        const Vec inner = hn::NegMulAdd(hn::Mul(d, d), exp_of(hn::Neg(l)), hn::Sub(hn::Mul(v, v), l));
        return hn::Mul(set(0.5), inner);
      },
      n, mu, logvar, z);
}

}  // namespace loom::math::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace loom::math {

using I = std::int64_t;
HWY_EXPORT(BernoulliNll);
HWY_EXPORT(BernoulliNllGradient);
HWY_EXPORT(ScaledSignDifference);
HWY_EXPORT(GaussianKl);
HWY_EXPORT(GaussianKlGradient);
HWY_EXPORT(Reparametrise);
HWY_EXPORT(ReparametriseGradient);
HWY_EXPORT(GaussianLogRatio);

double bernoulli_nll(const float* logits, const float* target, I n) {
  return HWY_DYNAMIC_DISPATCH(BernoulliNll)(logits, target, n);
}
void bernoulli_nll_gradient(float factor, const float* logits, const float* target, float* diff_logits, I n) {
  HWY_DYNAMIC_DISPATCH(BernoulliNllGradient)(factor, logits, target, diff_logits, n);
}
void scaled_sign_difference(float factor, const float* a, const float* b, float* y, I n) {
  HWY_DYNAMIC_DISPATCH(ScaledSignDifference)(factor, a, b, y, n);
}
double gaussian_kl(const float* mu, const float* logvar, float* per_dimension, I n) {
  return HWY_DYNAMIC_DISPATCH(GaussianKl)(mu, logvar, per_dimension, n);
}
void gaussian_kl_gradient(float factor, const float* diff_per_dimension, const float* mu, const float* logvar,
                          float* diff_mu, float* diff_logvar, I n) {
  HWY_DYNAMIC_DISPATCH(GaussianKlGradient)(factor, diff_per_dimension, mu, logvar, diff_mu, diff_logvar, n);
}
void reparametrise(const float* mu, const float* logvar, const float* noise, float* z, I n) {
  HWY_DYNAMIC_DISPATCH(Reparametrise)(mu, logvar, noise, z, n);
}
void reparametrise_gradient(const float* diff_z, const float* logvar, const float* noise, float* diff_mu,
                            float* diff_logvar, float* diff_noise, I n) {
  HWY_DYNAMIC_DISPATCH(ReparametriseGradient)(diff_z, logvar, noise, diff_mu, diff_logvar, diff_noise, n);
}
double gaussian_log_ratio(const float* mu, const float* logvar, const float* z, I n) {
  return HWY_DYNAMIC_DISPATCH(GaussianLogRatio)(mu, logvar, z, n);
}

}  // namespace loom::math
#endif

// Element-wise and reducing arithmetic on plain float spans, with SIMD chosen at run time (Highway): one binary uses
// the vector width of the machine that it runs on.
//
// Conventions: `n` is a count of elements; an output may be the same memory as an input of the same call, but must
// not overlap it otherwise. Sums are taken in a fixed order that depends only on n (on one machine), so the same
// values give the same bits. NaN propagates through every function. Pointers need no alignment.
//
// Thread safety: pure functions; no call allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "loom/tensor.h"

namespace loom::math {

// --- Functions: y[i] = f(x[i]); accurate to a few units in the last place ---
void exp(const float* x, float* y, std::int64_t n);
void log(const float* x, float* y, std::int64_t n);
void log1p(const float* x, float* y, std::int64_t n);
void sigmoid(const float* x, float* y, std::int64_t n);
void tanh(const float* x, float* y, std::int64_t n);
void softplus(const float* x, float* y, std::int64_t n);  // ln(1 + e^x)
void erf(const float* x, float* y, std::int64_t n);

// --- bf16: rounded to the nearest, ties to even; NaN stays NaN ---
void to_bf16(const float* x, BFloat16* y, std::int64_t n);
void to_f32(const BFloat16* x, float* y, std::int64_t n);

// --- Linear combinations ---
void add(const float* a, const float* b, float* y, std::int64_t n);                              // y = a + b
void multiply(const float* a, const float* b, float* y, std::int64_t n);                         // y = a * b
void multiply_add(const float* a, const float* b, float* y, std::int64_t n);                     // y += a * b
void scale(float factor, const float* x, float* y, std::int64_t n);                              // y = factor * x
void accumulate(float factor, const float* x, float* y, std::int64_t n);                         // y += factor * x
void scaled_difference(float factor, const float* a, const float* b, float* y, std::int64_t n);  // y = factor (a - b)
// y = p a + q b + r c
void combine(float p, const float* a, float q, const float* b, float r, const float* c, float* y, std::int64_t n);
void clamp(float low, float high, const float* x, float* y, std::int64_t n);
// average += (1 - decay) (value - average)
void moving_average(float* average, const float* value, double decay, std::int64_t n);

// --- Sums ---
double sum(const float* x, std::int64_t n);
double sum_of_squares(const float* x, std::int64_t n);
double dot(const float* a, const float* b, std::int64_t n);
double squared_distance(const float* a, const float* b, std::int64_t n);
double absolute_distance(const float* a, const float* b, std::int64_t n);
float maximum(const float* x, std::int64_t n);  // n >= 1
bool all_finite(const float* x, std::int64_t n);

// --- Search ---
// The lowest index at which x is largest; NaN counts as less than any number. 0 if all values are NaN.
std::int64_t index_of_maximum(const float* x, std::int64_t n);

// --- Rows of logits ---
double log_sum_exp(const float* x, std::int64_t n);
void softmax(const float* x, float* y, std::int64_t n);
void log_softmax(const float* x, float* y, std::int64_t n);

// The instruction set in use: "AVX3_ZEN4", "AVX2", ... (reported by `version` and `bench`).
std::string simd_target();

}  // namespace loom::math

namespace loom {

// --- Loops over the events of samples, for nodes that are written as a scalar formula ---
// Sums are taken in double precision and in the order of the elements. No call allocates. For plain functions of whole
// spans, the kernels above are faster because they use SIMD.
//
//   f.output("loss").values()[n] = loom::sum_of(mean[n], target[n], [&](double m, double t) { return nll(m, t); });
//   loom::transform(mean[n], target[n], diff[n], [&](double m, double t) { return upstream * slope(m, t); });

// The sum over the elements of f(a[i]), or of f(a[i], b[i]).
template <class Function>
float sum_of(std::span<const float> a, const Function& f) {
  double sum = 0;
  for (const float x : a) sum += f(static_cast<double>(x));
  return static_cast<float>(sum);
}
template <class Function>
float sum_of(std::span<const float> a, std::span<const float> b, const Function& f) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += f(static_cast<double>(a[i]), static_cast<double>(b[i]));
  return static_cast<float>(sum);
}

// y[i] = f(a[i]), or f(a[i], b[i]); y may be a or b.
template <class Function>
void transform(std::span<const float> a, std::span<float> y, const Function& f) {
  for (std::size_t i = 0; i < a.size(); ++i) y[i] = static_cast<float>(f(static_cast<double>(a[i])));
}
template <class Function>
void transform(std::span<const float> a, std::span<const float> b, std::span<float> y, const Function& f) {
  for (std::size_t i = 0; i < a.size(); ++i)
    y[i] = static_cast<float>(f(static_cast<double>(a[i]), static_cast<double>(b[i])));
}

// The same over values of which each counts weights[i] (Weighting in loom/node.h); without weights, once. f is not called
// for a value that counts 0.
template <class Function>
float weighted_sum_of(std::span<const float> weights, std::span<const float> a, std::span<const float> b,
                      const Function& f) {
  if (weights.empty()) return sum_of(a, b, f);
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (weights[i] != 0)
      sum += static_cast<double>(weights[i]) * f(static_cast<double>(a[i]), static_cast<double>(b[i]));
  }
  return static_cast<float>(sum);
}
template <class Function>
void weighted_transform(std::span<const float> weights, std::span<const float> a, std::span<const float> b,
                        std::span<float> y, const Function& f) {
  if (weights.empty()) return transform(a, b, y, f);
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto weight = static_cast<double>(weights[i]);
    y[i] = weight == 0 ? 0.0F : static_cast<float>(weight * f(static_cast<double>(a[i]), static_cast<double>(b[i])));
  }
}

// Fills a port [N] from a function of the row: loss.values()[n] = f(n).
template <class Function>
void for_each_row(const TensorView& port, const Function& f) {
  const std::span<float> values = port.values();
  for (std::size_t n = 0; n < values.size(); ++n) values[n] = static_cast<float>(f(static_cast<std::int64_t>(n)));
}

}  // namespace loom

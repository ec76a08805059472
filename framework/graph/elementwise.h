// Loops over the events of samples, for nodes that are written as a scalar formula. Every sum is taken in double
// precision and in the order of the elements, so equal values give equal bits. No call allocates.
//
//   f.output("loss").values()[n] = loom::sum_of(mean[n], target[n], [&](double m, double t) { return nll(m, t); });
//   loom::transform(mean[n], target[n], diff[n], [&](double m, double t) { return upstream * slope(m, t); });
//
// For plain functions of whole spans (exp, dot, softmax, ...) core/vector_math.h is faster: it uses SIMD.
#pragma once

#include <cstddef>
#include <span>

#include "core/tensor.h"

namespace loom {

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

// A port [N] from a function of the row: loss.values()[n] = f(n).
template <class Function>
void for_each_row(const TensorView& port, const Function& f) {
  const std::span<float> values = port.values();
  for (std::size_t n = 0; n < values.size(); ++n) values[n] = static_cast<float>(f(static_cast<std::int64_t>(n)));
}

}  // namespace loom

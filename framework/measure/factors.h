// Shared by the disentanglement scores: codes and factors as columns. Internal to framework/measure.
#pragma once

#include <cstdint>
#include <vector>

#include "loom/tensor.h"

namespace loom::measure {

// A factor with at least two values; its values are numbered 0, 1, ... in ascending order.
struct FactorColumn {
  std::vector<std::int32_t> classes;  // per item
  std::vector<std::int32_t> values;   // of each class
  std::vector<std::int64_t> counts;   // items of each class
};

struct CodesAndFactors {
  std::vector<std::vector<float>> codes;  // per dimension
  std::vector<FactorColumn> factors;      // the factors that vary
  std::size_t items = 0;

  // Throws Error(data_shape) unless they are [M, D] and [M, F] with M >= 2 and D >= 1.
  CodesAndFactors(const TensorView& codes, const TensorView& factors);
};

// -sum p ln p of counts or weights >= 0, nats; 0 if their sum is 0.
double entropy(const std::vector<double>& weights);

// The largest value minus the second largest; the largest if it is the only one.
double gap_at_the_top(std::vector<double> values);

}  // namespace loom::measure

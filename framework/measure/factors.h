// What the scores of disentanglement share: codes and factors as columns. Internal to framework/measure.
#pragma once

#include <cstdint>
#include <vector>

#include "loom/tensor.h"

namespace loom::measure {

// A factor that takes at least two values; its values are numbered 0, 1, ... in rising order.
struct FactorColumn {
  std::vector<std::int32_t> classes;  // per item
  std::vector<std::int32_t> values;   // of each class
  std::vector<std::int64_t> counts;   // items of each class
};

struct CodesAndFactors {
  std::vector<std::vector<float>> codes;  // per dimension
  std::vector<FactorColumn> factors;      // those that vary
  std::size_t items = 0;

  // Throws Error(data_shape) where they are not [M, D] and [M, F] with M >= 2 and D >= 1.
  CodesAndFactors(const TensorView& codes, const TensorView& factors);
};

// -sum p ln p of counts or weights >= 0, nats; 0 where their sum is 0.
double entropy(const std::vector<double>& weights);

// The largest value less the second largest; the largest where it is the only one.
double gap_at_the_top(std::vector<double> values);

}  // namespace loom::measure

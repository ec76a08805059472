// DCI: disentanglement, completeness and informativeness, from the importances of random forests; and all the scores.
#include <cmath>
#include <limits>

#include "loom/random.h"
#include "measure/disentanglement.h"
#include "measure/factors.h"
#include "measure/random_forest.h"

namespace loom::measure {
namespace {

// 1 less the entropy to the base of the number of weights; 1 for a single one.
double concentration(const std::vector<double>& weights) {
  return weights.size() > 1 ? 1 - entropy(weights) / std::log(static_cast<double>(weights.size())) : 1;
}

}  // namespace

Dci dci(const TensorView& codes, const TensorView& factors, std::uint64_t seed, Executor& executor) {
  const CodesAndFactors data(codes, factors);
  const std::size_t dimensions = data.codes.size(), count = data.factors.size();
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  if (count == 0) return {kNone, kNone, kNone};
  std::vector<std::uint32_t> order;
  for (std::size_t n = 0; n < data.items; ++n)
    order.push_back(static_cast<std::uint32_t>(permuted_index(n, data.items, seed)));
  const std::span<const std::uint32_t> known = std::span(order).first(order.size() / 2);

  std::vector<std::vector<double>> importance(count);  // [factor][dimension]
  std::vector<double> accuracy(count);
  executor.parallel_for(static_cast<std::int64_t>(count), 1, [&](std::int64_t first, std::int64_t last) {
    for (auto f = static_cast<std::size_t>(first); f < static_cast<std::size_t>(last); ++f) {
      const FactorColumn& factor = data.factors[f];
      const Forest forest(data.codes, factor.classes, static_cast<std::int32_t>(factor.values.size()), known,
                          {.seed = seed});
      std::size_t right = 0;
      for (std::size_t i = known.size(); i < order.size(); ++i)
        right += forest.predict(data.codes, order[i]) == factor.classes[order[i]] ? 1 : 0;
      importance[f] = forest.importance();
      accuracy[f] = static_cast<double>(right) / static_cast<double>(order.size() - known.size());
    }
  });

  Dci result{0, 0, 0};
  double total = 0;
  for (std::size_t d = 0; d < dimensions; ++d) {
    std::vector<double> row;
    double weight = 0;
    for (std::size_t f = 0; f < count; ++f) {
      row.push_back(importance[f][d]);
      weight += row.back();
    }
    result.disentanglement += weight * concentration(row);
    total += weight;
  }
  result.disentanglement = total > 0 ? result.disentanglement / total : 0;
  for (std::size_t f = 0; f < count; ++f) {
    double weight = 0;
    for (const double one : importance[f]) weight += one;
    if (weight > 0) result.completeness += concentration(importance[f]) / static_cast<double>(count);
    result.informativeness += accuracy[f] / static_cast<double>(count);
  }
  return result;
}

}  // namespace loom::measure

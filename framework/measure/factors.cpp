#include "measure/factors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <span>

#include "loom/error.h"

namespace loom::measure {
namespace {

FactorColumn factor_column(const TensorView& factors, std::int64_t f) {
  const std::span<const std::int32_t> all = factors.values<std::int32_t>();
  const auto value = [&](std::int64_t n) { return all[static_cast<std::size_t>(n * factors.per_sample() + f)]; };
  FactorColumn column;
  std::map<std::int32_t, std::int32_t> class_of;
  for (std::int64_t n = 0; n < factors.samples(); ++n) class_of[value(n)] = 0;
  for (auto& [number, index] : class_of) {
    index = static_cast<std::int32_t>(column.values.size());
    column.values.push_back(number);
  }
  column.counts.resize(column.values.size());
  for (std::int64_t n = 0; n < factors.samples(); ++n) {
    const std::int32_t index = class_of[value(n)];
    column.classes.push_back(index);
    ++column.counts[static_cast<std::size_t>(index)];
  }
  return column;
}

}  // namespace

CodesAndFactors::CodesAndFactors(const TensorView& all_codes, const TensorView& all_factors) {
  const Shape &c = all_codes.shape(), &f = all_factors.shape();
  if (c.rank() != 2 || f.rank() != 2 || c[0] != f[0] || c[0] < 2 || c[1] < 1) {
    throw Error(ErrorCode::data_shape, fmt::format("codes of {} and factors of {} do not fit", c.text(), f.text()),
                "codes are [M, D], factors [M, F], M at least 2");
  }
  items = static_cast<std::size_t>(c[0]);
  for (std::int64_t d = 0; d < c[1]; ++d) {
    std::vector<float>& column = codes.emplace_back();
    for (std::int64_t n = 0; n < c[0]; ++n) column.push_back(all_codes[n][static_cast<std::size_t>(d)]);
  }
  for (std::int64_t i = 0; i < f[1]; ++i) {
    FactorColumn column = factor_column(all_factors, i);
    if (column.values.size() > 1) factors.push_back(std::move(column));
  }
}

double entropy(const std::vector<double>& weights) {
  double total = 0, sum = 0;
  for (const double weight : weights) total += weight;
  if (total <= 0) return 0;
  for (const double weight : weights)
    if (weight > 0) sum -= weight / total * std::log(weight / total);
  return sum;
}

double gap_at_the_top(std::vector<double> values) {
  std::ranges::sort(values, std::greater<>());
  return values.size() > 1 ? values[0] - values[1] : values.at(0);
}

}  // namespace loom::measure

// MIG: how much more information about a factor the best dimension has than the second best.
#include <algorithm>
#include <cmath>
#include <limits>

#include "measure/disentanglement.h"
#include "measure/factors.h"

namespace loom::measure {
namespace {

// Bins of equal width between the smallest and the largest value, as in numpy.histogram; one bin if these are equal.
std::vector<int> binned(const std::vector<float>& code, int bins) {
  const auto [least, largest] = std::ranges::minmax(code);
  const double low = static_cast<double>(least), width = static_cast<double>(largest) - low;
  std::vector<int> out;
  for (const float value : code) {
    const double place = width > 0 ? (static_cast<double>(value) - low) / width * bins : 0;
    out.push_back(std::clamp(static_cast<int>(place), 0, bins - 1));
  }
  return out;
}

// I(bin; class) = H(bin) + H(class) - H(bin, class), of the empirical distribution.
double mutual_information(const std::vector<int>& code, int bins, const FactorColumn& factor) {
  const std::size_t classes = factor.values.size();
  std::vector<double> joint(static_cast<std::size_t>(bins) * classes), of_code(static_cast<std::size_t>(bins));
  for (std::size_t n = 0; n < code.size(); ++n) {
    const auto bin = static_cast<std::size_t>(code[n]);
    ++of_code[bin];
    ++joint[bin * classes + static_cast<std::size_t>(factor.classes[n])];
  }
  const std::vector<double> of_factor(factor.counts.begin(), factor.counts.end());
  return entropy(of_code) + entropy(of_factor) - entropy(joint);
}

}  // namespace

double mutual_information_gap(const TensorView& codes, const TensorView& factors, int bins) {
  const CodesAndFactors data(codes, factors);
  if (data.factors.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::vector<std::vector<int>> binned_codes;
  for (const std::vector<float>& code : data.codes) binned_codes.push_back(binned(code, bins));
  double sum = 0;
  for (const FactorColumn& factor : data.factors) {
    std::vector<double> known;
    for (const std::vector<int>& code : binned_codes) known.push_back(mutual_information(code, bins, factor));
    sum += gap_at_the_top(known) / entropy({factor.counts.begin(), factor.counts.end()});
  }
  return sum / static_cast<double>(data.factors.size());
}

}  // namespace loom::measure

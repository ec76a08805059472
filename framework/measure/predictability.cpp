// SAP: how much better the best dimension predicts a factor, alone and linearly, than the second best.
#include <limits>

#include "measure/disentanglement.h"
#include "measure/factors.h"

namespace loom::measure {
namespace {

// The squared correlation: R^2 of a linear regression on one variable. 0 if either is constant.
double r_squared(const std::vector<float>& code, const FactorColumn& factor) {
  const auto count = static_cast<double>(code.size());
  const auto value = [&](std::size_t n) {
    return static_cast<double>(factor.values[static_cast<std::size_t>(factor.classes[n])]);
  };
  double code_mean = 0, factor_mean = 0;
  for (std::size_t n = 0; n < code.size(); ++n) {
    code_mean += static_cast<double>(code[n]) / count;
    factor_mean += value(n) / count;
  }
  double both = 0, code_square = 0, factor_square = 0;
  for (std::size_t n = 0; n < code.size(); ++n) {
    const double c = static_cast<double>(code[n]) - code_mean, f = value(n) - factor_mean;
    both += c * f;
    code_square += c * c;
    factor_square += f * f;
  }
  return code_square > 0 && factor_square > 0 ? both * both / (code_square * factor_square) : 0;
}

}  // namespace

double separated_attribute_predictability(const TensorView& codes, const TensorView& factors) {
  const CodesAndFactors data(codes, factors);
  if (data.factors.empty()) return std::numeric_limits<double>::quiet_NaN();
  double sum = 0;
  for (const FactorColumn& factor : data.factors) {
    std::vector<double> scores;
    for (const std::vector<float>& code : data.codes) scores.push_back(r_squared(code, factor));
    sum += gap_at_the_top(scores);
  }
  return sum / static_cast<double>(data.factors.size());
}

}  // namespace loom::measure

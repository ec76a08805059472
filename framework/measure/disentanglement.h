// Disentanglement of codes against known factors of variation. Codes are [M, D] f32 (posterior means), factors [M, F]
// i32 (the value of each factor, >= 0). Every score is in [0, 1], and higher is better. Factors that take a single
// value are omitted, and a score without any factor is NaN.
//
//   mig           mean over the factors of (I(c_1; v) - I(c_2; v)) / H(v), c_1 and c_2 the two dimensions with the most
//                 information about v; codes in 20 bins of equal width. Chen et al. 2018, Isolating Sources, equation 6
//   dci           importance R of each dimension for each factor, from a random forest that predicts the factor:
//                 disentanglement  sum_d rho_d (1 - H_F(R_d / sum R_d)), rho_d the dimension's share of all importance
//                 completeness     mean over f of (1 - H_D(R_f / sum R_f))
//                 informativeness  accuracy of the forest on items that it was not trained on (half of them)
//                 entropies to the base F or D.                Eastwood and Williams 2018, section 2
//   factor_vae    accuracy of the majority vote from the dimension of least normalized variance, among items that share
//                 a factor's value, to that factor.            Kim and Mnih 2018, section 4
//   sap           mean over the factors of the difference of the two largest R^2 of a linear regression of the factor
//                 on one dimension; factors count as numbers.  Kumar et al. 2018, section 3
//
// Thread safety: pure functions. Errors: data_shape if shapes do not fit. The same arguments give the same bits.
#pragma once

#include <cstdint>
#include <vector>

#include "loom/tensor.h"
#include "run/executor.h"

namespace loom::measure {

double mutual_information_gap(const TensorView& codes, const TensorView& factors, int bins = 20);

struct Dci {
  double disentanglement, completeness, informativeness;
};
Dci dci(const TensorView& codes, const TensorView& factors, std::uint64_t seed, Executor& executor);

struct FactorVaeOptions {
  int votes = 10000;             // votes that the classifier is made from; half as many more test it
  int items = 64;                // items of each vote, which share a factor's value
  double least_variance = 0.01;  // collapsed dimensions, whose variance is at most this, do not vote
  std::uint64_t seed = 1;
};
double factor_vae_score(const TensorView& codes, const TensorView& factors, const FactorVaeOptions& options = {});

double separated_attribute_predictability(const TensorView& codes, const TensorView& factors);

}  // namespace loom::measure

// What a node's ports follow from: which inputs its formulas need, before any shape is known.
//
// Thread safety: pure functions. Errors: throws Error about formulas that are wrong for inputs of any shape.
#pragma once

#include <string>
#include <vector>

#include "formula/build.h"
#include "loom/options.h"

namespace loom::formula {

inline constexpr const char *kSingle = "y", *kOutputs = "outputs", *kLet = "let";
inline constexpr std::size_t kMaxPorts = kMaxRank * 8;  // inputs, and outputs: a bit of a word each

NamedFormulas formulas_of(const Options& options);

struct Usage {
  std::vector<bool> varies;          // a gradient flows to the input
  std::vector<bool> backward_reads;  // the derivative depends on the input's values
  // Each value of the outputs is a function of the one value of the one input at its place. (Of several inputs, whose
  // shapes are not known here, one may be broadcast along any axis.)
  bool pointwise = false;
  bool twice = false;  // it can be differentiated twice
};
Usage usage_of(const FormulaSet& set, const std::vector<std::string>& inputs);

// The derivative of built formulas: gradients of `variables`, given those of the outputs as further inputs.
std::vector<Id> add_gradients(Built& built, const std::vector<bool>& variables);
// The derivative of the gradient of the input `along`, multiplied by a direction that is a further input: gradients of the
// `variables`, then of the outputs' gradients.
std::vector<Id> add_second_gradients(Built& built, const std::vector<Id>& gradients, int along,
                                     const std::vector<bool>& variables);
// Whether every operation of the formulas can be differentiated twice.
bool has_second_derivative(const Built& built);

}  // namespace loom::formula

// The derivative of a list of operations, by reverse mode: as further operations of the same list.
//
// Where a derivative does not exist: that of abs is 0 at 0; a maximum or a minimum shares its gradient equally among the
// values that are equal to it; that of clip is 1 at both limits. They are those of PyTorch.
//
// Thread safety: as of the list.
#pragma once

#include <vector>

#include "formula/operations.h"

namespace loom::formula {

// For each of `variables`, the gradient of sum over k of outputs[k] * gradients[k]; kNone where it is 0 everywhere.
std::vector<Id> differentiate(Operations& list, const std::vector<Id>& outputs, const std::vector<Id>& gradients,
                              const std::vector<Id>& variables);

}  // namespace loom::formula

// The differences between two documents, in words, for the history of a run.
#pragma once

#include <string>

#include "document/document.h"

namespace loom {

// "losses/kl is mmd instead of gaussian_kl; losses.reconstruction.weight is 2 instead of 1": the first few
// differences, and the number of further ones.
std::string difference(const Document& before, const Document& after);

}  // namespace loom

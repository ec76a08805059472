// The part of a report that shows how the codes of each quantizer are used.
//
// Thread safety: one thread. Errors: those of the model's weights.
#pragma once

#include <string>

#include "runner/model.h"
#include "train/metrics.h"

namespace loom::runner {

// The histogram of the last evaluation, sorted, and the ages of the codes that it did not see; "" without quantizers.
std::string codebook_section(const Model& model, Metrics& metrics);

}  // namespace loom::runner

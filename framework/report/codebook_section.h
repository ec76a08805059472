// The part of a report that shows how the codes of each quantizer are used.
//
// Thread safety: one thread. Errors: those of the model's weights.
#pragma once

#include <string>

#include "generate/model_source.h"
#include "train/metrics.h"

namespace loom::report {

// The histogram of the last evaluation, sorted, and the ages of the codes that it did not see; "" without quantizers.
std::string codebook_section(const ModelSource& model, Metrics& metrics);

}  // namespace loom::report

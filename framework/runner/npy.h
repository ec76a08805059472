// Writes NumPy's .npy files, as f4, i4 or u1 in C order; io/npy.h reads them.
//
// Errors: write_failed; no half-written file is left behind.
#pragma once

#include <string>

#include "loom/tensor.h"

namespace loom::runner {

void write_npy(const std::string& path, const TensorView& values);

}  // namespace loom::runner

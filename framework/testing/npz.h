// Reads NumPy archives (.npz: a zip of .npy files, stored or deflated).
//
// Values become f32 (from f4, f8), i32 (from i4, i8) or u8 (u1, b1). Errors: Error(data_not_found, data_truncated,
// data_corrupt, data_wrong_format) naming the file and the array.
#pragma once

#include <map>
#include <string>

#include "core/tensor.h"

namespace loom::testing {

std::map<std::string, Tensor> read_npz(const std::string& path);

}  // namespace loom::testing

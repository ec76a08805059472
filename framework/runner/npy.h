// NumPy's .npy files.
//
// Reading takes f4 and f8 (to f32), i4 and i8 (to i32), u1 and b1 (to u8), little-endian and in C order. Writing gives
// f4, i4 or u1, atomically. Errors: data_not_found, data_truncated and data_corrupt with the byte offset,
// data_wrong_format, data_shape, write_failed.
#pragma once

#include <string>

#include "core/tensor.h"

namespace loom::runner {

Tensor read_npy(const std::string& path);
void write_npy(const std::string& path, const TensorView& values);

}  // namespace loom::runner

// The .npy format (NumPy enhancement proposal 1): a header that is a Python dictionary, then the values in C order.
// Reads f4, f8, i4, i8, u1 and b1, little-endian; writes f4, i4 and u1. Errors name `file`.
//
// Thread safety: functions of their arguments. Errors: data_wrong_format, data_truncated, data_corrupt or data_empty
// with the file and the byte; data_not_found; write_failed, and nothing is half-written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "loom/tensor.h"

namespace loom {

enum class NpyType { f4, f8, u1, i4, i8 };

struct NpyHeader {
  NpyType type = NpyType::f4;
  std::vector<std::int64_t> extents;
  std::size_t start = 0;  // offset of the values

  std::size_t value_bytes() const;
  std::int64_t items() const { return extents.front(); }
  std::int64_t per_item() const;
};

// Checks the header, and its sizes against the size of `bytes`.
NpyHeader read_npy_header(std::span<const std::byte> bytes, const std::string& file);

// Item `index` of an array as floats times `scale`, or as integers (cut to 32 bits).
void read_npy_item(const NpyHeader& header, const std::byte* values, std::int64_t index, float scale,
                   std::span<float> out);
void read_npy_item(const NpyHeader& header, const std::byte* values, std::int64_t index, std::span<std::int32_t> out);

// The header of a file of such values; the bytes of the values follow it.
std::string npy_header(DType dtype, const Shape& shape);

// The whole array: floating point as f32, integers as i32 (u1 and b1: u8).
Tensor npy_tensor(std::span<const std::byte> bytes, const std::string& file);
Tensor read_npy(const std::string& path);
// As f4, i4 or u1, atomically.
void write_npy(const std::string& path, const TensorView& values);

}  // namespace loom

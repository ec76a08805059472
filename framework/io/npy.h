// The .npy format (NumPy enhancement proposal 1): a header that is a Python dictionary, then the values
// in C order, or in Fortran order. Reads f2, f4, f8, i1 to i8, u1 to u8 and b1, of either byte order; writes f4, i4 and
// u1. Errors name `file`.
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

enum class NpyType { f2, f4, f8, i1, i2, i4, i8, u1, u2, u4, u8, b1 };

struct NpyHeader {
  NpyType type = NpyType::f4;
  bool big_endian = false, fortran_order = false;
  std::vector<std::int64_t> extents;  // items first
  std::size_t start = 0;              // offset of the values

  bool is_floating() const { return type == NpyType::f2 || type == NpyType::f4 || type == NpyType::f8; }
  std::string type_name() const;  // as NumPy writes it: "<f4", "|u1"
  std::size_t value_bytes() const;
  std::int64_t items() const { return extents.front(); }
  std::int64_t per_item() const;
};

// Checks the header, and its sizes against the size of `bytes`.
NpyHeader read_npy_header(std::span<const std::byte> bytes, const std::string& file);

// Item `index` of an array, in C order, as floats times `scale`, or as integers. Throws Error(out_of_range) for an integer
// that does not fit 32 bits, and data_wrong_format for an array that is not of integers; `file` is for that message.
void read_npy_item(const NpyHeader& header, const std::byte* values, std::int64_t index, float scale,
                   std::span<float> out);
void read_npy_item(const NpyHeader& header, const std::byte* values, std::int64_t index, std::span<std::int32_t> out,
                   const std::string& file);

// The header of a file of such values; the bytes of the values follow it.
std::string npy_header(DType dtype, const Shape& shape);

// The whole array: floating point as f32, integers as i32 (u1 and b1 as u8).
Tensor npy_tensor(std::span<const std::byte> bytes, const std::string& file);
Tensor read_npy(const std::string& path);
// As f4, i4 or u1, atomically.
void write_npy(const std::string& path, const TensorView& values);
// As i8.
void write_npy(const std::string& path, std::span<const std::int64_t> values);
// UTF-8 texts as an array of NumPy's Unicode type, "<U12": as wide as the longest. What is not UTF-8 becomes U+FFFD.
void write_npy(const std::string& path, std::span<const std::string> texts);

}  // namespace loom

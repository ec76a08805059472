// Shared by the reader and the writer of safetensors files. Internal to framework/io.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "loom/tensor.h"

namespace loom {

inline constexpr std::string_view kChecksumPrefix = "crc32:";
inline constexpr std::string_view kChecksumPattern = "\"checksum\":\"crc32:";  // as written in the header
inline constexpr std::size_t kChecksumDigits = 8;
inline constexpr std::size_t kHeaderAlignment = 64;           // of the data section
inline constexpr std::uint64_t kLongestHeader = 100'000'000;  // bytes, as in the reference reader

inline std::string_view safetensors_name(DType dtype) {
  switch (dtype) {
    case DType::f32: return "F32";
    case DType::i32: return "I32";
    case DType::u8: return "U8";
    case DType::bf16: return "BF16";
  }
  return "";
}

// Bytes of one element; 0 if the name is unknown.
inline std::uint64_t safetensors_size(std::string_view name) {
  if (name == "F64" || name == "I64" || name == "U64") return 8;
  if (name == "F32" || name == "I32" || name == "U32") return 4;
  if (name == "F16" || name == "BF16" || name == "I16" || name == "U16") return 2;
  if (name == "I8" || name == "U8" || name == "BOOL" || name == "F8_E4M3" || name == "F8_E5M2") return 1;
  return 0;
}

}  // namespace loom

// The decoders of image files, one per format, and what they share.
//
// Thread safety: functions without state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "image_file.h"
#include "loom/dataset.h"

namespace loom {

using Bytes = std::span<const std::byte>;

// What a file holds: gray (1 channel), gray and alpha (2), RGB (3) or RGBA (4), not yet turned.
struct StoredImage {
  Image image;
  int orientation = 1;  // of the Exif standard, 1 to 8
};

struct ImageFormat {
  bool (*matches)(Bytes bytes);  // by the first bytes
  ImageHeader (*check)(const std::string& file, Bytes bytes);
  StoredImage (*read)(const std::string& file, Bytes bytes, int least_side);
};
extern const ImageFormat kPng, kJpeg, kWebp, kBmp, kTiff;

// Throws data_corrupt unless 1 <= height * width <= kMostPixels.
void check_extents(const std::string& file, std::int64_t height, std::int64_t width);

// `count` values of 8 bits, or of 16 in the machine's byte order, over 255 or 65535.
std::vector<float> scaled_values(const unsigned char* data, std::size_t count, int bits);

inline bool starts_with(Bytes bytes, std::string_view magic, std::size_t at = 0) {
  return bytes.size() >= at + magic.size() && std::memcmp(bytes.data() + at, magic.data(), magic.size()) == 0;
}

// Unsigned integers of up to four bytes. The caller has checked that they lie within `bytes`.
inline std::uint32_t big_endian(Bytes bytes, std::size_t at, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8 | static_cast<std::uint32_t>(bytes[at + i]);
  return value;
}
inline std::uint32_t little_endian(Bytes bytes, std::size_t at, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = count; i-- > 0;) value = value << 8 | static_cast<std::uint32_t>(bytes[at + i]);
  return value;
}

}  // namespace loom

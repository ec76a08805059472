// PNG files of 8-bit pixels.
//
// Errors: internal where libpng refuses the sizes, write_failed. Thread safety: functions of their arguments.
#pragma once

#include <cstdint>
#include <string>

namespace loom {

// 8-bit pixels, row by row; one channel (grey) or three (RGB).
struct Picture {
  std::int64_t width = 0, height = 0;
  int channels = 1;
  std::string pixels;
};

std::string encode_png(const Picture& picture);
void write_png(const std::string& path, const Picture& picture);  // atomically

}  // namespace loom

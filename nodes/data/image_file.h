// PNG and JPEG files, decoded to bytes and fitted to a size.
//
// Thread safety: every function may be called from many threads.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "files.h"

namespace loom {

struct Image {
  int height = 0, width = 0, channels = 0;
  std::vector<unsigned char> pixels;  // [height, width, channels]
};

// Gray (channels 1) or RGB (3), whatever the file holds; transparency is laid on black. A JPEG much larger than
// `least_side` is decoded at a half, a quarter or an eighth, never with a shorter side below it (0: at full size).
// The orientation tag of cameras is not applied. Throws data_wrong_format, data_truncated, data_corrupt, data_empty.
Image read_image(const std::string& file, int channels, int least_side);

// The largest centred part of the image with the form height : width, resized to it.
std::vector<unsigned char> fit_image(const Image& image, int height, int width);

}  // namespace loom

// Image files (PNG, JPEG, WebP, BMP, TIFF), decoded to values in [0, 1] and fitted to a size.
//
// Thread safety: every function may be called from many threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace loom {

// An image never has more: its values are 1.6 GB.
inline constexpr std::int64_t kMostPixels = std::int64_t{1} << 27;

struct Image {
  int height = 0, width = 0, channels = 0;
  std::vector<float> values;  // [height, width, channels]: the stored value over the largest that can be stored
};

struct ImageRequest {
  int channels = 3;      // 1: gray, 3: red, green, blue; whatever the file holds
  int least_side = 0;    // a JPEG may be decoded at a reduced scale, never with a shorter side below this; 0: full size
  float background = 0;  // what shines through transparent pixels
};

// The endings of the files that read_image reads: ".png", ...
const std::vector<std::string>& image_endings();

// Both functions read the file itself, unless its bytes are given: then `file` is its name in messages.

struct ImageHeader {
  std::int64_t height = 0, width = 0;  // as stored, before it is turned
  bool several = false;                // further pages or frames, which read_image does not read
};

// Reads the header, and looks whether the file is complete as far as that takes no decoding. Throws what read_image
// throws.
ImageHeader check_image(const std::string& file, std::span<const std::byte> bytes = {});

// The image as it is to be seen: turned as its orientation tag says, its transparency laid on the background. There is
// no gamma or colour management. Gray is 0.299 R + 0.587 G + 0.114 B. Throws data_wrong_format, data_truncated,
// data_corrupt, data_empty.
Image read_image(const std::string& file, const ImageRequest& request, std::span<const std::byte> bytes = {});

// The centred square of that many pixels; an image must not be smaller.
Image central_square(const Image& image, int side);
// The largest centred part of the image with the form height : width, resized to it.
std::vector<float> fit_image(const Image& image, int height, int width);

}  // namespace loom

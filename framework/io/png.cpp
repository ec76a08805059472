#include "io/png.h"

#include <fmt/format.h>
#include <png.h>

#include "io/atomic_file.h"
#include "loom/error.h"

namespace loom {

std::string encode_png(const Picture& picture) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.width);
  image.height = static_cast<png_uint_32>(picture.height);
  image.format = picture.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string encoded(bytes, '\0');
  if (png_image_write_to_memory(&image, encoded.data(), &bytes, 0, picture.pixels.data(), 0, nullptr) == 0) {
    throw Error(ErrorCode::internal, fmt::format("the picture cannot be encoded: {}", image.message));
  }
  encoded.resize(bytes);
  return encoded;
}

void write_png(const std::string& path, const Picture& picture) { write_text_file(path, encode_png(picture)); }

}  // namespace loom

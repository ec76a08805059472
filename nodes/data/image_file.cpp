#include "image_file.h"

#include <fmt/format.h>
#include <png.h>
#include <turbojpeg.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>

#define STB_IMAGE_RESIZE_IMPLEMENTATION
#define STB_IMAGE_RESIZE_STATIC
#include <stb/stb_image_resize.h>

namespace loom {
namespace {

constexpr std::int64_t kLargest = std::int64_t{1} << 28;  // pixels; a damaged header can request any amount of memory

void check_extents(const std::string& file, std::int64_t height, std::int64_t width) {
  if (height >= 1 && width >= 1 && height * width <= kLargest) return;
  throw file_error(ErrorCode::data_corrupt, file, kNoOffset, "the image has an impossible size",
                   fmt::format("{} x {}", height, width), fmt::format("at most {} pixels", kLargest));
}

// libpng does not report where it stopped: for a truncated file the position is its size.
Error png_error(const std::string& file, const png_image& png, std::size_t size) {
  const std::string_view reason(png.message);
  const bool truncated = reason.find("beyond end") != reason.npos || reason.find("truncated") != reason.npos ||
                         reason.find("Not enough") != reason.npos;
  return file_error(truncated ? ErrorCode::data_truncated : ErrorCode::data_corrupt, file,
                    truncated ? static_cast<std::int64_t>(size) : kNoOffset, "the PNG cannot be decoded",
                    std::string(reason));
}

Image read_png(const std::string& file, std::span<const std::byte> bytes, int channels) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_memory(&png, bytes.data(), bytes.size()) == 0) throw png_error(file, png, bytes.size());
  const std::unique_ptr<png_image, void (*)(png_image*)> closing(&png, png_image_free);
  check_extents(file, png.height, png.width);
  png.format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  Image image{static_cast<int>(png.height), static_cast<int>(png.width), channels,
              std::vector<unsigned char>(PNG_IMAGE_SIZE(png))};
  const png_color black{0, 0, 0};
  if (png_image_finish_read(&png, &black, image.pixels.data(), 0, nullptr) == 0)
    throw png_error(file, png, bytes.size());
  return image;
}

// The smallest of 1, 1/2, 1/4, 1/8 whose shorter side is still at least `least_side`.
tjscalingfactor decoding_scale(int height, int width, int least_side) {
  tjscalingfactor scale = {1, 1};
  while (least_side > 0 && scale.denom < 8 && std::min(height, width) / (scale.denom * 2) >= least_side)
    scale.denom *= 2;
  return scale;
}

Image read_jpeg(const std::string& file, std::span<const std::byte> bytes, int channels, int least_side) {
  const std::unique_ptr<void, int (*)(tjhandle)> decoder(tjInitDecompress(), tjDestroy);
  if (!decoder) throw Error(ErrorCode::out_of_memory, fmt::format("{}: the JPEG decoder cannot start", file));
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  int width = 0, height = 0, sampling = 0, space = 0;
  if (tjDecompressHeader3(decoder.get(), data, bytes.size(), &width, &height, &sampling, &space) != 0) {
    const std::string reason = tjGetErrorStr2(decoder.get());  // a missing scan: the file ends within its header
    const bool truncated = reason.find("missing SOS") != reason.npos || reason.find("Premature end") != reason.npos;
    throw file_error(truncated ? ErrorCode::data_truncated : ErrorCode::data_corrupt, file,
                     truncated ? static_cast<std::int64_t>(bytes.size()) : kNoOffset,
                     truncated ? "the JPEG ends within its header" : "the JPEG's header is damaged", reason);
  }
  check_extents(file, height, width);
  const tjscalingfactor scale = decoding_scale(height, width, least_side);
  Image image{TJSCALED(height, scale), TJSCALED(width, scale), channels, {}};
  image.pixels.resize(static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width * channels));
  const int state = tjDecompress2(decoder.get(), data, bytes.size(), image.pixels.data(), image.width, 0, image.height,
                                  channels == 1 ? TJPF_GRAY : TJPF_RGB, 0);
  if (state == 0) return image;
  const std::string reason = tjGetErrorStr2(decoder.get());
  const bool truncated = reason.find("Premature end") != reason.npos;
  if (!truncated && tjGetErrorCode(decoder.get()) == TJERR_WARNING) return image;  // stray bytes, as cameras write them
  throw file_error(truncated ? ErrorCode::data_truncated : ErrorCode::data_corrupt, file,
                   static_cast<std::int64_t>(bytes.size()), "the JPEG cannot be decoded", reason);
}

bool starts_with(std::span<const std::byte> bytes, std::string_view magic) {
  return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

}  // namespace

Image read_image(const std::string& file, int channels, int least_side) {
  const std::vector<std::byte> bytes = read_whole(file);
  if (starts_with(bytes, "\x89PNG")) return read_png(file, bytes, channels);
  if (starts_with(bytes, "\xFF\xD8\xFF")) return read_jpeg(file, bytes, channels, least_side);
  std::string got;
  for (std::size_t i = 0; i < std::min<std::size_t>(4, bytes.size()); ++i)
    got += fmt::format("{:02x} ", static_cast<unsigned>(bytes[i]));
  throw file_error(ErrorCode::data_wrong_format, file, 0, "this is neither PNG nor JPEG", got, "89 'PNG' or ff d8 ff");
}

std::vector<unsigned char> fit_image(const Image& image, int height, int width) {
  const double scale = std::min(static_cast<double>(image.height) / height, static_cast<double>(image.width) / width);
  const int part_height = std::clamp(static_cast<int>(height * scale + 0.5), 1, image.height);
  const int part_width = std::clamp(static_cast<int>(width * scale + 0.5), 1, image.width);
  const int stride = image.width * image.channels;
  const unsigned char* part =
      image.pixels.data() + (image.height - part_height) / 2 * stride + (image.width - part_width) / 2 * image.channels;
  std::vector<unsigned char> fitted(static_cast<std::size_t>(height) *
                                    static_cast<std::size_t>(width * image.channels));
  const int row = width * image.channels;
  if (part_height == height && part_width == width) {
    for (int y = 0; y < height; ++y)
      std::memcpy(fitted.data() + y * row, part + y * stride, static_cast<std::size_t>(row));
  } else if (stbir_resize_uint8(part, part_width, part_height, stride, fitted.data(), width, height, row,
                                image.channels) == 0) {
    throw Error(ErrorCode::out_of_memory, fmt::format("resizing an image to {} x {}", height, width));
  }
  return fitted;
}

}  // namespace loom

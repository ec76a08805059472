#include "image_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cmath>
#include <cstring>

#include "image_formats.h"
#include "orientation.h"

#define STB_IMAGE_RESIZE_IMPLEMENTATION
#define STB_IMAGE_RESIZE_STATIC
#include <stb/stb_image_resize.h>

namespace loom {
namespace {

const ImageFormat& format_of(const std::string& file, Bytes bytes) {
  for (const ImageFormat* format : {&kPng, &kJpeg, &kWebp, &kBmp, &kTiff}) {
    if (format->matches(bytes)) return *format;
  }
  std::string got;
  if (starts_with(bytes, "ftyp", 4))
    got = "an HEIC, AVIF or video file";
  else if (starts_with(bytes, "GIF8"))
    got = "a GIF";
  else
    for (std::size_t i = 0; i < std::min<std::size_t>(4, bytes.size()); ++i)
      got += fmt::format("{}{:02x}", i > 0 ? " " : "", static_cast<unsigned>(bytes[i]));
  throw file_error(ErrorCode::data_wrong_format, file, 0, "this is no image that can be read", got,
                   "PNG, JPEG, WebP, BMP or TIFF");
}

// BT.601. Written so that equal red, green and blue give exactly their value.
float luma(float red, float green, float blue) { return green + 0.299F * (red - green) + 0.114F * (blue - green); }

// The wanted number of channels, with the transparency laid on the background.
Image composed(Image image, int channels, float background) {
  if (image.channels == channels) return image;
  const bool coloured = image.channels >= 3, transparent = image.channels % 2 == 0;
  Image result{image.height, image.width, channels, {}};
  const std::size_t pixels = static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width);
  result.values.reserve(pixels * static_cast<std::size_t>(channels));
  const auto step = static_cast<std::size_t>(image.channels);
  for (std::size_t i = 0; i < pixels; ++i) {
    const float* pixel = image.values.data() + i * step;
    const float alpha = transparent ? pixel[step - 1] : 1;
    const auto laid = [&](float value) { return value * alpha + background * (1 - alpha); };
    const std::array<float, 3> colour = {laid(pixel[0]), laid(pixel[coloured ? 1 : 0]), laid(pixel[coloured ? 2 : 0])};
    if (channels == 1)
      result.values.push_back(coloured ? luma(colour[0], colour[1], colour[2]) : colour[0]);
    else
      result.values.insert(result.values.end(), colour.begin(), colour.end());
  }
  return result;
}

}  // namespace

const std::vector<std::string>& image_endings() {
  static const std::vector<std::string> endings = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"};
  return endings;
}

void check_extents(const std::string& file, std::int64_t height, std::int64_t width) {
  if (height >= 1 && width >= 1 && height <= kMostPixels && width <= kMostPixels / height) return;
  throw file_error(ErrorCode::data_corrupt, file, kNoOffset, "the image has an impossible size",
                   fmt::format("{} x {}", height, width), fmt::format("1 to {} pixels", kMostPixels));
}

std::vector<float> scaled_values(const unsigned char* data, std::size_t count, int bits) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (bits == 8) {
      values[i] = static_cast<float>(data[i]) / 255.0F;
    } else {
      std::uint16_t value = 0;
      std::memcpy(&value, data + 2 * i, sizeof value);
      values[i] = static_cast<float>(value) / 65535.0F;
    }
  }
  return values;
}

ImageHeader check_image(const std::string& file, Bytes bytes) {
  MappedFile mapped;
  if (bytes.data() == nullptr) bytes = (mapped = MappedFile(file)).bytes();
  if (bytes.empty()) throw file_error(ErrorCode::data_empty, file, kNoOffset, "the file is empty");
  return format_of(file, bytes).check(file, bytes);
}

Image read_image(const std::string& file, const ImageRequest& request, Bytes bytes) {
  std::vector<std::byte> own;
  if (bytes.data() == nullptr) bytes = own = read_whole(file);
  StoredImage stored = format_of(file, bytes).read(file, bytes, request.least_side);
  return upright(composed(std::move(stored.image), request.channels, request.background), stored.orientation);
}

Image central_square(const Image& image, int side) {
  Image square{side, side, image.channels, {}};
  const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(side) * image.channels;
  const std::ptrdiff_t first = static_cast<std::ptrdiff_t>((image.width - side) / 2) * image.channels;
  for (int y = 0; y < side; ++y) {
    const std::ptrdiff_t line =
        static_cast<std::ptrdiff_t>((image.height - side) / 2 + y) * image.width * image.channels;
    const auto begin = image.values.begin() + line + first;
    square.values.insert(square.values.end(), begin, begin + row);
  }
  return square;
}

std::vector<float> fit_image(const Image& image, int height, int width) {
  const double scale = std::min(static_cast<double>(image.height) / height, static_cast<double>(image.width) / width);
  const int part_height = std::clamp(static_cast<int>(std::lround(height * scale)), 1, image.height);
  const int part_width = std::clamp(static_cast<int>(std::lround(width * scale)), 1, image.width);
  const std::ptrdiff_t stride = static_cast<std::ptrdiff_t>(image.width) * image.channels;
  const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(width) * image.channels;
  const float* part = image.values.data() + (image.height - part_height) / 2 * stride +
                      static_cast<std::ptrdiff_t>((image.width - part_width) / 2) * image.channels;
  std::vector<float> fitted(static_cast<std::size_t>(height * row));
  if (part_height == height && part_width == width) {
    for (int y = 0; y < height; ++y) std::copy_n(part + y * stride, row, fitted.data() + y * row);
    return fitted;
  }
  constexpr int kBytes = sizeof(float);
  if (stride > INT_MAX / kBytes ||
      stbir_resize_float(part, part_width, part_height, static_cast<int>(stride) * kBytes, fitted.data(), width, height,
                         static_cast<int>(row) * kBytes, image.channels) == 0)
    throw Error(ErrorCode::out_of_memory,
                fmt::format("resizing an image of {} x {} to {} x {}", image.height, image.width, height, width));
  // The filters overshoot at sharp edges.
  for (float& value : fitted) value = std::clamp(value, 0.0F, 1.0F);
  return fitted;
}

}  // namespace loom

#include "runner/pictures.h"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <cmath>

#include "io/atomic_file.h"
#include "loom/error.h"

namespace loom::runner {
namespace {

constexpr std::int64_t kGap = 2;        // pixels between images
constexpr std::int64_t kGroupGap = 10;  // pixels between groups of rows
constexpr unsigned char kBackground = 128;
constexpr std::int64_t kLargestSide = 32768;

bool is_image(const Shape& event) { return event.rank() == 3 && (event.back() == 1 || event.back() == 3); }

unsigned char to_byte(float value) {
  if (!(value > 0)) return 0;  // NaN too
  return static_cast<unsigned char>(std::min(value, 1.0F) * 255.0F + 0.5F);
}

// Where things stand on the canvas.
class Canvas {
 public:
  Canvas(const Shape& images, const GridLayout& layout)
      : count_(images[0]),
        height_(images[1]),
        width_(images[2]),
        channels_(images[3]),
        group_(std::max<std::int64_t>(1, layout.group)) {
    scale_ = std::max<std::int64_t>(1, (layout.smallest + width_ - 1) / width_);
    columns_ = layout.columns > 0 ? layout.columns
                                  : static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(count_))));
    columns_ = std::max<std::int64_t>(1, std::min(columns_, (count_ + group_ - 1) / group_));
    const std::int64_t rows = (count_ + columns_ - 1) / columns_;
    picture_.width = columns_ * (width_ * scale_ + kGap) + kGap;
    picture_.height = top(rows - 1) + height_ * scale_ + kGap;
    picture_.channels = static_cast<int>(channels_);
    if (picture_.width > kLargestSide || picture_.height > kLargestSide) {
      throw Error(ErrorCode::data_shape,
                  fmt::format("{} images make a picture of {} x {} pixels, which is too large", count_, picture_.width,
                              picture_.height),
                  "ask for fewer images, or write .npy");
    }
    picture_.pixels.assign(static_cast<std::size_t>(picture_.width * picture_.height * channels_),
                           static_cast<char>(kBackground));
  }

  void draw(std::int64_t index, std::span<const float> image) {
    const std::int64_t left = kGap + index % columns_ * (width_ * scale_ + kGap);
    const std::int64_t first = top(index / columns_);
    for (std::int64_t y = 0; y < height_ * scale_; ++y) {
      char* row = picture_.pixels.data() + ((first + y) * picture_.width + left) * channels_;
      const float* source = image.data() + y / scale_ * width_ * channels_;
      for (std::int64_t x = 0; x < width_ * scale_; ++x) {
        for (std::int64_t c = 0; c < channels_; ++c)
          *row++ = static_cast<char>(to_byte(source[x / scale_ * channels_ + c]));
      }
    }
  }

  Picture take() { return std::move(picture_); }

 private:
  std::int64_t top(std::int64_t row) const {
    return kGap + row * (height_ * scale_ + kGap) + (group_ > 1 ? row / group_ * (kGroupGap - kGap) : 0);
  }

  std::int64_t count_, height_, width_, channels_, group_, scale_ = 1, columns_ = 1;
  Picture picture_;
};

}  // namespace

std::optional<Shape> image_shape(const Shape& event, const Shape& like) {
  if (is_image(event)) return event;
  if (is_image(like) && like.count() == event.count()) return like;
  if (event.rank() == 2) return Shape{event[0], event[1], 1};
  const auto side = static_cast<std::int64_t>(std::llround(std::sqrt(static_cast<double>(event.count()))));
  if (event.rank() == 1 && side > 1 && side * side == event.count()) return Shape{side, side, 1};
  return std::nullopt;
}

Picture draw_grid(const TensorView& images, const GridLayout& layout) {
  if (images.shape().rank() != 4 || !is_image(images.shape().event())) {
    throw Error(ErrorCode::data_shape, fmt::format("values of shape {} are no images", images.shape().text()),
                "a .npy file holds any values");
  }
  Canvas canvas(images.shape(), layout);
  for (std::int64_t i = 0; i < images.samples(); ++i) canvas.draw(i, images[i]);
  return canvas.take();
}

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

}  // namespace loom::runner

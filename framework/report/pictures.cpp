#include "report/pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "graph/sizes.h"
#include "loom/error.h"

namespace loom::report {
namespace {

constexpr std::int64_t kGap = 2;        // pixels between images
constexpr std::int64_t kGroupGap = 10;  // pixels between groups of rows
constexpr unsigned char kBackground = 128;
constexpr std::int64_t kPairColumns = 8;  // columns of pictures of pairs
constexpr std::int64_t kLargestSide = 32768;

bool is_image(const Shape& event) { return event.rank() == 3 && (event.back() == 1 || event.back() == 3); }

unsigned char to_byte(float value) {
  if (!(value > 0)) return 0;  // also NaN
  return static_cast<unsigned char>(std::min(value, 1.0F) * 255.0F + 0.5F);
}

// The layout of the canvas.
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

// Events as images [n, H, W, C], in the memory of the tensor.
std::optional<TensorView> as_images(const Tensor& values, const Shape& like) {
  const std::optional<Shape> image = image_shape(values.shape().event(), like);
  if (!image || values.dtype() != DType::f32) return std::nullopt;
  return TensorView(DType::f32, {values.shape()[0], (*image)[0], (*image)[1], (*image)[2]}, values.view().raw());
}

// The event shape of the first input; outputs are often flattened images of this shape.
Shape first_input_event(const Document& document) {
  for (const NodeEntry& entry : document.nodes) {
    const auto shape = entry.options.find("shape");
    if (entry.type != "input" || shape == entry.options.end() || has_sizes(shape->second.value)) continue;
    Options options;
    options.set("shape", shape->second.value);
    return Shape(options.integers("shape"));
  }
  return {};
}

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
    throw Error(ErrorCode::data_shape, fmt::format("values of shape {} are not images", images.shape().text()),
                "a .npy file can contain any values");
  }
  Canvas canvas(images.shape(), layout);
  for (std::int64_t i = 0; i < images.samples(); ++i) canvas.draw(i, images[i]);
  return canvas.take();
}

std::optional<std::string> samples_png(const Tensor& samples, const Shape& like, std::int64_t columns) {
  const auto images = as_images(samples, like);
  return images ? std::optional(encode_png(draw_grid(*images, {.columns = columns}))) : std::nullopt;
}

Shape picture_like(const ModelSource& model, const Shape& event) {
  if (model.card())
    for (const ColumnCard& card : model.card()->columns)
      if (is_image(card.column.event) && card.column.event.count() == event.count()) return card.column.event;
  return first_input_event(model.document());
}

std::optional<std::string> samples_png(const ModelSource& model, const Tensor& samples, std::int64_t columns) {
  return samples_png(samples, picture_like(model, samples.shape().event()), columns);
}

std::optional<ImagePairs> image_pairs(const Reconstructions& pairs, const Shape& like) {
  const Shape originals_event = pairs.originals.shape().event();
  const auto reconstructions = as_images(pairs.reconstructions, is_image(originals_event) ? originals_event : like);
  if (!reconstructions) return std::nullopt;
  const auto originals = as_images(pairs.originals, reconstructions->shape().event());
  if (!originals || !(originals->shape() == reconstructions->shape())) return std::nullopt;
  return ImagePairs{*originals, *reconstructions};
}

std::optional<std::string> reconstructions_png(const Reconstructions& pairs, const Shape& like) {
  const auto images = image_pairs(pairs, like);
  if (!images) return std::nullopt;
  const std::int64_t count = images->originals.samples(), columns = std::min(kPairColumns, count),
                     groups = (count + columns - 1) / columns;
  const Shape event = images->originals.shape().event();
  Tensor rows(DType::f32, {groups * columns * 2, event[0], event[1], event[2]});
  for (float& value : rows.values()) value = 0.5F;  // the background, if the last row is not full
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t top = i / columns * columns * 2 + i % columns;
    std::ranges::copy(images->originals[i], rows.view()[top].begin());
    std::ranges::copy(images->reconstructions[i], rows.view()[top + columns].begin());
  }
  return encode_png(draw_grid(rows, {.columns = columns, .group = 2}));
}

}  // namespace loom::report

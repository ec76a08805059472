// Pictures of tensors: grids of images as PNG.
//
// Errors: data_shape if values are not images, write_failed. Thread safety: functions of their arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "loom/tensor.h"

namespace loom::runner {

// 8-bit pixels, row by row; one channel (grey) or three (RGB).
struct Picture {
  std::int64_t width = 0, height = 0;
  int channels = 1;
  std::string pixels;
};

// How images are laid out. Rows stand in groups (an original above its reconstruction); a wider gap separates groups.
struct GridLayout {
  std::int64_t columns = 0;    // 0: about square
  std::int64_t group = 1;      // rows of a group: images g*columns*group + r*columns + c, r in [0, group)
  std::int64_t smallest = 64;  // images narrower than this are enlarged by a whole factor
};

// The event shape [H, W, C] (C: 1 or 3) that values of shape `event` are seen as: their own; that of `like` where the
// counts agree; [H, W] or a square number of values as grey. Nothing where they are no image.
std::optional<Shape> image_shape(const Shape& event, const Shape& like = {});

// `images` is [n, H, W, C] with values in [0, 1]; others are clamped, NaN is drawn as 0.
Picture draw_grid(const TensorView& images, const GridLayout& layout = {});

std::string encode_png(const Picture& picture);
void write_png(const std::string& path, const Picture& picture);  // atomically

}  // namespace loom::runner

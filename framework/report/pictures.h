// Pictures of tensors: grids of images as PNG.
//
// Errors: data_shape where values are no images, those of io/png.h. Thread safety: functions of their arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "generate/sampling.h"
#include "io/png.h"
#include "loom/tensor.h"

namespace loom::report {

// How images are laid out. Rows form groups (an original above its reconstruction); a wider gap separates groups.
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

// Pictures of samples [n, ...]: a grid; of pairs: originals above reconstructions. Nothing where the values are no
// images. `like`: the event shape that flattened values may have been; `columns` 0: about square.
std::optional<std::string> samples_png(const Tensor& samples, const Shape& like, std::int64_t columns = 0);
std::optional<std::string> samples_png(const ModelSource& model, const Tensor& samples, std::int64_t columns = 0);
std::optional<std::string> reconstructions_png(const Reconstructions& pairs, const Shape& like = {});
// What values of a model that were flattened may have been: an image of the data that it was trained on, else what its first
// input is.
Shape picture_like(const ModelSource& model, const Shape& event);

// Both as images [n, H, W, C], in the tensors' own memory; nothing where the values are no images.
struct ImagePairs {
  TensorView originals, reconstructions;
};
std::optional<ImagePairs> image_pairs(const Reconstructions& pairs, const Shape& like = {});

}  // namespace loom::report

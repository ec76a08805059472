#include "dnnl/space_to_depth.h"

#include <algorithm>
#include <cstring>

#include "dnnl/bf16.h"

namespace loom::dnnl {
namespace {

std::int64_t ceil_of(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

std::byte* bytes_at(void* values, std::int64_t at, std::size_t size) {
  return static_cast<std::byte*>(values) + static_cast<std::size_t>(at) * size;
}
const std::byte* bytes_at(const void* values, std::int64_t at, std::size_t size) {
  return static_cast<const std::byte*>(values) + static_cast<std::size_t>(at) * size;
}

}  // namespace

bool has_blocks(const ConvolutionShape& s) {
  return s.stride_h * s.stride_w > 1 && s.dilation_h == 1 && s.dilation_w == 1 && s.groups == 1;
}

SpaceToDepth::SpaceToDepth(const ConvolutionShape& shape) : outer_(shape), inner_(shape) {
  inner_.kh = ceil_of(shape.kh, shape.stride_h), inner_.kw = ceil_of(shape.kw, shape.stride_w);
  inner_.h = shape.out_h() + inner_.kh - 1, inner_.w = shape.out_w() + inner_.kw - 1;
  inner_.c = shape.c * shape.stride_h * shape.stride_w;
  inner_.stride_h = inner_.stride_w = 1;
  inner_.pad_top = inner_.pad_bottom = inner_.pad_left = inner_.pad_right = 0;
}

// body(row of x, first pixel of x, pixels, value of x' at which they begin): the pixels of a block's row are neighbours.
template <class Body>
void SpaceToDepth::for_each_run(const Body& body) const {
  const std::int64_t sh = outer_.stride_h, sw = outer_.stride_w, c = outer_.c;
  for (std::int64_t u = 0; u < inner_.h; ++u) {
    for (std::int64_t a = 0; a < sh; ++a) {
      const std::int64_t row = u * sh + a - outer_.pad_top;
      if (row < 0 || row >= outer_.h) continue;
      for (std::int64_t v = 0; v < inner_.w; ++v) {
        const std::int64_t start = v * sw - outer_.pad_left;
        const std::int64_t first = std::max<std::int64_t>(0, start), last = std::min(outer_.w, start + sw);
        if (first < last) body(row, first, last - first, ((u * inner_.w + v) * sh + a) * sw * c + (first - start) * c);
      }
    }
  }
}

void SpaceToDepth::blocks_of(const void* x, std::int64_t samples, void* blocks) const {
  const std::int64_t image = outer_.h * outer_.w * outer_.c, c = outer_.c;
  const std::int64_t inner_image = inner_.h * inner_.w * inner_.c;
  for (std::int64_t n = 0; n < samples; ++n) {
    auto* to = static_cast<Bf16*>(blocks) + n * inner_image;
    std::memset(static_cast<void*>(to), 0, static_cast<std::size_t>(inner_image) * sizeof(Bf16));
    if (outer_.x_bf16) {
      const auto* from = static_cast<const Bf16*>(x) + n * image;
      for_each_run([&](std::int64_t row, std::int64_t first, std::int64_t pixels, std::int64_t at) {
        std::memcpy(to + at, from + (row * outer_.w + first) * c, static_cast<std::size_t>(pixels * c) * sizeof(Bf16));
      });
    } else {
      const auto* from = static_cast<const float*>(x) + n * image;
      for_each_run([&](std::int64_t row, std::int64_t first, std::int64_t pixels, std::int64_t at) {
        math::to_bf16(from + (row * outer_.w + first) * c, to + at, pixels * c);
      });
    }
  }
}

void SpaceToDepth::from_blocks(const void* blocks, std::int64_t samples, void* x) const {
  const std::int64_t image = outer_.h * outer_.w * outer_.c, c = outer_.c;
  const std::int64_t inner_image = inner_.h * inner_.w * inner_.c;
  const std::size_t size = outer_.x_bf16 ? sizeof(Bf16) : sizeof(float);
  const bool is_covered = inner_.h * outer_.stride_h >= outer_.h + outer_.pad_top &&
                          inner_.w * outer_.stride_w >= outer_.w + outer_.pad_left;
  for (std::int64_t n = 0; n < samples; ++n) {
    std::byte* to = bytes_at(x, n * image, size);
    const std::byte* from = bytes_at(blocks, n * inner_image, size);
    if (!is_covered) std::memset(to, 0, static_cast<std::size_t>(image) * size);
    for_each_run([&](std::int64_t row, std::int64_t first, std::int64_t pixels, std::int64_t at) {
      std::memcpy(bytes_at(to, (row * outer_.w + first) * c, size), bytes_at(from, at, size),
                  static_cast<std::size_t>(pixels * c) * size);
    });
  }
}

// body(outer index, inner index)
template <class Body>
void SpaceToDepth::for_each_weight(const Body& body) const {
  const std::int64_t c = outer_.c, sh = outer_.stride_h, sw = outer_.stride_w;
  std::int64_t outer = 0;
  for (std::int64_t f = 0; f < outer_.filters; ++f) {
    for (std::int64_t k = 0; k < c; ++k) {
      for (std::int64_t i = 0; i < outer_.kh; ++i) {
        const std::int64_t row = i / sh, a = i % sh;
        for (std::int64_t j = 0; j < outer_.kw; ++j, ++outer) {
          const std::int64_t channel = (a * sw + j % sw) * c + k;
          body(outer, ((f * inner_.c + channel) * inner_.kh + row) * inner_.kw + j / sw);
        }
      }
    }
  }
}

void SpaceToDepth::inner_weight(const float* weight, float* inner) const {
  std::fill_n(inner, inner_.weight_count(), 0.0F);
  for_each_weight([&](std::int64_t from, std::int64_t to) { inner[to] = weight[from]; });
}

void SpaceToDepth::add_outer_weight(const float* inner, float* weight) const {
  for_each_weight([&](std::int64_t to, std::int64_t from) { weight[to] += inner[from]; });
}

}  // namespace loom::dnnl

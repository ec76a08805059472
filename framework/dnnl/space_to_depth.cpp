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

bool has_blocks(const ConvolutionShape& s) { return s.dilation_h == 1 && s.dilation_w == 1 && s.groups == 1; }

SpaceToDepth::SpaceToDepth(const ConvolutionShape& shape) : outer_(shape), inner_(shape) {
  inner_.kh = ceil_of(shape.kh, shape.stride_h), inner_.kw = ceil_of(shape.kw, shape.stride_w);
  inner_.h = shape.out_h() + inner_.kh - 1, inner_.w = shape.out_w() + inner_.kw - 1;
  inner_.c = shape.c * shape.stride_h * shape.stride_w;
  inner_.stride_h = inner_.stride_w = 1;
  inner_.pad_top = inner_.pad_bottom = inner_.pad_left = inner_.pad_right = 0;
  for (std::int64_t i = 0; i < shape.kh; ++i) {
    for (std::int64_t j = 0; j < shape.kw; ++j) {
      const std::int64_t phase = i % shape.stride_h * shape.stride_w + j % shape.stride_w;
      const std::int64_t tap = i / shape.stride_h * inner_.kw + j / shape.stride_w;
      taps_.push_back(phase * shape.c * inner_.kh * inner_.kw + tap);
    }
  }
}

// body(run): the pixels of a row of a block are neighbours.
template <class Body>
void SpaceToDepth::for_each_run(const Body& body) const {
  const std::int64_t sh = outer_.stride_h, sw = outer_.stride_w, values = sw * outer_.c;
  for (std::int64_t u = 0; u < inner_.h; ++u) {
    for (std::int64_t a = 0; a < sh; ++a) {
      const std::int64_t row = u * sh + a - outer_.pad_top;
      const bool inside = row >= 0 && row < outer_.h;
      for (std::int64_t v = 0; v < inner_.w; ++v) {
        const std::int64_t start = v * sw - outer_.pad_left;
        const std::int64_t first = std::max<std::int64_t>(0, start), last = std::min(outer_.w, start + sw);
        const std::int64_t block = ((u * inner_.w + v) * sh + a) * values;
        const std::int64_t pixels = inside ? std::max<std::int64_t>(0, last - first) : 0;
        body(Run{(row * outer_.w + first) * outer_.c, block, block + (first - start) * outer_.c, pixels * outer_.c});
      }
    }
  }
}

void SpaceToDepth::blocks_of(const void* x, std::int64_t samples, void* blocks) const {
  const std::int64_t image = outer_.h * outer_.w * outer_.c, inner_image = inner_.h * inner_.w * inner_.c;
  const std::int64_t values = outer_.stride_w * outer_.c;
  for (std::int64_t n = 0; n < samples; ++n) {
    auto* to = static_cast<Bf16*>(blocks) + n * inner_image;
    const void* from = detail::at_value(x, n * image, outer_.x_bf16);
    for_each_run([&](const Run& run) {
      if (run.count < values) std::fill_n(to + run.block, values, Bf16{0});
      if (run.count == 0) return;
      if (outer_.x_bf16)
        std::memcpy(to + run.inner, static_cast<const Bf16*>(from) + run.outer,
                    static_cast<std::size_t>(run.count) * sizeof(Bf16));
      else
        math::to_bf16(static_cast<const float*>(from) + run.outer, to + run.inner, run.count);
    });
  }
}

void SpaceToDepth::from_blocks(const void* blocks, std::int64_t samples, void* x) const {
  const std::int64_t image = outer_.h * outer_.w * outer_.c, inner_image = inner_.h * inner_.w * inner_.c;
  const std::size_t size = outer_.x_bf16 ? sizeof(Bf16) : sizeof(float);
  const bool is_covered = inner_.h * outer_.stride_h >= outer_.h + outer_.pad_top &&
                          inner_.w * outer_.stride_w >= outer_.w + outer_.pad_left;
  for (std::int64_t n = 0; n < samples; ++n) {
    std::byte* to = bytes_at(x, n * image, size);
    const std::byte* from = bytes_at(blocks, n * inner_image, size);
    if (!is_covered) std::memset(to, 0, static_cast<std::size_t>(image) * size);
    for_each_run([&](const Run& run) {
      std::memcpy(bytes_at(to, run.outer, size), bytes_at(from, run.inner, size),
                  static_cast<std::size_t>(run.count) * size);
    });
  }
}

// body(taps of a filter and channel in the outer kernel, the same in the inner one)
template <class Body>
void SpaceToDepth::for_each_kernel(const Body& body) const {
  const std::int64_t outer_taps = outer_.kh * outer_.kw, inner_taps = inner_.kh * inner_.kw;
  for (std::int64_t f = 0; f < outer_.filters; ++f) {
    for (std::int64_t k = 0; k < outer_.c; ++k) body((f * outer_.c + k) * outer_taps, (f * inner_.c + k) * inner_taps);
  }
}

void SpaceToDepth::inner_weight(const float* weight, float* inner) const {
  std::fill_n(inner, inner_.weight_count(), 0.0F);
  for_each_kernel([&](std::int64_t from, std::int64_t to) {
    const float* outer = weight + from;
    for (const std::int64_t tap : taps_) inner[to + tap] = *outer++;
  });
}

void SpaceToDepth::add_outer_weight(const float* inner, float* weight) const {
  for_each_kernel([&](std::int64_t to, std::int64_t from) {
    float* outer = weight + to;
    for (const std::int64_t tap : taps_) *outer++ += inner[from + tap];
  });
}

}  // namespace loom::dnnl

#include "dnnl/folding.h"

#include <algorithm>

namespace loom::dnnl::detail {

Folding::Folding(const ConvolutionShape& shape)
    : shape_(shape), inner_(shape), none_(shape.stride_h == 1 && shape.stride_w == 1) {
  if (none_) return;
  require(shape.groups == 1 && shape.dilation_h == 1 && shape.dilation_w == 1,
          describe(shape) + ": only dense convolutions are folded");
  inner_.kh = (shape.kh + shape.stride_h - 1) / shape.stride_h;
  inner_.kw = (shape.kw + shape.stride_w - 1) / shape.stride_w;
  inner_.h = shape.out_h() + inner_.kh - 1;
  inner_.w = shape.out_w() + inner_.kw - 1;
  inner_.c = shape.stride_h * shape.stride_w * shape.c;
  inner_.stride_h = inner_.stride_w = 1;
  inner_.pad_top = inner_.pad_bottom = inner_.pad_left = inner_.pad_right = 0;
}

// A row of x' is a row of squares; the pixels of one row of a square are adjacent in x.
void Folding::fold(const float* x, std::int64_t first_sample, std::int64_t count, Bf16* to) const {
  const std::int64_t one = shape_.x_count() / shape_.n;
  if (none_) return round_to_bf16(x + first_sample * one, to, count * one);
  const ConvolutionShape& s = shape_;
  const std::int64_t run = s.stride_w * s.c;
  for (std::int64_t n = first_sample; n < first_sample + count; ++n)
    for (std::int64_t m = 0; m < inner_.h; ++m)
      for (std::int64_t u = 0; u < inner_.w; ++u)
        for (std::int64_t p = 0; p < s.stride_h; ++p, to += run) {
          const std::int64_t row = s.stride_h * m + p - s.pad_top, column = s.stride_w * u - s.pad_left;
          const std::int64_t first = std::clamp<std::int64_t>(-column, 0, s.stride_w);
          const std::int64_t last = std::clamp<std::int64_t>(s.w - column, first, s.stride_w);
          if (row < 0 || row >= s.h || first == last) {
            std::fill_n(to, run, Bf16{0});
            continue;
          }
          std::fill_n(to, first * s.c, Bf16{0});
          round_to_bf16(x + ((n * s.h + row) * s.w + column + first) * s.c, to + first * s.c, (last - first) * s.c);
          std::fill_n(to + last * s.c, (s.stride_w - last) * s.c, Bf16{0});
        }
}

void Folding::unfold(const float* from, std::int64_t count, float* x) const {
  const ConvolutionShape& s = shape_;
  for (std::int64_t n = 0; n < count; ++n)
    for (std::int64_t row = 0; row < s.h; ++row)
      for (std::int64_t column = 0; column < s.w; ++column, x += s.c) {
        const std::int64_t m = (row + s.pad_top) / s.stride_h, p = (row + s.pad_top) % s.stride_h;
        const std::int64_t u = (column + s.pad_left) / s.stride_w, q = (column + s.pad_left) % s.stride_w;
        if (m >= inner_.h || u >= inner_.w) {
          std::fill_n(x, s.c, 0.0F);
          continue;
        }
        std::copy_n(from + ((n * inner_.h + m) * inner_.w + u) * inner_.c + (p * s.stride_w + q) * s.c, s.c, x);
      }
}

// Calls body(index in w', index in w, or -1 where w has no such tap).
template <class Body>
void Folding::for_each_tap(const Body& body) const {
  const ConvolutionShape& s = shape_;
  std::int64_t at = 0;
  for (std::int64_t f = 0; f < s.filters; ++f)
    for (std::int64_t p = 0; p < s.stride_h; ++p)
      for (std::int64_t q = 0; q < s.stride_w; ++q)
        for (std::int64_t c = 0; c < s.c; ++c)
          for (std::int64_t t = 0; t < inner_.kh; ++t)
            for (std::int64_t u = 0; u < inner_.kw; ++u, ++at) {
              const std::int64_t kh = s.stride_h * t + p, kw = s.stride_w * u + q;
              body(at, kh < s.kh && kw < s.kw ? ((f * s.c + c) * s.kh + kh) * s.kw + kw : -1);
            }
}

void Folding::fold_weight(const float* weight, float* to) const {
  for_each_tap([&](std::int64_t at, std::int64_t tap) { to[at] = tap < 0 ? 0.0F : weight[tap]; });
}

void Folding::add_unfolded_weight(const float* from, float* weight) const {
  for_each_tap([&](std::int64_t at, std::int64_t tap) {
    if (tap >= 0) weight[tap] += from[at];
  });
}

}  // namespace loom::dnnl::detail

#include "dnnl/winograd_tiles.h"

#include <utility>

#include "dnnl/winograd_form.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dnnl/winograd_tiles.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace loom::dnnl::detail::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Tag = hn::ScalableTag<float>;
using Vec = hn::Vec<Tag>;

// sum over the columns of Matrix[kRow][j] in[j * kStep]; entries of 0, 1 and -1 cost no multiplication.
template <const auto& Matrix, int kRow, int kStep, int kColumn = 0, bool kFirst = true>
HWY_INLINE Vec RowTimes(const Vec* in, Vec sum) {
  if constexpr (kColumn == static_cast<int>(Matrix[0].size())) {
    return sum;
  } else {
    constexpr float c = Matrix[kRow][kColumn];
    if constexpr (c == 0) {
      return RowTimes<Matrix, kRow, kStep, kColumn + 1, kFirst>(in, sum);
    } else {
      const Vec value = in[kColumn * kStep];
      const Tag d;
      Vec next;
      if constexpr (kFirst) {
        next = c == 1 ? value : c == -1 ? hn::Neg(value) : hn::Mul(value, hn::Set(d, c));
      } else {
        next = c == 1 ? hn::Add(sum, value) : c == -1 ? hn::Sub(sum, value) : hn::MulAdd(value, hn::Set(d, c), sum);
      }
      return RowTimes<Matrix, kRow, kStep, kColumn + 1, false>(in, next);
    }
  }
}

// out[i * kOutStep] = row i of Matrix times in.
template <const auto& Matrix, int kInStep, int kOutStep, int... kRow>
HWY_INLINE void Times(const Vec* in, Vec* out, std::integer_sequence<int, kRow...>) {
  ((out[kRow * kOutStep] = RowTimes<Matrix, kRow, kInStep>(in, hn::Zero(Tag()))), ...);
}

// out [rows][rows] = Matrix in Matrix^T, in [columns][columns].
template <const auto& Matrix>
HWY_INLINE void BothSides(const Vec* in, Vec* out) {
  constexpr int kRows = static_cast<int>(Matrix.size()), kColumns = static_cast<int>(Matrix[0].size());
  Vec half[kRows * kColumns];  // [rows][columns]
  constexpr std::make_integer_sequence<int, kRows> rows;
  for (int column = 0; column < kColumns; ++column) Times<Matrix, kColumns, kColumns>(in + column, half + column, rows);
  for (int row = 0; row < kRows; ++row) Times<Matrix, 1, 1>(half + row * kColumns, out + row * kRows, rows);
}

// Applies `body(channel, load, store)` to whole vectors of channels and then to the rest.
template <class Body>
HWY_INLINE void ForChannels(std::int64_t channels, const Body& body) {
  const Tag d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t c = 0;
  for (; c + lanes <= channels; c += lanes)
    body(
        c, [d](const float* from) { return hn::LoadU(d, from); }, [d](Vec v, float* to) { hn::StoreU(v, d, to); });
  if (c == channels) return;
  const auto rest = hn::FirstN(d, static_cast<std::size_t>(channels - c));
  body(
      c, [=](const float* from) { return hn::MaskedLoad(rest, d, from); },
      [=](Vec v, float* to) { hn::BlendedStore(v, rest, d, to); });
}

// Pixels in, transformed vectors out.
template <const auto& Matrix>
HWY_INLINE void FromPixels(const float* const* pixels, std::int64_t channels, float* out, std::int64_t distance) {
  constexpr int kRows = static_cast<int>(Matrix.size()), kColumns = static_cast<int>(Matrix[0].size());
  ForChannels(channels, [&](std::int64_t c, const auto& load, const auto& store) {
    Vec in[kColumns * kColumns], result[kRows * kRows];
    for (int i = 0; i < kColumns * kColumns; ++i) in[i] = load(pixels[i] + c);
    BothSides<Matrix>(in, result);
    for (int i = 0; i < kRows * kRows; ++i) store(result[i], out + i * distance + c);
  });
}

// Transformed vectors in, pixels out.
template <const auto& Matrix, class Finish>
HWY_INLINE void ToPixels(const float* from, std::int64_t distance, std::int64_t channels, float* const* pixels,
                         const Finish& finish) {
  constexpr int kRows = static_cast<int>(Matrix.size()), kColumns = static_cast<int>(Matrix[0].size());
  ForChannels(channels, [&](std::int64_t c, const auto& load, const auto& store) {
    Vec in[kColumns * kColumns], result[kRows * kRows];
    for (int i = 0; i < kColumns * kColumns; ++i) in[i] = load(from + i * distance + c);
    BothSides<Matrix>(in, result);
    for (int i = 0; i < kRows * kRows; ++i) {
      if (pixels[i] != nullptr) store(finish(result[i], c, load), pixels[i] + c);
    }
  });
}

template <class Form>
void Output(const float* in, std::int64_t distance, std::int64_t channels, const float* bias, bool relu,
            float* const* pixels) {
  ToPixels<Form::at>(in, distance, channels, pixels, [&](Vec value, std::int64_t c, const auto& load) {
    if (bias != nullptr) value = hn::Add(value, load(bias + c));
    // NaN stays NaN.
    return relu ? hn::IfThenZeroElse(hn::Lt(value, hn::Zero(Tag())), value) : value;
  });
}

template <class Form>
void WeightGradient(const float* in, std::int64_t distance, std::int64_t channels, float* const* taps) {
  ToPixels<Form::gt>(in, distance, channels, taps, [](Vec value, std::int64_t, const auto&) { return value; });
}

using F43 = WinogradForm<4, 3>;
using F23 = WinogradForm<2, 3>;
using F42 = WinogradForm<4, 2>;

void Input(WinogradKind kind, const float* const* pixels, std::int64_t channels, float* out, std::int64_t distance) {
  switch (kind) {
    case WinogradKind::f43: return FromPixels<F43::bt>(pixels, channels, out, distance);
    case WinogradKind::f23: return FromPixels<F23::bt>(pixels, channels, out, distance);
    case WinogradKind::f42: return FromPixels<F42::bt>(pixels, channels, out, distance);
  }
}

void OutputGradient(WinogradKind kind, const float* const* pixels, std::int64_t channels, float* out,
                    std::int64_t distance) {
  switch (kind) {
    case WinogradKind::f43: return FromPixels<F43::up>(pixels, channels, out, distance);
    case WinogradKind::f23: return FromPixels<F23::up>(pixels, channels, out, distance);
    case WinogradKind::f42: return FromPixels<F42::up>(pixels, channels, out, distance);
  }
}

void Weight(WinogradKind kind, const float* const* taps, std::int64_t channels, float* out, std::int64_t distance) {
  switch (kind) {
    case WinogradKind::f43: return FromPixels<F43::g>(taps, channels, out, distance);
    case WinogradKind::f23: return FromPixels<F23::g>(taps, channels, out, distance);
    case WinogradKind::f42: return FromPixels<F42::g>(taps, channels, out, distance);
  }
}

void OutputOf(WinogradKind kind, const float* in, std::int64_t distance, std::int64_t channels, const float* bias,
              bool relu, float* const* pixels) {
  switch (kind) {
    case WinogradKind::f43: return Output<F43>(in, distance, channels, bias, relu, pixels);
    case WinogradKind::f23: return Output<F23>(in, distance, channels, bias, relu, pixels);
    case WinogradKind::f42: return Output<F42>(in, distance, channels, bias, relu, pixels);
  }
}

void WeightGradientOf(WinogradKind kind, const float* in, std::int64_t distance, std::int64_t channels,
                      float* const* taps) {
  switch (kind) {
    case WinogradKind::f43: return WeightGradient<F43>(in, distance, channels, taps);
    case WinogradKind::f23: return WeightGradient<F23>(in, distance, channels, taps);
    case WinogradKind::f42: return WeightGradient<F42>(in, distance, channels, taps);
  }
}

}  // namespace loom::dnnl::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace loom::dnnl::detail {

HWY_EXPORT(Input);
HWY_EXPORT(OutputGradient);
HWY_EXPORT(Weight);
HWY_EXPORT(OutputOf);
HWY_EXPORT(WeightGradientOf);

void winograd_input(WinogradKind kind, const float* const* pixels, std::int64_t channels, float* out,
                    std::int64_t distance) {
  HWY_DYNAMIC_DISPATCH(Input)(kind, pixels, channels, out, distance);
}

void winograd_output(WinogradKind kind, const float* in, std::int64_t distance, std::int64_t channels,
                     const float* bias, bool relu, float* const* pixels) {
  HWY_DYNAMIC_DISPATCH(OutputOf)(kind, in, distance, channels, bias, relu, pixels);
}

void winograd_output_gradient(WinogradKind kind, const float* const* pixels, std::int64_t channels, float* out,
                              std::int64_t distance) {
  HWY_DYNAMIC_DISPATCH(OutputGradient)(kind, pixels, channels, out, distance);
}

void winograd_weight(WinogradKind kind, const float* const* taps, std::int64_t channels, float* out,
                     std::int64_t distance) {
  HWY_DYNAMIC_DISPATCH(Weight)(kind, taps, channels, out, distance);
}

void winograd_weight_gradient(WinogradKind kind, const float* in, std::int64_t distance, std::int64_t channels,
                              float* const* taps) {
  HWY_DYNAMIC_DISPATCH(WeightGradientOf)(kind, in, distance, channels, taps);
}

}  // namespace loom::dnnl::detail
#endif  // HWY_ONCE

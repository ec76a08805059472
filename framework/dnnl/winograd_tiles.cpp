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

// out [rows of Left][rows of Right] = Left in Right^T.
template <const auto& Left, const auto& Right>
HWY_INLINE void BothSides(const Vec* in, Vec* out) {
  constexpr int kRows = static_cast<int>(Left.size()), kColumns = static_cast<int>(Right.size());
  constexpr int kWidth = static_cast<int>(Right[0].size());  // of `in`
  Vec half[kRows * kWidth];
  constexpr std::make_integer_sequence<int, kRows> rows;
  constexpr std::make_integer_sequence<int, kColumns> columns;
  for (int column = 0; column < kWidth; ++column) Times<Left, kWidth, kWidth>(in + column, half + column, rows);
  for (int row = 0; row < kRows; ++row) Times<Right, 1, 1>(half + row * kWidth, out + row * kColumns, columns);
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

template <const auto& Left, const auto& Right>
struct Sizes {
  static constexpr int in = static_cast<int>(Left[0].size() * Right[0].size());
  static constexpr int out = static_cast<int>(Left.size() * Right.size());
};

// Pixels in, transformed vectors out.
template <const auto& Left, const auto& Right>
HWY_INLINE void FromPixels(const float* const* pixels, std::int64_t channels, float* out, std::int64_t distance) {
  using Size = Sizes<Left, Right>;
  ForChannels(channels, [&](std::int64_t c, const auto& load, const auto& store) {
    Vec in[Size::in], result[Size::out];
    for (int i = 0; i < Size::in; ++i) in[i] = load(pixels[i] + c);
    BothSides<Left, Right>(in, result);
    for (int i = 0; i < Size::out; ++i) store(result[i], out + i * distance + c);
  });
}

// Transformed vectors in, pixels out.
template <const auto& Left, const auto& Right, class Finish>
HWY_INLINE void ToPixels(const float* from, std::int64_t distance, std::int64_t channels, float* const* pixels,
                         const Finish& finish) {
  using Size = Sizes<Left, Right>;
  ForChannels(channels, [&](std::int64_t c, const auto& load, const auto& store) {
    Vec in[Size::in], result[Size::out];
    for (int i = 0; i < Size::in; ++i) in[i] = load(from + i * distance + c);
    BothSides<Left, Right>(in, result);
    for (int i = 0; i < Size::out; ++i) {
      if (pixels[i] != nullptr) store(finish(result[i], c, load), pixels[i] + c);
    }
  });
}

using F43 = WinogradForm<4, 3>;
using F23 = WinogradForm<2, 3>;
using F42 = WinogradForm<4, 2>;
using F25 = WinogradForm<2, 5>;

// Calls `body` with the forms of the rows and of the columns.
template <class Body>
HWY_INLINE void WithForms(WinogradKind kind, const Body& body) {
  switch (kind) {
    case WinogradKind::f43: return body(F43(), F43());
    case WinogradKind::f23: return body(F23(), F23());
    case WinogradKind::f42: return body(F42(), F42());
    case WinogradKind::f42_f43: return body(F42(), F43());
    case WinogradKind::f43_f42: return body(F43(), F42());
    case WinogradKind::f43_f25: return body(F43(), F25());
    case WinogradKind::line_f43: return body(F43(), OneTap());
    case WinogradKind::line_f42: return body(F42(), OneTap());
    case WinogradKind::line_f25: return body(F25(), OneTap());
  }
}

void Input(WinogradKind kind, const float* const* pixels, std::int64_t channels, float* out, std::int64_t distance) {
  WithForms(kind, [&]<class Rows, class Columns>(Rows, Columns) {
    FromPixels<Rows::bt, Columns::bt>(pixels, channels, out, distance);
  });
}

void OutputGradient(WinogradKind kind, const float* const* pixels, std::int64_t channels, float* out,
                    std::int64_t distance) {
  WithForms(kind, [&]<class Rows, class Columns>(Rows, Columns) {
    FromPixels<Rows::up, Columns::up>(pixels, channels, out, distance);
  });
}

void Weight(WinogradKind kind, const float* const* taps, std::int64_t channels, float* out, std::int64_t distance) {
  WithForms(kind, [&]<class Rows, class Columns>(Rows, Columns) {
    FromPixels<Rows::g, Columns::g>(taps, channels, out, distance);
  });
}

void OutputOf(WinogradKind kind, const float* in, std::int64_t distance, std::int64_t channels, const float* bias,
              bool relu, float* const* pixels) {
  const auto finish = [&](Vec value, std::int64_t c, const auto& load) {
    if (bias != nullptr) value = hn::Add(value, load(bias + c));
    // NaN stays NaN.
    return relu ? hn::IfThenZeroElse(hn::Lt(value, hn::Zero(Tag())), value) : value;
  };
  WithForms(kind, [&]<class Rows, class Columns>(Rows, Columns) {
    ToPixels<Rows::at, Columns::at>(in, distance, channels, pixels, finish);
  });
}

void WeightGradientOf(WinogradKind kind, const float* in, std::int64_t distance, std::int64_t channels,
                      float* const* taps) {
  const auto same = [](Vec value, std::int64_t, const auto&) { return value; };
  WithForms(kind, [&]<class Rows, class Columns>(Rows, Columns) {
    ToPixels<Rows::gt, Columns::gt>(in, distance, channels, taps, same);
  });
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

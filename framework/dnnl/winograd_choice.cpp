#include "dnnl/winograd_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "dnnl/cpu.h"
#include "dnnl/winograd_chunks.h"

namespace loom::dnnl {

using namespace detail;

namespace {

constexpr std::size_t kGeometries = std::size(kMeasured), kPasses = 3, kExtents = std::size(kMeasuredExtents),
                      kChannels = std::size(kMeasuredChannels);
// Below it the smaller error of the other algorithms, and their smaller scratch, are worth more; the table's own error is 0.1.
constexpr double kLeastSpeedup = 1.2;

// Tenths of the speed of the other algorithms: [geometry][pass][extent][channels of x][channels of y].
using Speedups = std::uint8_t[kGeometries][kPasses][kExtents][kChannels][kChannels];
constexpr Speedups kWithAmx = {
#include "dnnl/winograd_table_amx.inc"
};
constexpr Speedups kWithoutAmx = {
#include "dnnl/winograd_table_no_amx.inc"
};

template <std::size_t N>
std::size_t nearest(const std::int64_t (&grid)[N], double value) {
  const auto distance = [&](std::int64_t at) { return std::abs(std::log2(static_cast<double>(at) / value)); };
  return static_cast<std::size_t>(std::ranges::min_element(grid, {}, distance) - std::begin(grid));
}

bool has_geometry(const ConvolutionShape& s, const WinogradGeometry& g) {
  if (g.causal() && (s.pad_top != g.pad_top || s.pad_bottom != 0)) return false;
  return s.kh == g.kh && s.kw == g.kw && s.stride_h == g.stride_h && s.stride_w == g.stride_w;
}

// Outputs along an axis that whole tiles compute.
std::int64_t in_tiles(std::int64_t extent, const AxisForm& form) { return (extent + form.m - 1) / form.m * form.m; }

}  // namespace

bool detail::winograd_is_faster(const ConvolutionShape& shape, ConvolutionPass pass, bool has_amx) {
  const ConvolutionShape s = turned_line(shape);
  const auto geometry = std::ranges::find_if(kMeasured, [&](const WinogradGeometry& g) { return has_geometry(s, g); });
  if (geometry == std::end(kMeasured) || std::min(s.c, s.filters) < kMeasuredChannels[0] / 2) return false;
  // Outputs that fill no tile are computed in vain.
  const TileForm form = form_of(winograd_kind(s).value());
  const auto computed = static_cast<double>(in_tiles(s.out_h(), form.rows) * in_tiles(s.out_w(), form.columns));
  const double used = static_cast<double>(s.out_h() * s.out_w()) / computed;
  const Speedups& speedups = has_amx ? kWithAmx : kWithoutAmx;
  const std::uint8_t speedup =
      speedups[geometry - std::begin(kMeasured)][static_cast<std::size_t>(pass)]
              [nearest(kMeasuredExtents, std::sqrt(computed))][nearest(kMeasuredChannels, static_cast<double>(s.c))]
              [nearest(kMeasuredChannels, static_cast<double>(s.filters))];
  return 0.1 * speedup * used >= kLeastSpeedup;
}

bool winograd_is_faster(const ConvolutionShape& shape, ConvolutionPass pass) {
  return detail::winograd_is_faster(shape, pass, has_amx());
}

std::string winograd_table_digest() {
  const Speedups& speedups = has_amx() ? kWithAmx : kWithoutAmx;
  std::uint32_t digest = 2166136261U;  // FNV-1a
  const auto* bytes = &speedups[0][0][0][0][0];
  for (std::size_t i = 0; i < sizeof(Speedups); ++i) digest = (digest ^ bytes[i]) * 16777619U;
  return fmt::format("{:08x}", digest);
}

}  // namespace loom::dnnl

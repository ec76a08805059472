#include "dnnl/bf16_choice.h"

#include <algorithm>
#include <array>

#include "dnnl/cpu.h"
#include "dnnl/space_to_depth.h"

namespace loom::dnnl {
namespace {

bool is_strided(const ConvolutionShape& s) { return has_blocks(s) && s.stride_h * s.stride_w > 1; }
// The kernel's padding differs above and below: a causal window.
bool is_lopsided(const ConvolutionShape& s) { return has_blocks(s) && s.pad_top != s.pad_bottom; }
// How much larger blocks make the kernel: 3x3 with stride 2 becomes 4x4, 1.8 times as large.
double growth_in_blocks(const ConvolutionShape& s) {
  const auto whole = [](std::int64_t taps, std::int64_t stride) { return (taps + stride - 1) / stride * stride; };
  return static_cast<double>(whole(s.kh, s.stride_h) * whole(s.kw, s.stride_w)) / static_cast<double>(s.kh * s.kw);
}

// GFLOP/s of one core in the gradient by the weight. Those of oneDNN's kernel follow the width of the map: up to 4, 8, 16,
// and more. Those of the taps follow the channels, the fewer ones of x and y: up to 47, 94, 188, and more.
using Rates = std::array<int, 4>;
struct WeightRates {
  Rates taps, pointwise, plain, strided;
};
constexpr WeightRates kWithAmx{{150, 320, 430, 540}, {60, 110, 190, 240}, {180, 410, 600, 700}, {80, 160, 285, 450}};
constexpr WeightRates kWithoutAmx{
    {120, 175, 195, 205}, {140, 183, 165, 165}, {150, 190, 215, 205}, {130, 185, 215, 200}};

int rate(const Rates& rates, std::int64_t n, std::int64_t least) {
  return rates[n <= least ? 0 : n <= 2 * least ? 1 : n <= 4 * least ? 2 : 3];
}

bool is_faster_by_taps(const ConvolutionShape& s, const WeightRates& rates) {
  if (s.groups > 1 || s.is_volume()) return false;
  const Rates& kernel = s.kh * s.kw == 1 ? rates.pointwise : s.stride_h * s.stride_w > 1 ? rates.strided : rates.plain;
  return rate(rates.taps, std::min(s.c, s.filters), 47) > rate(kernel, s.out_w(), 4);
}

// Fewer channels do not fill a tile of AMX; those of a block count.
constexpr std::int64_t kLeastOfAmxTiles = 12;

bool fills_amx_tiles(const ConvolutionShape& s) {
  const std::int64_t channels = is_strided(s) ? s.c * s.stride_h * s.stride_w : s.c / s.groups;
  return std::min(channels, s.filters / s.groups) >= kLeastOfAmxTiles;
}

Bf16Form form_with_amx(const ConvolutionShape& s, ConvolutionPass pass) {
  if (pass == ConvolutionPass::by_weight && is_faster_by_taps(s, kWithAmx)) return Bf16Form::taps;
  // For these, oneDNN has no AMX kernel of the gradient by the weight.
  if (pass == ConvolutionPass::by_weight && is_lopsided(s)) return Bf16Form::blocks;
  if (!is_strided(s)) return Bf16Form::plain;
  // Forward, oneDNN's kernel is as fast with a stride, where a pixel has enough channels. Its gradients are not, unless blocks
  // make the kernel much larger.
  const double most_growth = pass == ConvolutionPass::by_input ? 1.8 : pass == ConvolutionPass::by_weight ? 1.2 : 0;
  return s.c < kLeastOfAmxTiles || growth_in_blocks(s) < most_growth ? Bf16Form::blocks : Bf16Form::plain;
}

// Without AMX: half a vector of results, and pairs of inputs, since one instruction multiplies two.
constexpr std::int64_t kLeastInputs = 2, kLeastResults = 8, kLeastFilters = 12, kLeastOfBlocks = 3;

bool is_faster_by_blocks(const ConvolutionShape& s) {
  return is_strided(s) && s.c >= kLeastOfBlocks && s.c < kLeastFilters;
}

bool fills_vectors(const ConvolutionShape& s, ConvolutionPass pass) {
  const std::int64_t c = s.c / s.groups, filters = s.filters / s.groups;
  if (s.groups > 1) return std::min(c, filters) >= kLeastFilters;  // fewer were not measured
  switch (pass) {
    case ConvolutionPass::forward: return c >= kLeastInputs && filters >= kLeastResults;
    case ConvolutionPass::by_input: return c >= kLeastResults || is_faster_by_blocks(s);
    default: return c >= kLeastInputs && filters >= kLeastFilters;
  }
}

Bf16Form form_without_amx(const ConvolutionShape& s, ConvolutionPass pass) {
  switch (pass) {
    case ConvolutionPass::forward: return Bf16Form::plain;
    case ConvolutionPass::by_input: return is_faster_by_blocks(s) ? Bf16Form::blocks : Bf16Form::plain;
    default:
      if (is_faster_by_taps(s, kWithoutAmx)) return Bf16Form::taps;
      return is_lopsided(s) && s.kw > 3 ? Bf16Form::blocks : Bf16Form::plain;
  }
}

}  // namespace

namespace detail {

bool is_faster_in_bf16(const ConvolutionShape& shape, ConvolutionPass pass, bool has_amx) {
  return has_amx ? fills_amx_tiles(shape) : fills_vectors(shape, pass);
}

Bf16Form fastest_bf16_form(const ConvolutionShape& shape, ConvolutionPass pass, bool has_amx) {
  return has_amx ? form_with_amx(shape, pass) : form_without_amx(shape, pass);
}

}  // namespace detail

bool is_faster_in_bf16(const ConvolutionShape& shape, ConvolutionPass pass) {
  return detail::is_faster_in_bf16(shape, pass, has_amx());
}

Bf16Form fastest_bf16_form(const ConvolutionShape& shape, ConvolutionPass pass) {
  return detail::fastest_bf16_form(shape, pass, has_amx());
}

}  // namespace loom::dnnl

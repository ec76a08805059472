#include "dnnl/winograd_phases.h"

namespace loom::dnnl::detail {
namespace {

// The taps of phase p: t from `first` on, `count` of them.
struct Taps {
  std::int64_t first = 0, count = 0;
};

Taps taps_of_phase(const Axis& axis, std::int64_t p) {
  Taps taps;
  for (std::int64_t k = 0; k < axis.kernel; ++k) {
    const std::int64_t shifted = k - axis.pad - p;
    if (shifted % axis.stride != 0) continue;
    if (taps.count++ == 0) taps.first = shifted / axis.stride;
  }
  return taps;
}

std::int64_t tap(const Axis& axis, std::int64_t p, std::int64_t t) {
  const std::int64_t k = axis.stride * t + p + axis.pad;
  return k >= 0 && k < axis.kernel ? k : -1;
}

}  // namespace

std::vector<AxisPhase> forward_phases(const Axis& axis, int r) {
  std::vector<AxisPhase> phases;
  for (std::int64_t p = 0; p < axis.stride; ++p) {
    const Taps taps = taps_of_phase(axis, p);
    if (taps.count == 0) continue;
    AxisPhase& phase = phases.emplace_back();
    phase.in_first = axis.stride * taps.first + p;
    phase.in_step = axis.stride;
    phase.outputs = axis.out;
    for (int b = 0; b < r; ++b) phase.taps[static_cast<std::size_t>(b)] = tap(axis, p, taps.first + b);
  }
  return phases;
}

std::vector<AxisPhase> gradient_phases(const Axis& axis, int r) {
  std::vector<AxisPhase> phases;
  for (std::int64_t p = 0; p < axis.stride; ++p) {
    const Taps taps = taps_of_phase(axis, p);
    AxisPhase& phase = phases.emplace_back();  // without taps its gradient is 0
    // dx[s j + p] = sum over t of dy[j - t] w[t]: the taps in reverse order.
    const std::int64_t last = taps.first + r - 1;
    phase.in_first = -last;
    phase.out_first = p;
    phase.out_step = axis.stride;
    phase.outputs = axis.in > p ? (axis.in - p + axis.stride - 1) / axis.stride : 0;
    for (int b = 0; b < r && taps.count > 0; ++b) phase.taps[static_cast<std::size_t>(b)] = tap(axis, p, last - b);
  }
  return phases;
}

Axis rows_of(const ConvolutionShape& s) { return {s.h, s.out_h(), s.kh, s.stride_h, s.pad_top}; }
Axis columns_of(const ConvolutionShape& s) { return {s.w, s.out_w(), s.kw, s.stride_w, s.pad_left}; }

}  // namespace loom::dnnl::detail

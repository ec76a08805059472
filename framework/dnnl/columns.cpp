#include "dnnl/columns.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "dnnl/vector_loops.h"

namespace loom::dnnl {

namespace {

// The inner loops copy or add many runs of a few floats. With a length that the compiler knows, a run takes
// one or two vector moves; otherwise it takes a library call. So each loop is instantiated for every length up to
// kLongest.
constexpr std::int64_t kLongest = 32;

struct GatherRow {
  const float* source;         // the padded image row under the first row of the window, at the first window
  std::int64_t source_row;     // distance to the row under the next kernel row
  std::int64_t source_window;  // distance to the next window
  std::int64_t source_tap;     // distance to the next run of the window, if it is dilated
  std::int64_t windows, kernel_rows, taps, run;
  std::int64_t width;  // distance from one window to the next in the matrix
};

// Run 0: the length is taken from the arguments.
template <std::int64_t Run>
void gather_row(const GatherRow& g, float* columns) {
  const std::int64_t run = Run == 0 ? g.run : Run, windows = g.windows, width = g.width, step = g.source_window;
  for (std::int64_t row = 0; row < g.kernel_rows; ++row) {
    for (std::int64_t tap = 0; tap < g.taps; ++tap, columns += run) {
      const float* source = g.source + row * g.source_row + tap * g.source_tap;
      float* target = columns;
      for (std::int64_t window = 0; window < windows; ++window, source += step, target += width) {
        std::memcpy(target, source, static_cast<std::size_t>(run) * sizeof(float));
      }
    }
  }
}

// A sum of runs of `Length` floats that stays in registers for any length: compilers do not reliably achieve this on
// their own.
template <std::int64_t Length>
struct RunSum {
  typedef float Four __attribute__((vector_size(16)));
  typedef float Two __attribute__((vector_size(8)));
  static constexpr std::int64_t kFours = Length / 4;

  Four fours[kFours == 0 ? 1 : kFours] = {};
  Two two = {};
  float one = 0.0F;

  void add(const float* run) {
    for (std::int64_t i = 0; i < kFours; ++i, run += 4) fours[i] += load<Four>(run);
    if constexpr (Length % 4 >= 2) two += load<Two>(run), run += 2;
    if constexpr (Length % 2 == 1) one += *run;
  }
  void add(const RunSum& other) {
    for (std::int64_t i = 0; i < kFours; ++i) fours[i] += other.fours[i];
    two += other.two, one += other.one;
  }
  void store(float* run) const {
    for (std::int64_t i = 0; i < kFours; ++i, run += 4) std::memcpy(run, &fours[i], sizeof(Four));
    if constexpr (Length % 4 >= 2) std::memcpy(run, &two, sizeof(Two)), run += 2;
    if constexpr (Length % 2 == 1) *run = one;
  }

 private:
  template <class Vector>
  static Vector load(const float* from) {
    Vector vector;
    std::memcpy(&vector, from, sizeof(vector));
    return vector;
  }
};

struct ScatterRow {
  const float* const* sources;  // for each kernel row that covers this image row: its runs, at the first window
  std::int64_t count;
  std::int64_t windows;
  std::int64_t width;  // distance from one window to the next in the matrix
  std::int64_t step;   // distance in the image from one window to the next, in floats
  std::int64_t run;    // floats of a run
};

// The sum of the windows over step i of the row, where not all of them exist. Step 0: taken from the arguments.
template <std::int64_t Step>
void scatter_border(const ScatterRow& s, std::int64_t i, float* row) {
  const std::int64_t step = Step == 0 ? s.step : Step;
  const std::int64_t first = std::max<std::int64_t>(0, i - s.windows + 1), last = std::min(i + 1, s.run / step);
  const std::int64_t rest = i + 1 > last ? s.run - last * step : 0;  // floats at the window's end, less than a step
  RunSum<Step> sum;
  if constexpr (Step == 0) std::fill_n(row, step, 0.0F);
  for (std::int64_t k = 0; k < s.count; ++k) {
    const float* part = s.sources[k] + (i - first) * s.width + first * step;
    for (std::int64_t t = first; t < last; ++t, part -= s.width - step) {
      if constexpr (Step == 0) {
        add(part, row, step);
      } else {
        sum.add(part);
      }
    }
  }
  if constexpr (Step != 0) sum.store(row);
  if (rest == 0 || i - last >= s.windows) return;
  for (std::int64_t k = 0; k < s.count; ++k) {
    const float* part = s.sources[k] + (i - last) * s.width + last * step;
    for (std::int64_t j = 0; j < rest; ++j) row[j] += part[j];
  }
}

// Windows overlap: window i covers the steps i, i+1, ... of the row. Going step by step, and summing what the
// windows put there, writes each float once and reads none back. Parts: the number of runs that cover a step,
// 0 for any.
template <std::int64_t Step, int Parts>
void scatter_inside(const ScatterRow& s, const float* const* parts, std::int64_t count, std::int64_t first,
                    float* row) {
  const std::int64_t windows = s.windows, width = s.width;
  const float* fixed[Parts == 0 ? 1 : Parts];
  if constexpr (Parts != 0) std::copy_n(parts, Parts, fixed);
  row += first * Step;
  for (std::int64_t i = first, at = first * width; i < windows; ++i, at += width, row += Step) {
    RunSum<Step> sum;
    if constexpr (Parts == 0) {
      RunSum<Step> second;  // two chains of additions, since one would wait for each result
      std::int64_t p = 0;
      for (; p + 2 <= count; p += 2) sum.add(parts[p] + at), second.add(parts[p + 1] + at);
      if (p < count) sum.add(parts[p] + at);
      sum.add(second);
    } else {
#pragma GCC unroll 16
      for (int p = 0; p < Parts; ++p) sum.add(fixed[p] + at);
    }
    sum.store(row);
  }
}

constexpr std::int64_t kMostParts = 256;  // above this: step by step, slowly

template <std::int64_t Step>
void scatter_row(const ScatterRow& s, float* row) {
  const std::int64_t step = Step == 0 ? s.step : Step;
  const std::int64_t whole = s.run / step, rest = s.run - whole * step;
  const std::int64_t steps = s.windows + whole - (rest == 0 ? 1 : 0);
  const std::int64_t first = std::min(rest == 0 ? whole - 1 : whole, s.windows);  // from here on, every part exists
  for (std::int64_t i = 0; i < first; ++i) scatter_border<Step>(s, i, row + i * step);
  for (std::int64_t i = std::max(first, s.windows); i < steps; ++i) scatter_border<Step>(s, i, row + i * step);
  if (Step == 0 || s.count * whole > kMostParts) {
    for (std::int64_t i = first; i < s.windows; ++i) scatter_border<Step>(s, i, row + i * step);
    return;
  }
  if constexpr (Step != 0) {
    const float* parts[kMostParts];
    std::int64_t count = 0;
    for (std::int64_t k = 0; k < s.count; ++k) {
      for (std::int64_t t = 0; t < whole; ++t) parts[count++] = s.sources[k] - t * (s.width - step);
    }
    switch (count) {
      case 1: scatter_inside<Step, 1>(s, parts, count, first, row); break;
      case 2: scatter_inside<Step, 2>(s, parts, count, first, row); break;
      case 4: scatter_inside<Step, 4>(s, parts, count, first, row); break;
      case 9: scatter_inside<Step, 9>(s, parts, count, first, row); break;
      default: scatter_inside<Step, 0>(s, parts, count, first, row); break;
    }
    if (rest == 0) return;
    for (std::int64_t k = 0; k < s.count; ++k) {
      for (std::int64_t i = first; i < s.windows; ++i) {
        const float* part = s.sources[k] + (i - whole) * s.width + whole * step;
        for (std::int64_t j = 0; j < rest; ++j) row[i * step + j] += part[j];
      }
    }
  }
}

using GatherFunction = void (*)(const GatherRow&, float*);
using ScatterFunction = void (*)(const ScatterRow&, float*);

template <std::size_t... Length>
constexpr auto gather_table(std::index_sequence<Length...>) {
  return std::array<GatherFunction, sizeof...(Length)>{gather_row<static_cast<std::int64_t>(Length)>...};
}
template <std::size_t... Length>
constexpr auto scatter_table(std::index_sequence<Length...>) {
  return std::array<ScatterFunction, sizeof...(Length)>{scatter_row<static_cast<std::int64_t>(Length)>...};
}
constexpr auto kGather = gather_table(std::make_index_sequence<kLongest + 1>());
constexpr auto kScatter = scatter_table(std::make_index_sequence<kLongest + 1>());

std::size_t entry(std::int64_t length) { return length <= kLongest ? static_cast<std::size_t>(length) : 0; }

}  // namespace

Columns::Columns(const ConvolutionShape& s)
    : shape_(s),
      out_h_(s.out_h()),
      out_w_(s.out_w()),
      width_(s.kh * s.kw * s.c),
      run_(s.dilation_w == 1 ? s.kw * s.c : s.c),
      padded_width_((s.w + s.pad_left + s.pad_right) * s.c),
      carry_(((s.kh - 1) * s.dilation_h + s.stride_h - 1) / s.stride_h) {
  unpadded_ = s.pad_top == 0 && s.pad_bottom == 0 && s.pad_left == 0 && s.pad_right == 0;
  identity_ = unpadded_ && s.kh == 1 && s.kw == 1 && s.stride_h == 1 && s.stride_w == 1;
}

std::int64_t Columns::gather_floats(std::int64_t rows) const {
  return unpadded_ ? 0 : ((rows - 1) * shape_.stride_h + (shape_.kh - 1) * shape_.dilation_h + 1) * padded_width_;
}

void Columns::gather(const float* image, std::int64_t first, std::int64_t last, float* columns, float* scratch) const {
  const auto& s = shape_;
  const std::int64_t top = first * s.stride_h - s.pad_top;
  const float* source = image + top * s.w * s.c;
  if (!unpadded_) {
    // With the zeros around the image in memory, all windows are alike.
    source = scratch;
    const std::int64_t bottom = (last - 1) * s.stride_h - s.pad_top + (s.kh - 1) * s.dilation_h + 1;
    float* row = scratch;
    for (std::int64_t y = top; y < bottom; ++y, row += padded_width_) {
      if (y < 0 || y >= s.h) {
        std::fill_n(row, padded_width_, 0.0F);
        continue;
      }
      std::fill_n(row, s.pad_left * s.c, 0.0F);
      std::memcpy(row + s.pad_left * s.c, image + y * s.w * s.c, static_cast<std::size_t>(s.w * s.c) * sizeof(float));
      std::fill_n(row + (s.pad_left + s.w) * s.c, s.pad_right * s.c, 0.0F);
    }
  }
  GatherRow g;
  g.source_row = s.dilation_h * padded_width_;
  g.source_window = s.stride_w * s.c;
  g.source_tap = s.dilation_w * s.c;
  g.windows = out_w_, g.kernel_rows = s.kh, g.taps = s.dilation_w == 1 ? 1 : s.kw, g.run = run_, g.width = width_;
  for (std::int64_t y = first; y < last; ++y, columns += row_floats()) {
    g.source = source + (y - first) * s.stride_h * padded_width_;
    kGather[entry(run_)](g, columns);
  }
}

std::int64_t Columns::scatter_floats() const {
  const std::int64_t step = shape_.stride_w * shape_.c;
  return std::max(padded_width_, (out_w_ + (shape_.kw - 1) / shape_.stride_w) * step) + step;
}

void Columns::accumulate(const float* const* sources, std::int64_t count, float* row) const {
  const auto& s = shape_;
  const std::int64_t step = s.stride_w * s.c;
  if (s.dilation_w == 1 && count != 0) {
    ScatterRow r;
    r.sources = sources, r.count = count, r.windows = out_w_, r.width = width_;
    r.step = step, r.run = run_;
    kScatter[entry(r.step)](r, row);
    // The part that no window reaches.
    const std::int64_t reached = (out_w_ + (s.kw - 1) / s.stride_w) * step;
    std::fill_n(row + reached, std::max<std::int64_t>(0, padded_width_ - reached), 0.0F);
    return;
  }
  std::fill_n(row, padded_width_, 0.0F);
  for (std::int64_t k = 0; k < count; ++k) {
    for (std::int64_t window = 0; window < out_w_; ++window) {
      for (std::int64_t tap = 0; tap < s.kw; ++tap) {
        float* target = row + (window * s.stride_w + tap * s.dilation_w) * s.c;
        const float* source = sources[k] + window * width_ + tap * s.c;
        for (std::int64_t j = 0; j < s.c; ++j) target[j] += source[j];
      }
    }
  }
}

void Columns::scatter(const float* columns, std::int64_t first, std::int64_t last, const float* bias, bool relu,
                      float* image, float* scratch) const {
  const auto& s = shape_;
  // In rows of the padded image: the range that no later output row reaches, and that was not complete
  // before.
  const std::int64_t begin = std::max(first * s.stride_h, s.pad_top);
  const std::int64_t end = last == out_h_ ? s.pad_top + s.h : std::min(last * s.stride_h, s.pad_top + s.h);
  for (std::int64_t y = begin; y < end; ++y) {
    const float* sources[kMostKernelRows];
    std::int64_t count = 0;
    for (std::int64_t k = 0; k < s.kh; ++k) {
      const std::int64_t reached = y - k * s.dilation_h;
      if (reached < 0) break;
      const std::int64_t out_row = reached / s.stride_h;
      if (out_row * s.stride_h != reached || out_row >= last) continue;
      sources[count++] = columns + (out_row - first) * row_floats() + k * s.kw * s.c;
    }
    accumulate(sources, count, scratch);
    float* row = image + (y - s.pad_top) * s.w * s.c;
    std::memcpy(row, scratch + s.pad_left * s.c, static_cast<std::size_t>(s.w * s.c) * sizeof(float));
    add_bias(row, bias, s.w, s.c, relu);
  }
}

}  // namespace loom::dnnl

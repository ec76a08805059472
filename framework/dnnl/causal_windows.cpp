#include "dnnl/causal_windows.h"

#include <algorithm>
#include <cstring>

#include "dnnl/detail.h"
#include "dnnl/vector_loops.h"

namespace loom::dnnl {

namespace {

void copy(const float* from, std::int64_t count, float* to) {
  std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(float));
}

// The part of [first, first + count) that is inside [0, width): from offset `begin` to offset `end`.
struct Inside {
  std::int64_t begin, end;
  Inside(std::int64_t first, std::int64_t count, std::int64_t width)
      : begin(std::clamp<std::int64_t>(-first, 0, count)), end(std::clamp<std::int64_t>(width - first, begin, count)) {}
};

}  // namespace

CausalWindows::CausalWindows(std::int64_t height, std::int64_t width, std::int64_t channels, std::vector<TapRun> runs)
    : height_(height), width_(width), channels_(channels), runs_(std::move(runs)) {
  detail::require(height > 0 && width > 0 && channels > 0, "causal windows: every size must be positive");
  for (const TapRun& run : runs_)
    detail::require(run.count > 0 && run.row <= 0, "causal windows: a run of a later row");
}

// body(row, first column, end column, index among the positions)
template <class Body>
void CausalWindows::for_each_segment(std::int64_t first, std::int64_t last, const Body& body) const {
  for (std::int64_t position = first; position < last;) {
    const std::int64_t column = position % width_, end = std::min(width_, column + last - position);
    body(position / width_, column, end, position - first);
    position += end - column;
  }
}

void CausalWindows::gather(std::size_t index, const float* image, std::int64_t first, std::int64_t last, float* columns,
                           std::int64_t pitch) const {
  const TapRun& run = runs_[index];
  const std::int64_t floats = run.count * channels_;
  for_each_segment(first, last, [&](std::int64_t row, std::int64_t column, std::int64_t end, std::int64_t place) {
    float* out = columns + place * pitch;
    const float* source = row + run.row < 0 ? nullptr : image + (row + run.row) * width_ * channels_;
    for (; column < end; ++column, out += pitch) {
      const std::int64_t from = column + run.column;
      const Inside inside(from, source == nullptr ? 0 : run.count, width_);
      if (inside.end - inside.begin == run.count) {
        copy(source + from * channels_, floats, out);
        continue;
      }
      std::fill_n(out, floats, 0.0F);
      if (inside.end > inside.begin) {
        copy(source + (from + inside.begin) * channels_, (inside.end - inside.begin) * channels_,
             out + inside.begin * channels_);
      }
    }
  });
}

void CausalWindows::scatter(std::size_t index, const float* columns, std::int64_t pitch, std::int64_t first,
                            std::int64_t last, float* image) const {
  const TapRun& run = runs_[index];
  for_each_segment(first, last, [&](std::int64_t row, std::int64_t column, std::int64_t end, std::int64_t place) {
    if (row + run.row < 0) return;
    const float* from = columns + place * pitch;
    float* target = image + (row + run.row) * width_ * channels_;
    for (; column < end; ++column, from += pitch) {
      const Inside inside(column + run.column, run.count, width_);
      if (inside.end == inside.begin) continue;
      add(from + inside.begin * channels_, target + (column + run.column + inside.begin) * channels_,
          (inside.end - inside.begin) * channels_);
    }
  });
}

void CausalWindows::gather_map(std::size_t index, const float* map, std::int64_t samples, std::int64_t first,
                               std::int64_t last, float* columns, std::int64_t pitch) const {
  if (samples == 1) return gather(index, map, first, last, columns, pitch);
  const TapRun& run = runs_[index];
  for_each_segment(first, last, [&](std::int64_t row, std::int64_t column, std::int64_t end, std::int64_t place) {
    float* out = columns + place * samples * pitch;
    for (; column < end; ++column, out += samples * pitch) {
      for (std::int64_t tap = 0; tap < run.count; ++tap) {
        const std::int64_t r = row + run.row, c = column + run.column + tap;
        const bool there = r >= 0 && c >= 0 && c < width_;
        const float* from = there ? map + (r * width_ + c) * samples * channels_ : nullptr;
        for (std::int64_t n = 0; n < samples; ++n) {
          float* to = out + n * pitch + tap * channels_;
          if (there)
            copy(from + n * channels_, channels_, to);
          else
            std::fill_n(to, channels_, 0.0F);
        }
      }
    }
  });
}

}  // namespace loom::dnnl

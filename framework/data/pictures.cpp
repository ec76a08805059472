// Random changes of the pictures of a training batch (preparation.h).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "data/preparation.h"
#include "loom/random.h"

namespace loom {
namespace {

// Moves the rows of a picture by `by`, each `bytes` long; what comes in from outside repeats the edge.
void move_rows(std::byte* rows, std::int64_t count, std::size_t bytes, std::int64_t by) {
  const auto row = [&](std::int64_t i) { return rows + static_cast<std::size_t>(i) * bytes; };
  if (by == 0) return;
  const std::int64_t kept = count - std::abs(by);
  std::memmove(row(std::max<std::int64_t>(by, 0)), row(std::max<std::int64_t>(-by, 0)),
               static_cast<std::size_t>(kept) * bytes);
  if (by > 0) {
    for (std::int64_t i = by - 1; i >= 0; --i) std::memcpy(row(i), row(i + 1), bytes);
  } else {
    for (std::int64_t i = kept; i < count; ++i) std::memcpy(row(i), row(i - 1), bytes);
  }
}

}  // namespace

void Preparation::plan_pictures(const Options& options, const DataEntry& entry) {
  flip_ = options.text("flip") == "horizontal";
  shift_ = options.integer("shift");
  if (!changes_pictures()) return;
  x_ = x_for(flip_ ? "flip" : "shift", entry);
  const Shape& event = columns_[x_].event;
  const bool fits = event.rank() == 3 && shift_ < event[0] && shift_ < event[1];
  if (fits) return;
  Diagnostic finding;
  finding.code = ErrorCode::data_specification;
  finding.where = entry.where;
  finding.message =
      fmt::format("[{}] flip and shift change pictures, [height, width, channels], larger than shift", entry.type);
  finding.got = fmt::format("x of {}", event.text());
  throw Error(std::move(finding));
}

void Preparation::change_picture(std::int64_t index, std::uint32_t draw, const TensorView& picture) const {
  static const std::uint32_t stream_number = stream_of("pictures");
  std::array<float, 3> uniform{};
  RandomStream(seed_, stream_number, draw).uniform(static_cast<std::uint32_t>(index), uniform);
  const Shape& shape = picture.shape();
  const std::int64_t height = shape[0], width = shape[1];
  const std::size_t pixel = static_cast<std::size_t>(shape[2]) * sizeof(float),
                    row = static_cast<std::size_t>(width) * pixel;
  auto* bytes = static_cast<std::byte*>(picture.raw());
  const auto offset = [&](float value) {
    return static_cast<std::int64_t>(value * static_cast<float>(2 * shift_ + 1)) - shift_;
  };
  const std::int64_t across = offset(uniform[1]);
  move_rows(bytes, height, row, offset(uniform[0]));
  for (std::int64_t y = 0; y < height; ++y) {
    std::byte* start = bytes + static_cast<std::size_t>(y) * row;
    move_rows(start, width, pixel, across);
    if (!flip_ || uniform[2] < 0.5F) continue;
    for (std::int64_t left = 0, right = width - 1; left < right; ++left, --right)
      std::swap_ranges(start + static_cast<std::size_t>(left) * pixel,
                       start + static_cast<std::size_t>(left + 1) * pixel,
                       start + static_cast<std::size_t>(right) * pixel);
  }
}

}  // namespace loom

// One axis of a tensor seen as [outer, axis, inner], for nodes that cut or join along it.
//
// The batch is axis 0, and negative axes count from the end. Along axis 0 the samples stay separate: [k N, ...] is k
// rows per sample, so cutting or joining there works on those k rows, and the rows of a sample stay together. What other
// samples hold is seen by the nodes of nodes/batch alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "loom/shape_inference.h"
#include "loom/tensor.h"

namespace loom::nodes {

struct AxisView {
  std::int64_t outer = 1, axis = 1, inner = 1;
};

inline int resolved_axis(std::int64_t axis, int rank) { return static_cast<int>(axis < 0 ? axis + rank : axis); }

// True where the axis is the last one for any rank: what is done along it is done at each position alone.
inline bool along_channels(const Options& options) { return options.integer("axis") == -1; }

// Of a node that works along an axis: at each position alone, unless that is the axis of the positions.
inline std::optional<TimeWindow> window_beside_axis(const TimeWindowOf& of) {
  const bool beside = resolved_axis(of.options.integer("axis"), of.from.rank()) > 1;
  return beside ? std::optional(TimeWindow()) : std::nullopt;
}

// Of a node that keeps the values and changes the shape, in which several positions may be one, or one several.
inline std::optional<TimeWindow> window_of_alias(const TimeWindowOf& of) {
  const std::int64_t from = of.from[1], to = of.to[1];
  if (from % to == 0) return TimeWindow{1, from / to, 0, from / to - 1};
  return to % from == 0 ? std::optional(TimeWindow{.up = to / from}) : std::nullopt;
}

// False, with a diagnostic, if the shape has no such axis.
inline bool check_axis(ShapeInference& s, std::int64_t axis, const Shape& shape, int input = 0) {
  const int resolved = resolved_axis(axis, shape.rank());
  if (resolved >= 0 && resolved < shape.rank()) return true;
  s.fail("the input has no axis " + std::to_string(axis), shape.text(),
         "an axis from " + std::to_string(-shape.rank()) + " to " + std::to_string(shape.rank() - 1), input);
  return false;
}

// The same of a node that works along an axis of a sample. `batch_nodes`: what works along the batch.
inline bool check_event_axis(ShapeInference& s, std::int64_t axis, const Shape& shape, const char* batch_nodes = "") {
  if (!check_axis(s, axis, shape)) return false;
  if (resolved_axis(axis, shape.rank()) > 0) return true;
  s.fail("axis 0 is the batch, and samples stay apart", "axis " + std::to_string(axis) + " of " + shape.text(),
         std::string("an axis of a sample, from 1 on") + (*batch_nodes == 0 ? "" : "; along the batch: ") + batch_nodes,
         0);
  return false;
}

// Of a node that moves values along an axis: along axis 0 it moves the rows of a sample, of which there must be several.
inline bool check_moved_axis(ShapeInference& s, std::int64_t axis, const Shape& shape) {
  if (!check_axis(s, axis, shape)) return false;
  if (resolved_axis(axis, shape.rank()) > 0 || shape[0] != kBatch) return true;
  s.fail("along axis 0 the rows of a sample are moved, and there is one",
         "axis " + std::to_string(axis) + " of " + shape.text(),
         "an axis from 1 on; to give a sample the values of another: shuffle_batch", 0);
  return false;
}

// `shape` is concrete, with `samples` samples.
inline AxisView axis_view(const Shape& shape, int axis, std::int64_t samples) {
  AxisView view;
  view.outer = samples;
  view.axis = shape[axis];
  for (int i = 0; i < axis; ++i) view.outer = i == 0 ? shape[0] : view.outer * shape[i];
  if (axis == 0) view.axis = shape[0] / samples;
  view.inner = shape.count_from(axis + 1);
  return view;
}

// Extents along the batch axis are stored as negative multiples of the batch.
inline std::int64_t extent_of(const Shape& shape, int axis) { return shape[axis] < 0 ? -shape[axis] : shape[axis]; }
inline Shape with_extent(Shape shape, int axis, std::int64_t extent) {
  shape[axis] = axis == 0 ? -extent : extent;
  return shape;
}

// f(from, to) with pointers to the values of both, which are of one type, f32 or i32.
template <class Function>
void with_values(const TensorView& from, const TensorView& to, const Function& f) {
  if (from.dtype() == DType::i32)
    f(from.data<std::int32_t>(), to.data<std::int32_t>());
  else
    f(from.data(), to.data());
}

// Copies columns [from_start, from_start + width) of each outer row of `from` to columns from `to_start` on of `to`.
inline void copy_columns(const TensorView& from_values, std::int64_t from_width, std::int64_t from_start,
                         const TensorView& to_values, std::int64_t to_width, std::int64_t to_start, std::int64_t width,
                         std::int64_t outer) {
  with_values(from_values, to_values, [&](const auto* from, auto* to) {
    for (std::int64_t row = 0; row < outer; ++row)
      std::copy_n(from + row * from_width + from_start, width, to + row * to_width + to_start);
  });
}

}  // namespace loom::nodes

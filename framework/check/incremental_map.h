// A map drawn position by position by one node without a graph. check_incremental() compares it with forward.
//
// Internal to framework/check. Memory that a node may not rely on is poisoned: inputs beyond their fill, outputs, and
// scratch before each call.
#pragma once

#include <optional>
#include <vector>

#include "check/incremental_check.h"
#include "check/node_call.h"
#include "loom/advance.h"

namespace loom::check {

// The extents of the map, and the positions that are filled at each time.
struct Raster {
  std::int64_t height = 1, width = 1;
  int axes = 1;

  std::int64_t positions() const { return height * width; }
  Place place(std::int64_t position) const { return {position / width, position % width}; }
  // Positions from 0 on that are filled at time t.
  std::int64_t there(Filled fill, std::int64_t t) const {
    switch (fill) {
      case Filled::whole: return positions();
      case Filled::through: return t + 1;
      case Filled::before: return t;
      case Filled::rows_before: return t / width * width;
    }
    return 0;
  }
  // The time at which a position of an output is computed; none: never, since nothing needs it.
  std::optional<std::int64_t> time_of(Filled fill, std::int64_t position) const {
    for (std::int64_t t = 0; t < positions(); ++t) {
      if (there(fill, t) > position) return t;
    }
    return {};
  }
  bool on_map(const Tensor& tensor, bool drawn) const {
    const Shape& shape = tensor.shape();
    if (shape.rank() <= axes) return false;
    for (int axis = 1; axis <= axes; ++axis) {
      if (shape[axis] != (axes == 1 || axis == 2 ? width : height)) return false;
    }
    return drawn || shape.rank() > axes + 1 || tensor.dtype() == DType::i32;
  }
};

// [N, P, C] as [P, N, C]
Tensor positions_first(const Tensor& batch, std::int64_t positions);

// The outputs, positions first, computed by advance(), or by forward for the rows of a position if the node is
// pointwise. Positions that were not computed stay poisoned.
std::vector<Tensor> draw_map(const NodeSetup& setup, const Raster& raster, const std::vector<Filled>& fills,
                             const std::vector<Filled>& gives);

}  // namespace loom::check

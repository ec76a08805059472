// The incremental interface of a causal node: with it, ancestral sampling of P positions costs about one forward pass,
// not P.
//
// The drawn map has P positions in raster order: those of a sequence [N, T, ...], or of an image [N, H, W, ...]. Every
// port on the path from the drawn map to the draw keeps its whole map, POSITIONS FIRST, [P, N, C]: the values of a node
// at a position are N contiguous rows of C channels. At time t = 0, 1, ... P-1 each node is called once, in the order
// of the graph, and fills the output positions that its inputs now allow (see Filled in loom/node.h), usually one. An
// input is filled up to its own fill; values beyond it are undefined and must not be read.
//
// A node on the path is either pointwise (Contract::pointwise: the framework calls its forward() with the N rows of a
// position as a batch) or has
//   Filled filled(std::span<const Filled> inputs, int output) const override;
//   void advance(const Advance& a) const override;
// prepare() is called with `incremental` set and the ordinary shapes, [N, H, W, C]. Its saved slots are then the node's
// own memory of the map that is being drawn, the same at every time and zeros at the first.
// filled() throws Error(not_supported) where a node has no incremental face with its options, or for such inputs.
//
// Ports that do not depend on the drawn map (Filled::whole) are passed as [P, N, C] if they have the axes of the
// positions, and unchanged if they do not (a class vector [N, C]).
#pragma once

#include "loom/node.h"

namespace loom {

class Advance : public Call {
 public:
  std::int64_t time = 0;                 // t
  std::int64_t positions = 0;            // P
  std::int64_t height = 1, width = 1;    // P = height width; a sequence is one row
  std::span<const Filled> input_fills;   // of each input
  std::span<const Filled> output_fills;  // of each output

  // The positions of an output to fill now: `count` of them from `first` on; none if count is 0.
  struct Range {
    std::int64_t first = 0, count = 0;
  };
  Range range(int output) const { return range_of(output_fills[static_cast<std::size_t>(output)]); }

  // Throws Error(not_supported) unless the drawn map is the one that the node was prepared for. The drawn map may, for
  // example, be the rows of an image, which a convolution over pixels cannot follow.
  void expect_map(std::int64_t expected_height, std::int64_t expected_width) const;

  // Rows [N, C] of one position of a map.
  template <class T = float>
  static T* at(const TensorView& map, std::int64_t position) {
    return map.data<T>() + position * map.per_sample();
  }

  Range range_of(Filled fill) const {
    switch (fill) {
      case Filled::whole: return {0, 0};
      case Filled::through: return {time, 1};
      case Filled::before: return {time - 1, time > 0 ? 1 : 0};
      case Filled::rows_before: {
        const bool row_is_full = time > 0 && time % width == 0;
        return {row_is_full ? time - width : 0, row_is_full ? width : 0};
      }
    }
    return {};
  }
};

}  // namespace loom

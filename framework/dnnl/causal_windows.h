// The inputs of a causal convolution, laid out as the rows of a matrix. Each position has one row, which contains the
// neighbours that the window reads, without those that a mask hides, and zeros outside the image.
//
// Images are [height, width, channels] in raster order; a sequence is an image of one row. Immutable, thread safe.
#pragma once

#include <cstdint>
#include <vector>

namespace loom::dnnl {

// Adjacent neighbours: `count` of them from (row, column) on, relative to the position. The first one is entry `kernel`
// of the flattened kernel, and the others are the entries after it.
struct TapRun {
  std::int64_t row = 0, column = 0, count = 1, kernel = 0;
};

class CausalWindows {
 public:
  CausalWindows(std::int64_t height, std::int64_t width, std::int64_t channels, std::vector<TapRun> runs);

  const std::vector<TapRun>& runs() const { return runs_; }
  std::int64_t channels() const { return channels_; }
  std::int64_t run_floats(std::size_t run) const { return runs_[run].count * channels_; }

  // The neighbours of one run for the positions [first, last) of one image. `columns` points to the first position; the
  // next position is `pitch` floats further.
  void gather(std::size_t run, const float* image, std::int64_t first, std::int64_t last, float* columns,
              std::int64_t pitch) const;
  // The transpose: adds to the image.
  void scatter(std::size_t run, const float* columns, std::int64_t pitch, std::int64_t first, std::int64_t last,
               float* image) const;
  // As gather(), but from a map [height width, samples, channels]: `samples` rows per position.
  void gather_map(std::size_t run, const float* map, std::int64_t samples, std::int64_t first, std::int64_t last,
                  float* columns, std::int64_t pitch) const;

 private:
  template <class Body>
  void for_each_segment(std::int64_t first, std::int64_t last, const Body& body) const;

  std::int64_t height_, width_, channels_;
  std::vector<TapRun> runs_;
};

}  // namespace loom::dnnl

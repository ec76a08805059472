// A causal convolution as a product: the rows of windows (dnnl/causal_windows.h) of one or more images, concatenated,
// times their weights. Several convolutions whose results are added are thus one product, and a masked kernel costs
// only as much as its visible entries.
//
// The product is made in chunks of positions that stay in the second-level cache. A node applies the operations
// before and after it (gates, 1x1 convolutions) to the same chunk. Measured with oneDNN 2.6 on 128 to 640 columns:
// 230 to 260 GFLOP/s per core in all three passes; the direct kernels reach that in the forward pass and 30 to 220 in
// the gradients.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dnnl/causal_windows.h"
#include "dnnl/matmul.h"

namespace loom::dnnl {

// A product whose size along the positions is that of a chunk, or of the remaining positions.
class ChunkedMatmul {
 public:
  ChunkedMatmul() = default;
  ChunkedMatmul(std::int64_t positions, std::int64_t chunk, MatmulShape shape, std::int64_t MatmulShape::*along);
  std::size_t scratch_bytes() const;
  std::string implementation() const { return whole_ ? whole_->implementation() : ""; }
  void execute(std::int64_t count, const float* a, const void* b, const float* bias, float* c, void* scratch) const;

 private:
  std::int64_t chunk_ = 0;
  std::unique_ptr<const Matmul> whole_, rest_;
};

// One image and its weight [filters, channels, kernel], whose visible entries the runs name.
struct CausalSource {
  std::int64_t channels = 1, kernel = 1;
  std::vector<TapRun> runs;
};

struct CausalProductShape {
  std::int64_t height = 1, width = 1, filters = 1;
  std::vector<CausalSource> sources;
  bool bias = false, relu = false;  // only the forward pass uses relu
  bool backward = false;
  bool bf16 = false;         // rounds the operands of products (MatmulShape::bf16); not with samples
  std::int64_t samples = 0;  // samples of the maps of advance(); 0: it will not be called
};

// Immutable; every method may run on many threads at once, each with its own scratch of scratch_bytes(), 64-byte
// aligned. Pointers to images are those of one sample, one per source. Positions count in raster order; a range
// [first, last) is one of the ranges of for_each_chunk().
class CausalProduct {
 public:
  explicit CausalProduct(const CausalProductShape& shape);

  std::int64_t height() const { return shape_.height; }
  std::int64_t width() const { return shape_.width; }
  std::int64_t positions() const { return shape_.height * shape_.width; }
  std::int64_t chunk() const { return chunk_; }
  std::int64_t columns() const { return columns_; }  // floats per row
  template <class Body>
  void for_each_chunk(const Body& body) const {
    for (std::int64_t first = 0; first < positions(); first += chunk_)
      body(first, first + chunk_ < positions() ? first + chunk_ : positions());
  }

  std::size_t scratch_bytes() const { return scratch_bytes_; }
  std::string implementation() const { return "windows " + forward_.implementation(); }
  std::size_t packed_bytes() const;
  void pack(const float* const* weights, void* packed) const;

  // y [last - first, filters] = relu(windows weights + bias)
  void forward(const float* const* images, std::int64_t first, std::int64_t last, const void* packed, const float* bias,
               float* y, void* scratch) const;
  // Adds to the gradients of the images; null: not requested.
  void backward_data(const float* diff_y, std::int64_t first, std::int64_t last, const void* packed,
                     float* const* diff_images, void* scratch) const;
  // Adds to `sums`, of sum_count() floats. [first, last) may also be the whole image, with its whole diff_y. This is
  // faster for wide windows: it then processes the weight part by part over all positions.
  std::int64_t sum_count() const { return shape_.filters * columns_; }
  void backward_weights(const float* const* images, const float* diff_y, std::int64_t first, std::int64_t last,
                        float* sums, void* scratch) const;
  // diff_weight [filters, channels, kernel] += its part of the sums.
  void add_weight_gradient(std::size_t source, const float* sums, float* diff_weight) const;

  // y [count samples, filters] for `count` positions, 1 or a whole row; from maps [positions, samples, channels].
  void advance(const float* const* maps, std::int64_t first, std::int64_t count, const void* packed, const float* bias,
               float* y, void* scratch) const;

  double flop() const { return 2.0 * static_cast<double>(positions() * columns_ * shape_.filters); }  // per sample

 private:
  struct Piece {  // a run and its position in a row
    std::size_t source, run;
    std::int64_t at, floats;
  };
  struct Slice {  // pieces whose weights fit into the cache
    std::size_t first, last;
    std::int64_t at, floats;
    ChunkedMatmul product;
  };
  void lay_out();
  void make_products();
  void make_slices();
  const void* by_tap(const void* packed) const;
  const void* by_filter(const void* packed) const;
  void gather(const Slice& slice, const float* const* images, std::int64_t first, std::int64_t last,
              float* columns) const;

  CausalProductShape shape_;
  std::vector<CausalWindows> windows_;
  std::vector<Piece> pieces_;
  std::vector<Slice> slices_;
  std::int64_t columns_ = 0, chunk_ = 1, row_chunk_ = 1;
  std::size_t scratch_bytes_ = 0, inner_at_ = 0;
  ChunkedMatmul forward_, data_, row_;
  std::unique_ptr<const Matmul> position_;
};

}  // namespace loom::dnnl

// Private to framework/dnnl: the windows of an image as the rows of a matrix, and back.
#pragma once

#include <cstdint>

#include "dnnl/convolution_shape.h"

namespace loom::dnnl {

constexpr std::int64_t kMostKernelRows = 64;

// A convolution (groups == 1, kh <= kMostKernelRows) as a product. Each output pixel has one row, whose width()
// floats are its window in the order [kh,kw,c], with zeros outside the image. Immutable, thread safe. Works on one
// sample at a time and on a range [first,last) of its output rows, so the whole matrix is never in memory.
class Columns {
 public:
  explicit Columns(const ConvolutionShape& shape);

  std::int64_t width() const { return width_; }
  std::int64_t row_floats() const { return out_w_ * width_; }  // floats per output row
  // True if the matrix is the image as it lies in memory.
  bool is_identity() const { return identity_; }

  // Floats of scratch for gather() of `rows` output rows at a time.
  std::int64_t gather_floats(std::int64_t rows) const;
  void gather(const float* image, std::int64_t first, std::int64_t last, float* columns, float* scratch) const;

  // The largest number of output rows before `first` that scatter() reads again.
  std::int64_t carry() const { return carry_; }
  std::int64_t scatter_floats() const;
  // The transpose of gather(): image = sum over the windows [+ bias][, relu]. Called for consecutive ranges, it
  // writes the image rows that each range completes. `columns` points at output row `first`; the carry() rows before
  // it must still be in memory.
  void scatter(const float* columns, std::int64_t first, std::int64_t last, const float* bias, bool relu, float* image,
               float* scratch) const;

 private:
  void accumulate(const float* const* sources, std::int64_t count, float* row) const;

  ConvolutionShape shape_;
  std::int64_t out_h_, out_w_, width_, run_, padded_width_, carry_;
  bool identity_, unpadded_;
};

}  // namespace loom::dnnl

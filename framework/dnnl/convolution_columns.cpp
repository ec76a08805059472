// Convolutions as products with the matrix of windows. The matrix is made and used in chunks that stay in the
// second-level cache: some whole samples, or some output rows of one sample.
#include <algorithm>
#include <cstring>
#include <optional>

#include "dnnl/columns.h"
#include "dnnl/convolution_methods.h"
#include "dnnl/detail.h"
#include "dnnl/matmul.h"
#include "dnnl/vector_loops.h"
#include "dnnl/weight_layout.h"

namespace loom::dnnl {

using namespace detail;

namespace {

// 256 KiB: a quarter to a half of the second-level cache of current processors.
constexpr std::int64_t kColumnFloatsInCache = 64 * 1024;

// Cuts n samples of out_h rows: `samples` at a time (then rows == out_h), or one sample and `rows` at a time.
struct Chunks {
  std::int64_t n, out_h, out_w, samples = 1, rows;

  Chunks(const ConvolutionShape& s, const Columns& columns) : n(s.n), out_h(s.out_h()), out_w(s.out_w()), rows(out_h) {
    if (columns.is_identity()) {
      samples = n;
      return;
    }
    const std::int64_t fitting = std::max<std::int64_t>(1, kColumnFloatsInCache / columns.row_floats());
    if (fitting >= out_h) {
      samples = std::min(n, fitting / out_h);
    } else {
      // Equal parts; the last one can be smaller.
      const std::int64_t parts = (out_h + fitting - 1) / fitting;
      rows = (out_h + parts - 1) / parts;
    }
  }
  std::int64_t chunk_rows() const { return samples * rows; }
  std::int64_t chunk_pixels() const { return chunk_rows() * out_w; }
  std::int64_t remainder_pixels() const { return (rows == out_h ? n % samples * out_h : out_h % rows) * out_w; }

  // body(first sample, number of samples, first output row, end of output rows)
  template <class Body>
  void for_each(const Body& body) const {
    for (std::int64_t sample = 0; sample < n; sample += samples) {
      for (std::int64_t row = 0; row < out_h; row += rows) {
        body(sample, std::min(samples, n - sample), row, std::min(row + rows, out_h));
      }
    }
  }
};

// A product whose extent along the pixels is a chunk or the remainder.
class ChunkedMatmul {
 public:
  ChunkedMatmul(const Chunks& chunks, MatmulShape shape, std::int64_t MatmulShape::*pixels)
      : chunk_(chunks.chunk_pixels()) {
    shape.*pixels = chunk_;
    whole_.emplace(shape);
    if (chunks.remainder_pixels() != 0) {
      shape.*pixels = chunks.remainder_pixels();
      remainder_.emplace(shape);
    }
  }
  std::size_t scratch_bytes() const {
    return std::max(whole_->scratch_bytes(), remainder_ ? remainder_->scratch_bytes() : 0);
  }
  void execute(std::int64_t pixels, const float* a, const void* b, const float* bias, float* c, void* scratch) const {
    (pixels == chunk_ ? *whole_ : *remainder_).execute(a, b, bias, c, scratch);
  }
  std::string implementation() const { return "columns " + whole_->implementation(); }

 private:
  std::int64_t chunk_;
  std::optional<Matmul> whole_, remainder_;
};

// The weight [filters,c,kh,kw] as a matrix: [kh,kw,c] by filters, or filters by [kh,kw,c].
WeightLayout weight_matrix(const ConvolutionShape& s, bool filters_last) {
  const std::int64_t unit = filters_last ? s.filters : 1;
  const Dims strides{filters_last ? 1 : s.kh * s.kw * s.c, unit, s.kw * s.c * unit, s.c * unit};
  return WeightLayout(strided({s.filters, s.c, s.kh, s.kw}, strides));
}

class ColumnsForward final : public ForwardKernel {
 public:
  explicit ColumnsForward(const ConvolutionShape& s)
      : shape_(s),
        columns_(s),
        chunks_(s, columns_),
        product_(chunks_,
                 {.n = s.filters,
                  .k = columns_.width(),
                  .bias = s.bias,
                  .activation = s.relu ? Activation::relu : Activation::none},
                 &MatmulShape::m),
        weight_(weight_matrix(s, true)) {
    if (!columns_.is_identity()) {
      staging_at_ = float_bytes(chunks_.chunk_rows() * columns_.row_floats());
      inner_at_ = staging_at_ + float_bytes(columns_.gather_floats(chunks_.rows));
    }
  }
  std::size_t scratch_bytes() const override { return inner_at_ + product_.scratch_bytes(); }
  std::size_t packed_bytes() const override { return weight_.bytes(); }
  void pack(const float* weight, void* packed, void*) const override { weight_.pack(weight, packed); }
  void execute(const void* x, const void* weight, const float* bias, void* y, void* scratch) const override {
    float* matrix = static_cast<float*>(scratch);
    float* staging = static_cast<float*>(offset(scratch, staging_at_));
    const std::int64_t image = shape_.h * shape_.w * shape_.c;
    chunks_.for_each([&](std::int64_t sample, std::int64_t count, std::int64_t first, std::int64_t last) {
      const std::int64_t rows = last - first;
      const float* a = static_cast<const float*>(x) + sample * image;
      if (!columns_.is_identity()) {
        for (std::int64_t i = 0; i < count; ++i) {
          columns_.gather(a + i * image, first, last, matrix + i * rows * columns_.row_floats(), staging);
        }
        a = matrix;
      }
      float* result = static_cast<float*>(y) + (sample * chunks_.out_h + first) * chunks_.out_w * shape_.filters;
      product_.execute(count * rows * chunks_.out_w, a, weight, bias, result, offset(scratch, inner_at_));
    });
  }
  std::string implementation() const override { return product_.implementation(); }

 private:
  ConvolutionShape shape_;
  Columns columns_;
  Chunks chunks_;
  ChunkedMatmul product_;
  WeightLayout weight_;
  std::size_t staging_at_ = 0, inner_at_ = 0;
};

class ColumnsBackwardData final : public ForwardKernel {
 public:
  ColumnsBackwardData(const ConvolutionShape& s, bool relu)
      : shape_(s),
        relu_(relu),
        columns_(s),
        chunks_(s, columns_),
        product_(chunks_,
                 {.n = columns_.width(),
                  .k = s.filters,
                  .bias = columns_.is_identity() && s.bias,
                  .activation = columns_.is_identity() && relu ? Activation::relu : Activation::none},
                 &MatmulShape::m),
        weight_(weight_matrix(s, false)) {
    if (columns_.is_identity()) return;
    // If a sample is computed in parts, the last rows of one part are kept for the next.
    carry_ = chunks_.rows == chunks_.out_h ? 0 : columns_.carry();
    carry_at_ = float_bytes(carry_ * columns_.row_floats());
    staging_at_ = carry_at_ + float_bytes(chunks_.chunk_rows() * columns_.row_floats());
    inner_at_ = staging_at_ + float_bytes(columns_.scatter_floats());
  }
  std::size_t scratch_bytes() const override { return inner_at_ + product_.scratch_bytes(); }
  std::size_t packed_bytes() const override { return weight_.bytes(); }
  void pack(const float* weight, void* packed, void*) const override { weight_.pack(weight, packed); }
  void execute(const void* diff_y, const void* weight, const float* bias, void* diff_x, void* scratch) const override {
    const std::int64_t image = shape_.h * shape_.w * shape_.c, row_floats = columns_.row_floats();
    float* matrix = static_cast<float*>(offset(scratch, carry_at_));
    float* staging = static_cast<float*>(offset(scratch, staging_at_));
    void* inner = offset(scratch, inner_at_);
    chunks_.for_each([&](std::int64_t sample, std::int64_t count, std::int64_t first, std::int64_t last) {
      const std::int64_t rows = last - first, pixels = count * rows * chunks_.out_w;
      const float* a =
          static_cast<const float*>(diff_y) + (sample * chunks_.out_h + first) * chunks_.out_w * shape_.filters;
      float* result = static_cast<float*>(diff_x) + sample * image;
      if (columns_.is_identity()) {
        product_.execute(pixels, a, weight, bias, result, inner);
        return;
      }
      if (first > 0) {
        std::memmove(matrix - carry_ * row_floats, matrix + (chunks_.rows - carry_) * row_floats,
                     static_cast<std::size_t>(carry_ * row_floats) * sizeof(float));
      }
      product_.execute(pixels, a, weight, nullptr, matrix, inner);
      for (std::int64_t i = 0; i < count; ++i) {
        columns_.scatter(matrix + i * rows * row_floats, first, last, shape_.bias ? bias : nullptr, relu_,
                         result + i * image, staging);
      }
    });
  }
  std::string implementation() const override { return product_.implementation(); }

 private:
  ConvolutionShape shape_;
  bool relu_;
  Columns columns_;
  Chunks chunks_;
  ChunkedMatmul product_;
  WeightLayout weight_;
  std::int64_t carry_ = 0;
  std::size_t carry_at_ = 0, staging_at_ = 0, inner_at_ = 0;
};

// The product over the pixels is summed over the chunks in scratch, in the order of the columns, and then
// added to the gradient in the plain order; if the two orders agree, it is summed in place.
class ColumnsBackwardWeights final : public BackwardWeightsKernel {
 public:
  explicit ColumnsBackwardWeights(const ConvolutionShape& s)
      : shape_(s),
        columns_(s),
        chunks_(s, columns_),
        // oneDNN copies the transposed operand, so it should be the narrower one.
        filters_last_(columns_.width() < s.filters && !columns_.is_identity()),
        product_(chunks_,
                 {.m = filters_last_ ? columns_.width() : s.filters,
                  .n = filters_last_ ? s.filters : columns_.width(),
                  .transpose_a = true,
                  .accumulate = true},
                 &MatmulShape::k),
        layout_(weight_matrix(s, filters_last_)) {
    in_place_ = layout_.bytes() == 0;
    if (!columns_.is_identity()) {
      staging_at_ = float_bytes(chunks_.chunk_rows() * columns_.row_floats());
      sum_at_ = staging_at_ + float_bytes(columns_.gather_floats(chunks_.rows));
    }
    inner_at_ = sum_at_ + (in_place_ ? 0 : float_bytes(s.weight_count()));
  }
  std::size_t scratch_bytes() const override { return inner_at_ + product_.scratch_bytes(); }
  void execute(const void* x, const void* diff_y, float* diff_weight, float* diff_bias, void* scratch) const override {
    float* matrix = static_cast<float*>(scratch);
    float* staging = static_cast<float*>(offset(scratch, staging_at_));
    float* sum = in_place_ ? diff_weight : static_cast<float*>(offset(scratch, sum_at_));
    if (!in_place_) std::fill_n(sum, shape_.weight_count(), 0.0F);
    const std::int64_t image = shape_.h * shape_.w * shape_.c;
    chunks_.for_each([&](std::int64_t sample, std::int64_t count, std::int64_t first, std::int64_t last) {
      const std::int64_t rows = last - first, pixels = count * rows * chunks_.out_w;
      const float* windows = static_cast<const float*>(x) + sample * image;
      if (!columns_.is_identity()) {
        for (std::int64_t i = 0; i < count; ++i) {
          columns_.gather(windows + i * image, first, last, matrix + i * rows * columns_.row_floats(), staging);
        }
        windows = matrix;
      }
      const float* gradient =
          static_cast<const float*>(diff_y) + (sample * chunks_.out_h + first) * chunks_.out_w * shape_.filters;
      product_.execute(pixels, filters_last_ ? windows : gradient, filters_last_ ? gradient : windows, nullptr, sum,
                       offset(scratch, inner_at_));
      if (shape_.bias && diff_bias != nullptr) add_column_sums(gradient, pixels, shape_.filters, diff_bias);
    });
    if (!in_place_) layout_.add_to_plain(sum, diff_weight);
  }
  std::string implementation() const override { return product_.implementation(); }

 private:
  ConvolutionShape shape_;
  Columns columns_;
  Chunks chunks_;
  bool filters_last_;
  ChunkedMatmul product_;
  WeightLayout layout_;
  bool in_place_ = false;
  std::size_t staging_at_ = 0, sum_at_ = 0, inner_at_ = 0;
};

}  // namespace

std::unique_ptr<const ForwardKernel> make_columns_forward(const ConvolutionShape& shape) {
  return std::make_unique<ColumnsForward>(shape);
}

std::unique_ptr<const ForwardKernel> make_columns_backward_data(const ConvolutionShape& shape, bool relu) {
  return std::make_unique<ColumnsBackwardData>(shape, relu);
}

std::unique_ptr<const BackwardWeightsKernel> make_columns_backward_weights(const ConvolutionShape& shape) {
  return std::make_unique<ColumnsBackwardWeights>(shape);
}

}  // namespace loom::dnnl

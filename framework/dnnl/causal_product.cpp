#include "dnnl/causal_product.h"

#include <algorithm>

#include "dnnl/bf16.h"
#include "dnnl/detail.h"
#include "dnnl/vector_loops.h"

namespace loom::dnnl {

namespace {

constexpr std::int64_t kWindowFloatsInCache =
    96 * 1024;  // size of the windows: 384 KiB of a second-level cache of 1 MiB
constexpr std::int64_t kWeightsInCache = 192 * 1024;
constexpr std::int64_t kLargestChunk = 256, kSmallestChunk = 32;

std::int64_t chunk_of(std::int64_t positions, std::int64_t columns) {
  const std::int64_t fitting = kWindowFloatsInCache / columns / 16 * 16;
  return std::min(positions, std::clamp(fitting, kSmallestChunk, kLargestChunk));
}

}  // namespace

ChunkedMatmul::ChunkedMatmul(std::int64_t positions, std::int64_t chunk, MatmulShape shape,
                             std::int64_t MatmulShape::*along)
    : chunk_(chunk) {
  shape.*along = chunk;
  whole_ = std::make_unique<Matmul>(shape);
  if (positions % chunk == 0) return;
  shape.*along = positions % chunk;
  rest_ = std::make_unique<Matmul>(shape);
}

std::size_t ChunkedMatmul::scratch_bytes() const {
  return std::max(whole_ ? whole_->scratch_bytes() : 0, rest_ ? rest_->scratch_bytes() : 0);
}

void ChunkedMatmul::execute(std::int64_t count, const float* a, const void* b, const float* bias, float* c,
                            void* scratch) const {
  (count == chunk_ ? *whole_ : *rest_).execute(a, b, bias, c, scratch);
}

CausalProduct::CausalProduct(const CausalProductShape& shape) : shape_(shape) {
  lay_out();
  detail::require(columns_ > 0, "causal product: no position is visible");
  chunk_ = chunk_of(positions(), columns_);
  make_products();
  if (shape.backward) make_slices();
  const std::int64_t rows = std::max(chunk_, shape.samples * row_chunk_);
  inner_at_ = detail::float_bytes(rows * columns_);
  std::size_t inner = std::max({forward_.scratch_bytes(), data_.scratch_bytes(), row_.scratch_bytes()});
  if (position_) inner = std::max(inner, position_->scratch_bytes());
  for (const Slice& slice : slices_) inner = std::max(inner, slice.product.scratch_bytes());
  scratch_bytes_ = inner_at_ + detail::aligned(inner);
}

void CausalProduct::lay_out() {
  for (std::size_t s = 0; s < shape_.sources.size(); ++s) {
    const CausalSource& source = shape_.sources[s];
    windows_.emplace_back(shape_.height, shape_.width, source.channels, source.runs);
    for (std::size_t run = 0; run < source.runs.size(); ++run) {
      const std::int64_t floats = windows_.back().run_floats(run);
      pieces_.push_back({s, run, columns_, floats});
      columns_ += floats;
    }
  }
}

void CausalProduct::make_products() {
  MatmulShape forward{.n = shape_.filters, .k = columns_, .bias = shape_.bias};
  if (shape_.relu) forward.activation = Activation::relu;
  if (shape_.samples > 0) {
    forward.m = shape_.samples;
    position_ = std::make_unique<Matmul>(forward);
    if (shape_.height > 1) {  // several rows of a map at a time
      row_chunk_ = std::clamp<std::int64_t>(64 / shape_.samples, 1, shape_.width);
      row_ = ChunkedMatmul(shape_.samples * shape_.width, shape_.samples * row_chunk_, forward, &MatmulShape::m);
    }
    return;
  }
  MatmulShape data{.n = columns_, .k = shape_.filters};
  if (shape_.bf16) {  // both multiply the one packed weight, [filters, columns]
    forward.transpose_b = true;
    for (MatmulShape* product : {&forward, &data}) product->pack_b = product->bf16 = true;
  }
  forward_ = ChunkedMatmul(positions(), chunk_, forward, &MatmulShape::m);
  if (shape_.backward) data_ = ChunkedMatmul(positions(), chunk_, data, &MatmulShape::m);
}

void CausalProduct::make_slices() {
  for (std::size_t first = 0; first < pieces_.size();) {
    std::size_t last = first;
    std::int64_t floats = 0;
    while (last < pieces_.size() &&
           (last == first || (floats + pieces_[last].floats) * shape_.filters <= kWeightsInCache))
      floats += pieces_[last++].floats;
    Slice& slice = slices_.emplace_back(Slice{first, last, pieces_[first].at, floats, {}});
    slice.product = ChunkedMatmul(positions(), chunk_,
                                  {.m = shape_.filters,
                                   .n = floats,
                                   .transpose_a = true,
                                   .accumulate = true,
                                   .bf16 = shape_.bf16,
                                   .ldc = columns_},
                                  &MatmulShape::k);
    first = last;
  }
}

// Two copies of the weights: [filters, columns], which the gradient of the images multiplies, and its transpose; in bf16 the
// same rounded, which the forward pass multiplies too.
std::size_t CausalProduct::packed_bytes() const { return 2 * detail::float_bytes(sum_count()); }

const void* CausalProduct::by_tap(const void* packed) const {
  return static_cast<const std::byte*>(packed) + detail::float_bytes(sum_count());
}

const void* CausalProduct::by_filter(const void* packed) const { return shape_.bf16 ? by_tap(packed) : packed; }

void CausalProduct::pack(const float* const* weights, void* packed) const {
  auto* by_filter = static_cast<float*>(packed);
  for (const Piece& piece : pieces_) {
    const CausalSource& source = shape_.sources[piece.source];
    const TapRun& run = source.runs[piece.run];
    for (std::int64_t filter = 0; filter < shape_.filters; ++filter) {
      const float* from = weights[piece.source] + filter * source.channels * source.kernel + run.kernel;
      float* to = by_filter + filter * columns_ + piece.at;
      for (std::int64_t tap = 0; tap < run.count; ++tap, to += source.channels) {
        for (std::int64_t c = 0; c < source.channels; ++c) to[c] = from[c * source.kernel + tap];
      }
    }
  }
  void* second = static_cast<std::byte*>(packed) + detail::float_bytes(sum_count());
  if (shape_.bf16) return math::to_bf16(by_filter, static_cast<Bf16*>(second), sum_count());
  transpose(by_filter, shape_.filters, columns_, static_cast<float*>(second));
}

void CausalProduct::gather(const Slice& slice, const float* const* images, std::int64_t first, std::int64_t last,
                           float* columns) const {
  for (std::size_t i = slice.first; i < slice.last; ++i) {
    const Piece& piece = pieces_[i];
    windows_[piece.source].gather(piece.run, images[piece.source], first, last, columns + piece.at - slice.at,
                                  slice.floats);
  }
}

void CausalProduct::forward(const float* const* images, std::int64_t first, std::int64_t last, const void* packed,
                            const float* bias, float* y, void* scratch) const {
  auto* columns = static_cast<float*>(scratch);
  gather({0, pieces_.size(), 0, columns_, {}}, images, first, last, columns);
  forward_.execute(last - first, columns, by_tap(packed), bias, y, detail::offset(scratch, inner_at_));
}

void CausalProduct::backward_data(const float* diff_y, std::int64_t first, std::int64_t last, const void* packed,
                                  float* const* diff_images, void* scratch) const {
  auto* columns = static_cast<float*>(scratch);
  data_.execute(last - first, diff_y, by_filter(packed), nullptr, columns, detail::offset(scratch, inner_at_));
  for (const Piece& piece : pieces_) {
    if (diff_images[piece.source] == nullptr) continue;
    windows_[piece.source].scatter(piece.run, columns + piece.at, columns_, first, last, diff_images[piece.source]);
  }
}

void CausalProduct::backward_weights(const float* const* images, const float* diff_y, std::int64_t first,
                                     std::int64_t last, float* sums, void* scratch) const {
  auto* columns = static_cast<float*>(scratch);
  for (const Slice& slice : slices_) {
    for (std::int64_t begin = first; begin < last; begin += chunk_) {
      const std::int64_t end = std::min(last, begin + chunk_);
      gather(slice, images, begin, end, columns);
      slice.product.execute(end - begin, diff_y + (begin - first) * shape_.filters, columns, nullptr, sums + slice.at,
                            detail::offset(scratch, inner_at_));
    }
  }
}

void CausalProduct::add_weight_gradient(std::size_t source, const float* sums, float* diff_weight) const {
  const CausalSource& s = shape_.sources[source];
  for (const Piece& piece : pieces_) {
    if (piece.source != source) continue;
    const TapRun& run = s.runs[piece.run];
    for (std::int64_t filter = 0; filter < shape_.filters; ++filter) {
      const float* from = sums + filter * columns_ + piece.at;
      float* to = diff_weight + filter * s.channels * s.kernel + run.kernel;
      for (std::int64_t tap = 0; tap < run.count; ++tap, from += s.channels) {
        for (std::int64_t c = 0; c < s.channels; ++c) to[c * s.kernel + tap] += from[c];
      }
    }
  }
}

void CausalProduct::advance(const float* const* maps, std::int64_t first, std::int64_t count, const void* packed,
                            const float* bias, float* y, void* scratch) const {
  auto* columns = static_cast<float*>(scratch);
  void* inner = detail::offset(scratch, inner_at_);
  const std::int64_t step = count == 1 ? 1 : row_chunk_;
  for (std::int64_t begin = first; begin < first + count; begin += step) {
    const std::int64_t end = std::min(first + count, begin + step);
    for (const Piece& piece : pieces_) {
      windows_[piece.source].gather_map(piece.run, maps[piece.source], shape_.samples, begin, end, columns + piece.at,
                                        columns_);
    }
    float* rows = y + (begin - first) * shape_.samples * shape_.filters;
    if (count == 1)
      position_->execute(columns, by_tap(packed), bias, rows, inner);
    else
      row_.execute((end - begin) * shape_.samples, columns, by_tap(packed), bias, rows, inner);
  }
}

}  // namespace loom::dnnl

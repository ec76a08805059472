// The nearest of K vectors to each of many: argmin |x - e|^2 = argmax x . e - |e|^2 / 2, as a product of a block of
// vectors with the codebook whose rows are searched while they are in cache; distances are never stored as a whole.
//
// A block always has the same number of rows (the last is filled up with zeros), so that a vector's code does not
// depend on how a batch is cut into shards. Ties go to the lowest code; a vector that is not a number gets code 0.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "dnnl/matmul.h"
#include "loom/math.h"
#include "memory.h"
#include "quantizer/unit_vector.h"

namespace loom::nodes {

class NearestCode {
 public:
  static constexpr std::int64_t kBlock = 64;

  // `unit`: codes are compared, and given out, l2-normalised.
  void prepare(std::int64_t codes, std::int64_t dim, bool unit) {
    codes_ = codes;
    dim_ = dim;
    unit_ = unit;
    product_ = std::make_unique<dnnl::Matmul>(
        dnnl::MatmulShape{.m = kBlock, .n = codes, .k = dim, .transpose_b = true, .bias = true, .pack_b = true});
  }

  // Scratch: the product's, the scores of a block, a block of vectors.
  std::size_t scratch_bytes() const { return rows_at() + float_bytes(kBlock * dim_); }
  // Packed: the product's form of the codebook, -|e|^2 / 2, and with `unit` the unit vectors and reciprocal lengths.
  std::size_t packed_bytes() const {
    return unit_at() + (unit_ ? float_bytes(codes_ * dim_) + float_bytes(codes_) : 0);
  }

  void pack(const float* codebook, std::byte* packed) const {
    const float* vectors = codebook;
    if (unit_) {
      auto* units = reinterpret_cast<float*>(packed + unit_at());
      float* reciprocals = units + float_bytes(codes_ * dim_) / sizeof(float);
      for (std::int64_t k = 0; k < codes_; ++k) reciprocals[k] = normalise(codebook + k * dim_, units + k * dim_, dim_);
      vectors = units;
    }
    product_->pack(vectors, packed, nullptr);
    auto* halves = reinterpret_cast<float*>(packed + halves_at());
    for (std::int64_t k = 0; k < codes_; ++k)
      halves[k] = static_cast<float>(-0.5 * math::sum_of_squares(vectors + k * dim_, dim_));
  }

  // The vectors that a code stands for: those of the codebook, or their unit vectors.
  const float* vectors(const float* codebook, const std::byte* packed) const {
    return unit_ ? reinterpret_cast<const float*>(packed + unit_at()) : codebook;
  }
  // With `unit`: 1 / |e| of each code.
  const float* reciprocals(const std::byte* packed) const {
    return reinterpret_cast<const float*>(packed + unit_at() + float_bytes(codes_ * dim_));
  }

  // `rows` <= kBlock vectors as they are compared: in place, or in scratch where they have to be changed.
  const float* block(const float* x, std::int64_t rows, std::byte* scratch) const {
    if (!unit_ && rows == kBlock) return x;
    auto* copy = reinterpret_cast<float*>(scratch + rows_at());
    for (std::int64_t i = 0; unit_ && i < rows; ++i) normalise(x + i * dim_, copy + i * dim_, dim_);
    if (!unit_) std::copy_n(x, rows * dim_, copy);
    std::fill(copy + rows * dim_, copy + kBlock * dim_, 0.0F);
    return copy;
  }

  // Codes of the first `rows` vectors of a block.
  void find(const float* block, std::int64_t rows, const std::byte* packed, std::byte* scratch,
            std::int32_t* codes) const {
    auto* scores = reinterpret_cast<float*>(scratch + scores_at());
    product_->execute(block, packed, reinterpret_cast<const float*>(packed + halves_at()), scores, scratch);
    for (std::int64_t i = 0; i < rows; ++i)
      codes[i] = static_cast<std::int32_t>(math::index_of_maximum(scores + i * codes_, codes_));
  }

 private:
  std::size_t scores_at() const { return aligned_bytes(product_->scratch_bytes()); }
  std::size_t rows_at() const { return scores_at() + float_bytes(kBlock * codes_); }
  std::size_t halves_at() const { return aligned_bytes(product_->packed_bytes()); }
  std::size_t unit_at() const { return halves_at() + float_bytes(codes_); }

  std::int64_t codes_ = 0, dim_ = 0;
  bool unit_ = false;
  std::unique_ptr<const dnnl::Matmul> product_;
};

}  // namespace loom::nodes

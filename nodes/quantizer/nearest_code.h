// The nearest of K vectors to each of many: argmin |x - e|^2 = argmax x . e - |e|^2 / 2, as a product of a block of
// vectors with the codebook whose rows are searched while they are in cache; distances are never stored as a whole. Of very many
// codes, where the processor multiplies bf16, a shortlist is searched (code_shortlist.h).
//
// A block always has the same number of rows (the last is filled up with zeros), so that a vector's code does not
// depend on how a batch is cut into shards. Ties go to the lowest code; a vector that is not finite has none.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>

#include "dnnl/matmul.h"
#include "loom/math.h"
#include "loom/node.h"
#include "quantizer/code_shortlist.h"
#include "quantizer/unit_vector.h"

namespace loom::nodes {

class NearestCode {
 public:
  static constexpr std::int64_t kBlock = 64;

  // `unit`: codes are compared, and given out, l2-normalised.
  void prepare(const Prepare& p, std::int64_t codes, std::int64_t dim, bool unit) {
    codes_ = codes;
    dim_ = dim;
    unit_ = unit;
    rows_ = p.scratch<float>(kBlock * dim_);
    if (CodeShortlist::pays(codes))
      shortlist_.prepare(p, codes, dim, kBlock);
    else
      make_product(p);
    if (!unit_) return;
    units_ = p.packed<float>(codes_ * dim_);
    reciprocals_ = p.packed<float>(codes_);
  }

  void pack(const Pack& p, const float* codebook) const {
    const float* vectors = codebook;
    if (unit_) {
      float *units = units_(p).data(), *reciprocals = reciprocals_(p).data();
      for (std::int64_t k = 0; k < codes_; ++k) reciprocals[k] = normalise(codebook + k * dim_, units + k * dim_, dim_);
      vectors = units;
    }
    if (shortlist_.used()) return shortlist_.pack(p, vectors);
    product_->pack(vectors, packed_(p).data(), nullptr);
    float* halves = halves_(p).data();
    for (std::int64_t k = 0; k < codes_; ++k)
      halves[k] = static_cast<float>(-0.5 * math::sum_of_squares(vectors + k * dim_, dim_));
  }

  // The vectors that a code stands for: those of the codebook, or their unit vectors.
  const float* vectors(const Call& call, const float* codebook) const { return unit_ ? units_(call).data() : codebook; }
  // With `unit`: 1 / |e| of each code.
  std::span<const float> reciprocals(const Call& call) const { return reciprocals_(call); }

  // `rows` <= kBlock vectors as they are compared: in place, or in scratch where they have to be changed.
  const float* block(const Call& call, const float* x, std::int64_t rows) const {
    if (!unit_ && rows == kBlock) return x;
    float* copy = rows_(call).data();
    for (std::int64_t i = 0; unit_ && i < rows; ++i) normalise(x + i * dim_, copy + i * dim_, dim_);
    if (!unit_) std::copy_n(x, rows * dim_, copy);
    std::fill(copy + rows * dim_, copy + kBlock * dim_, 0.0F);
    return copy;
  }

  // Codes of the first `rows` vectors of a block; -1 of one that is not finite. `vectors` are those of vectors().
  void find(const Call& call, const float* vectors, const float* block, std::int64_t rows, std::int32_t* codes) const {
    if (shortlist_.used()) return shortlist_.find(call, vectors, block, rows, codes);
    float* scores = scores_(call).data();
    product_->execute(block, packed_(call).data(), halves_(call).data(), scores, work_(call).data());
    for (std::int64_t i = 0; i < rows; ++i) {
      const std::int64_t best = math::index_of_maximum(scores + i * codes_, codes_);
      codes[i] = std::isfinite(scores[i * codes_ + best]) ? static_cast<std::int32_t>(best) : -1;
    }
  }

  // Of kBlock vectors; free except between block() and find().
  const Slot<float>& rows() const { return rows_; }

 private:
  void make_product(const Prepare& p) {
    product_ = std::make_unique<dnnl::Matmul>(
        dnnl::MatmulShape{.m = kBlock, .n = codes_, .k = dim_, .transpose_b = true, .bias = true, .pack_b = true});
    work_ = p.scratch<std::byte>(product_->scratch_bytes());
    scores_ = p.scratch<float>(kBlock * codes_);
    packed_ = p.packed<std::byte>(product_->packed_bytes());
    halves_ = p.packed<float>(codes_);
  }

  std::int64_t codes_ = 0, dim_ = 0;
  bool unit_ = false;
  CodeShortlist shortlist_;
  std::unique_ptr<const dnnl::Matmul> product_;
  Slot<std::byte> work_;
  Slot<float> scores_, rows_;  // of a block
  PackedSlot<std::byte> packed_;
  PackedSlot<float> halves_;               // -|e|^2 / 2
  PackedSlot<float> units_, reciprocals_;  // with `unit`: e / |e| and 1 / |e|
};

}  // namespace loom::nodes

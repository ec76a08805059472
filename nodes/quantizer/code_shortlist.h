// The nearest of very many vectors: a product in bf16 leaves a few that may be the nearest, and these are compared exactly.
//
// With the mean c of the codebook, x' = x - c and e' = e - c,
//   |x - e|^2 = |x'|^2 - 2 s,   s = x' . e' - |e'|^2 / 2
// and bf16, with a unit roundoff of u = 2^-8, gives x' . e' within (2 u + u^2) |x'| |e'| by the inequality of Cauchy and Schwarz;
// sums in f32 add d 2^-23 |x'| |e'| for d channels, and 2^-22 |e'|^2 for the half square. Every code whose upper
// bound reaches the best lower bound is compared by |x - e|^2 in f32: the code is the lowest of the nearest, as of a whole search.
// Thread safety: as that of its node.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "dnnl/cpu.h"
#include "dnnl/matmul.h"
#include "loom/math.h"
#include "loom/node.h"
#include "math/shortlist.h"

namespace loom::nodes {

class CodeShortlist {
 public:
  static constexpr std::int64_t kFewest = 4096;  // codes; with fewer, the product in f32 is as fast
  static bool pays(std::int64_t codes) { return codes >= kFewest && dnnl::has_bf16(); }

  bool used() const { return codes_ > 0; }

  void prepare(const Prepare& p, std::int64_t codes, std::int64_t dim, std::int64_t block) {
    codes_ = codes, dim_ = dim, block_ = block;
    parts_.clear();
    constexpr double kRoundoff = 0x1.0p-8, kSingle = 0x1.0p-23;
    relative_ = 2 * kRoundoff + kRoundoff * kRoundoff + static_cast<double>(dim + 4) * kSingle;
    std::size_t work = 0, packed = 0;
    for (std::int64_t first = 0; first < codes; first += kPart) {
      Part& part = parts_.emplace_back(Part{first, std::min(kPart, codes - first), packed, nullptr});
      part.product = std::make_unique<dnnl::Matmul>(dnnl::MatmulShape{
          .m = block, .n = part.codes, .k = dim, .transpose_b = true, .bias = true, .pack_b = true, .bf16 = true});
      packed += (part.product->packed_bytes() + 63) / 64 * 64;
      work = std::max(work, part.product->scratch_bytes());
    }
    work_ = p.scratch<std::byte>(work);
    scores_ = p.scratch<float>(block * kPart);
    centred_ = p.scratch<float>(std::max(block, kPart) * dim);
    rows_ = p.scratch<Row>(block);
    list_ = p.scratch<std::int32_t>(kPart);
    sums_ = p.scratch<double>(dim);
    packed_ = p.packed<std::byte>(packed);
    centre_ = p.packed<float>(dim);
    sizes_ = p.packed<float>(codes);
    halves_ = p.packed<float>(codes);
  }

  void pack(const Pack& p, const float* vectors) const {
    const float* centre = centre_(p).data();
    mean_of(vectors, sums_(p), centre_(p).data());
    float* centred = centred_(p).data();
    for (const Part& part : parts_) {
      for (std::int64_t k = 0; k < part.codes; ++k) {
        float* code = centred + k * dim_;
        subtract(vectors + (part.first + k) * dim_, centre, code);
        const double square = math::sum_of_squares(code, dim_);
        const auto at = static_cast<std::size_t>(part.first + k);
        sizes_(p)[at] = static_cast<float>(std::sqrt(square) * kAbove);
        halves_(p)[at] = static_cast<float>(-0.5 * square);
      }
      part.product->pack(centred, packed_(p).data() + part.packed_at, work_(p).data());
    }
  }

  // Codes of the first `rows` vectors of a block; -1 of one that is not finite. `vectors` are those of pack().
  void find(const Call& call, const float* vectors, const float* block, std::int64_t rows, std::int32_t* codes) const {
    float *centred = centred_(call).data(), *scores = scores_(call).data();
    const std::span<Row> found = rows_(call);
    for (std::int64_t i = 0; i < block_; ++i) {
      subtract(block + i * dim_, centre_(call).data(), centred + i * dim_);
      found[static_cast<std::size_t>(i)] = {.size = std::sqrt(math::sum_of_squares(centred + i * dim_, dim_))};
    }
    for (const Part& part : parts_) {
      part.product->execute(centred, packed_(call).data() + part.packed_at, halves_(call).data() + part.first, scores,
                            work_(call).data());
      for (std::int64_t i = 0; i < rows; ++i)
        search(call, part, vectors, block + i * dim_, scores + i * part.codes, found[static_cast<std::size_t>(i)]);
    }
    for (std::int64_t i = 0; i < rows; ++i) {
      const Row& row = found[static_cast<std::size_t>(i)];
      codes[i] = std::isfinite(row.size) ? row.code : -1;
    }
  }

 private:
  static constexpr std::int64_t kPart = 1024;      // codes whose scores stay in the second-level cache
  static constexpr double kAbove = 1 + 0x1.0p-20;  // what is rounded to f32 is not less

  struct Part {
    std::int64_t first, codes;
    std::size_t packed_at;
    std::unique_ptr<const dnnl::Matmul> product;
  };
  struct Row {
    double size = 0;                                        // |x'|
    float least = -std::numeric_limits<float>::infinity();  // that the best score is at least
    std::int32_t code = -1;
    double distance = std::numeric_limits<double>::infinity();
  };

  // Where a channel has none: 0, which is a centre as well.
  void mean_of(const float* vectors, std::span<double> sums, float* mean) const {
    std::ranges::fill(sums, 0.0);
    for (std::int64_t k = 0; k < codes_; ++k)
      for (double& sum : sums) sum += static_cast<double>(*vectors++);
    for (const double sum : sums) {
      const double value = sum / static_cast<double>(codes_);
      *mean++ = std::isfinite(value) ? static_cast<float>(value) : 0;
    }
  }
  void subtract(const float* x, const float* centre, float* y) const {
    for (std::int64_t i = 0; i < dim_; ++i) y[i] = x[i] - centre[i];
  }

  // Compares those codes of a part that may be nearer than all before.
  void search(const Call& call, const Part& part, const float* vectors, const float* x, const float* scores,
              Row& row) const {
    const math::ScoreBound bound{static_cast<float>(relative_ * row.size * kAbove), 0x1.0p-22F};
    const float* sizes = sizes_(call).data() + part.first;
    std::int32_t* list = list_(call).data();
    // bf16 below its smallest normal number may count as zero.
    const float tiny = static_cast<float>(dim_) * 0x1.0p-120F;
    row.least = std::max(row.least, math::least_maximum(scores, sizes, bound, part.codes) - tiny);
    const std::int64_t count = math::list_at_least(scores, sizes, bound, row.least, part.codes, list);
    for (std::int64_t c = 0; c < count; ++c) {
      const std::int64_t code = part.first + list[c];
      const double distance = math::squared_distance(x, vectors + code * dim_, dim_);
      if (distance < row.distance) row.distance = distance, row.code = static_cast<std::int32_t>(code);
    }
  }

  std::int64_t codes_ = 0, dim_ = 0, block_ = 0;
  double relative_ = 0;
  std::vector<Part> parts_;
  Slot<std::byte> work_;
  Slot<float> scores_, centred_;  // of a block and a part; while packing, of a part
  Slot<Row> rows_;
  Slot<std::int32_t> list_;
  Slot<double> sums_;
  PackedSlot<std::byte> packed_;
  PackedSlot<float> centre_, sizes_, halves_;  // c, |e'| and -|e'|^2 / 2
};

}  // namespace loom::nodes

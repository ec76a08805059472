// Scaled dot-product attention of one head, tile by tile: at most one tile of the scores is in memory.
//
//   weights[t, s] = e^(q_t . k_s / sqrt(d) - L_t),  L_t = ln sum_s e^(q_t . k_s / sqrt(d))
//   y_t = sum_s weights[t, s] v_s
//
// Forward keeps, for each query of a tile, the maximum and the sum of the scores of the key tiles so far, and corrects
// the output where the maximum grows (Rabe and Staats 2021, Self-attention Does Not Need O(n^2) Memory; Dao et al.
// 2022, FlashAttention, algorithm 1). Backward computes each tile again from L (algorithm 4):
//   diff_v = weights^T diff_y,  D = weights (diff_y v^T - diff_y . y) / sqrt(d),  diff_q = D k,  diff_k = D^T q
// Tiles that a causal mask hides are left out. Terms of each score (a given mask, a learned bias) are looked up tile by tile.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "dnnl/matmul.h"
#include "loom/node.h"

namespace loom::nodes {

struct AttentionShape {
  std::int64_t queries = 1, keys = 1;             // positions
  std::int64_t channels = 1, value_channels = 1;  // of all heads: the distance between two positions in memory
  std::int64_t heads = 1;
  bool causal = false;             // position t sees the keys up to t
  bool strict = false;             // up to t - 1
  std::vector<std::int64_t> ends;  // what each query sees instead, where its place in a block says so: grows with t
  std::int64_t distance = 0;       // of a bias: rows beyond it are those of this distance

  std::int64_t dim() const { return channels / heads; }
  std::int64_t value_dim() const { return value_channels / heads; }
  float factor() const;  // 1 / sqrt(dim)
  // How many keys, from the first on, query t sees.
  std::int64_t seen(std::int64_t t) const {
    if (!ends.empty()) return ends[static_cast<std::size_t>(t)];
    return causal ? t + (strict ? 0 : 1) : keys;
  }
  // The place in a table of biases, of which place 0 is the key `distance` positions before the query.
  std::int64_t bias_at(std::int64_t query, std::int64_t key) const {
    return std::clamp(key - query, -distance, causal ? 0 : distance) + distance;
  }
};

// What is known of each score beside the product, of one sample and head. Null where there is nothing.
struct ScoreTerms {
  const float* mask = nullptr;  // of the first query: 0 hides a key
  std::int64_t mask_row = 0;    // to the mask of the next query; 0: one for all queries
  const float* bias = nullptr;  // a table (AttentionShape::bias_at), added to the score
  float* diff_bias = nullptr;   // its gradient, added to
};

// Immutable; the calls may come from many threads. All pointers are at the head's first channel.
class AttentionTiles {
 public:
  AttentionTiles(const AttentionShape& shape, const Prepare& p);  // takes its scratch from the node's
  ~AttentionTiles();

  // Writes y, and L of each query to log_sums unless that is null. A query that sees no key gives zeros.
  void forward(const Call& call, const ScoreTerms& terms, const float* query, const float* key, const float* value,
               float* y, float* log_sums) const;

  struct Gradients {  // added to; null where not wanted
    float *query, *key, *value;
  };
  void backward(const Call& call, const ScoreTerms& terms, const float* query, const float* key, const float* value,
                const float* y, const float* diff_y, const float* log_sums, const Gradients& diff) const;

 private:
  struct Products;  // of one size of tiles
  struct Tile;

  // Null where there are none of the tile's size.
  static const Products* find(const std::vector<std::unique_ptr<const Products>>& products, const Tile& tile);
  Tile tile(std::int64_t query, std::int64_t key, std::int64_t most) const;  // of `most` keys or fewer
  std::int64_t queries_from(std::int64_t query) const;                       // of the tile that starts there
  std::int64_t seen_by(std::int64_t query) const;
  std::int64_t row_of(std::int64_t most) const;
  void start(std::int64_t count, float* y, float* maxima, float* sums) const;
  void softmax_rows(const Tile& tile, const ScoreTerms& terms, float* scores, float* maxima, float* sums,
                    float* y) const;
  std::int64_t seen_in(const Tile& tile, std::int64_t row) const;
  void add_bias(const Tile& tile, const ScoreTerms& terms, std::int64_t row, std::int64_t seen, float* scores) const;
  void finish(std::int64_t count, float* y, const float* maxima, const float* sums, float* log_sums) const;
  void gradient_rows(const Tile& tile, const ScoreTerms& terms, const float* log_sums, const float* means,
                     float* scores, float* diff) const;

  AttentionShape shape_;
  std::int64_t forward_row_, backward_row_;                          // from one row of scores to the next
  std::vector<std::unique_ptr<const Products>> forward_, backward_;  // one for each size of tiles
  Slot<float> scores_, diff_scores_;                                 // a tile
  Slot<float> rows_, sums_;  // a value of each query of a tile: maxima, or in backward means; sums
  Slot<std::byte> work_;     // of one product at a time
};

}  // namespace loom::nodes

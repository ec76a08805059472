#include "nn/attention_tiles.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "loom/math.h"
#include "math/attention.h"

namespace loom::nodes {

using dnnl::Matmul;
using dnnl::MatmulShape;

namespace {

// Queries and keys of a tile. Measured, one thread of an Intel Xeon with 2 MiB of second-level cache, 1,024 positions and
// heads of 64 channels: forward takes 84 ms with tiles of 128 keys, 75 with 256, 72 with 512 and 63 with 1,024, backward
// 178, 168, 167 and 151; 64 queries are slower. The longer a product's sum, the less often its result is loaded and stored.
// A tile of scores is 512 KiB at most forward, and so are the two of backward together: they fit in 1 MiB.
constexpr std::int64_t kQueries = 128, kForwardKeys = 1024, kBackwardKeys = 512;
// The last tile of keys ends where no query of its tile sees more, rounded up to this many.
constexpr std::int64_t kKeyStep = 128;

// Sets the scores of hidden keys; whether any key is left.
bool hide(const float* mask, std::int64_t n, float value, float* scores) {
  bool any = false;
  for (std::int64_t s = 0; s < n; ++s) {
    if (mask[s] == 0) scores[s] = value;
    any = any || mask[s] != 0;
  }
  return any;
}

// Of a row of a tile; null where there is no mask.
const float* mask_at(const ScoreTerms& terms, std::int64_t query, std::int64_t key) {
  return terms.mask == nullptr ? nullptr : terms.mask + query * terms.mask_row + key;
}

}  // namespace

float AttentionShape::factor() const { return 1 / std::sqrt(static_cast<float>(dim())); }

struct AttentionTiles::Tile {
  std::int64_t query, queries, key, keys;  // first and count
};

// The products of tiles of m queries and n keys, forward or backward. Scores are in rows of `row`.
struct AttentionTiles::Products {
  Products(const AttentionShape& s, std::int64_t m, std::int64_t n, std::int64_t row, bool backward)
      : queries(m),
        keys(n),
        scores({.m = m, .n = n, .k = s.dim(), .transpose_b = true, .lda = s.channels, .ldb = s.channels, .ldc = row}) {
    const auto make = [](const MatmulShape& shape) { return std::make_unique<const Matmul>(shape); };
    const std::int64_t c = s.channels, v = s.value_channels;
    if (!backward) {
      values = make({.m = m, .n = s.value_dim(), .k = n, .accumulate = true, .lda = row, .ldb = v, .ldc = v});
      return;
    }
    diff_weights = make({.m = m, .n = n, .k = s.value_dim(), .transpose_b = true, .lda = v, .ldb = v, .ldc = row});
    diff_query = make({.m = m, .n = s.dim(), .k = n, .accumulate = true, .lda = row, .ldb = c, .ldc = c});
    // clang-format off
    diff_key = make(
        {.m = n, .n = s.dim(), .k = m, .transpose_a = true, .accumulate = true, .lda = row, .ldb = c, .ldc = c});
    diff_value = make(
        {.m = n, .n = s.value_dim(), .k = m, .transpose_a = true, .accumulate = true, .lda = row, .ldb = v, .ldc = v});
    // clang-format on
  }

  std::size_t scratch_bytes() const {
    std::size_t bytes = scores.scratch_bytes();
    for (const auto* product : {&values, &diff_weights, &diff_query, &diff_key, &diff_value}) {
      if (*product) bytes = std::max(bytes, (*product)->scratch_bytes());
    }
    return bytes;
  }

  std::int64_t queries, keys;
  Matmul scores;
  std::unique_ptr<const Matmul> values, diff_weights, diff_query, diff_key, diff_value;
};

// The rows of scores in memory: as long as the longest tile, and a cache line more. With a power of two, the values of a
// column would share one set of the cache.
AttentionTiles::AttentionTiles(const AttentionShape& shape, const Prepare& p)
    : shape_(shape), forward_row_(row_of(kForwardKeys)), backward_row_(row_of(kBackwardKeys)) {
  std::size_t work = 0;
  for (const bool backward : {false, true}) {
    if (backward && !p.backward) break;
    std::vector<std::unique_ptr<const Products>>& products = backward ? backward_ : forward_;
    const std::int64_t most = backward ? kBackwardKeys : kForwardKeys;
    for (std::int64_t q = 0; q < shape.queries; q += kQueries) {
      for (std::int64_t k = 0; k < seen_by(q); k += most) {
        const Tile now = tile(q, k, most);
        if (find(products, now) != nullptr) continue;
        products.push_back(std::make_unique<const Products>(shape, now.queries, now.keys,
                                                            backward ? backward_row_ : forward_row_, backward));
        work = std::max(work, products.back()->scratch_bytes());
      }
    }
  }
  scores_ = p.scratch<float>(kQueries * forward_row_);
  if (p.backward) diff_scores_ = p.scratch<float>(kQueries * backward_row_);
  rows_ = p.scratch<float>(kQueries);
  sums_ = p.scratch<float>(kQueries);
  work_ = p.scratch<std::byte>(work);
}

AttentionTiles::~AttentionTiles() = default;

std::int64_t AttentionTiles::row_of(std::int64_t most) const {
  constexpr std::int64_t kLine = 16;
  return std::min(most, (shape_.keys + kLine - 1) / kLine * kLine) + kLine;
}

std::int64_t AttentionTiles::queries_from(std::int64_t query) const {
  return std::min(kQueries, shape_.queries - query);
}

// How many keys the queries of a tile see, the last of which sees most.
std::int64_t AttentionTiles::seen_by(std::int64_t query) const { return shape_.seen(query + queries_from(query) - 1); }

AttentionTiles::Tile AttentionTiles::tile(std::int64_t query, std::int64_t key, std::int64_t most) const {
  const std::int64_t seen = (seen_by(query) - key + kKeyStep - 1) / kKeyStep * kKeyStep;
  return {query, queries_from(query), key, std::min({most, seen, shape_.keys - key})};
}

const AttentionTiles::Products* AttentionTiles::find(const std::vector<std::unique_ptr<const Products>>& products,
                                                     const Tile& tile) {
  const auto found = std::ranges::find_if(products, [&](const std::unique_ptr<const Products>& product) {
    return product->queries == tile.queries && product->keys == tile.keys;
  });
  return found == products.end() ? nullptr : found->get();
}

void AttentionTiles::forward(const Call& call, const ScoreTerms& terms, const float* query, const float* key,
                             const float* value, float* y, float* log_sums) const {
  float *scores = scores_(call).data(), *maxima = rows_(call).data(), *sums = sums_(call).data();
  void* work = work_(call).data();
  for (std::int64_t q = 0; q < shape_.queries; q += kQueries) {
    float* rows = y + q * shape_.value_channels;
    const std::int64_t count = queries_from(q), seen = seen_by(q);
    start(count, rows, maxima, sums);
    for (std::int64_t k = 0; k < seen; k += kForwardKeys) {
      const Tile now = tile(q, k, kForwardKeys);
      const Products& product = *find(forward_, now);
      product.scores.execute(query + q * shape_.channels, key + k * shape_.channels, nullptr, scores, work);
      softmax_rows(now, terms, scores, maxima, sums, rows);
      product.values->execute(scores, value + k * shape_.value_channels, nullptr, rows, work);
    }
    finish(count, rows, maxima, sums, log_sums == nullptr ? nullptr : log_sums + q);
  }
}

void AttentionTiles::start(std::int64_t count, float* y, float* maxima, float* sums) const {
  std::fill_n(maxima, count, -std::numeric_limits<float>::infinity());
  std::fill_n(sums, count, 0.0F);
  for (std::int64_t r = 0; r < count; ++r) std::fill_n(y + r * shape_.value_channels, shape_.value_dim(), 0.0F);
}

// How many keys of a tile, from its first on, a row of it sees.
std::int64_t AttentionTiles::seen_in(const Tile& tile, std::int64_t row) const {
  return std::clamp<std::int64_t>(shape_.seen(tile.query + row) - tile.key, 0, tile.keys);
}

// The scores are not yet multiplied by the factor.
void AttentionTiles::add_bias(const Tile& tile, const ScoreTerms& terms, std::int64_t row, std::int64_t seen,
                              float* scores) const {
  if (terms.bias == nullptr) return;
  const float inverse = 1 / shape_.factor();
  for (std::int64_t s = 0; s < seen; ++s)
    scores[s] += inverse * terms.bias[shape_.bias_at(tile.query + row, tile.key + s)];
}

// Turns scores into weights relative to the maxima so far, and rescales the output so far to the new maxima.
void AttentionTiles::softmax_rows(const Tile& tile, const ScoreTerms& terms, float* scores, float* maxima, float* sums,
                                  float* y) const {
  for (std::int64_t r = 0; r < tile.queries; ++r, scores += forward_row_, y += shape_.value_channels) {
    const std::int64_t seen = seen_in(tile, r);
    const float* mask = mask_at(terms, tile.query + r, tile.key);
    const bool any = mask == nullptr ? seen > 0 : hide(mask, seen, -std::numeric_limits<float>::infinity(), scores);
    std::fill(scores + (any ? seen : 0), scores + tile.keys, 0.0F);
    if (!any) continue;
    add_bias(tile, terms, r, seen, scores);
    const float correction = math::online_softmax(shape_.factor(), scores, seen, maxima[r], sums[r]);
    if (mask != nullptr) hide(mask, seen, 0, scores);
    if (correction != 1 && tile.key > 0) math::scale(correction, y, y, shape_.value_dim());
  }
}

void AttentionTiles::finish(std::int64_t count, float* y, const float* maxima, const float* sums,
                            float* log_sums) const {
  for (std::int64_t r = 0; r < count; ++r, y += shape_.value_channels) {
    const bool empty = maxima[r] == -std::numeric_limits<float>::infinity() && sums[r] == 0;  // sees nothing
    if (!empty) math::scale(1 / sums[r], y, y, shape_.value_dim());
    if (log_sums != nullptr) log_sums[r] = empty ? 0 : maxima[r] + std::log(sums[r]);
  }
}

void AttentionTiles::backward(const Call& call, const ScoreTerms& terms, const float* query, const float* key,
                              const float* value, const float* y, const float* diff_y, const float* log_sums,
                              const Gradients& diff) const {
  float *scores = scores_(call).data(), *diff_scores = diff_scores_(call).data(), *means = rows_(call).data();
  void* work = work_(call).data();
  const std::int64_t c = shape_.channels, v = shape_.value_channels;
  for (std::int64_t q = 0; q < shape_.queries; q += kQueries) {
    const std::int64_t count = queries_from(q), seen = seen_by(q);
    for (std::int64_t r = 0; r < count; ++r)
      means[r] = static_cast<float>(math::dot(y + (q + r) * v, diff_y + (q + r) * v, shape_.value_dim()));
    for (std::int64_t k = 0; k < seen; k += kBackwardKeys) {
      const Tile now = tile(q, k, kBackwardKeys);
      const Products& product = *find(backward_, now);
      product.scores.execute(query + q * c, key + k * c, nullptr, scores, work);
      product.diff_weights->execute(diff_y + q * v, value + k * v, nullptr, diff_scores, work);
      gradient_rows(now, terms, log_sums + q, means, scores, diff_scores);
      if (diff.value != nullptr) product.diff_value->execute(scores, diff_y + q * v, nullptr, diff.value + k * v, work);
      if (diff.query != nullptr)
        product.diff_query->execute(diff_scores, key + k * c, nullptr, diff.query + q * c, work);
      if (diff.key != nullptr) product.diff_key->execute(diff_scores, query + q * c, nullptr, diff.key + k * c, work);
    }
  }
}

// Turns scores into weights, and the gradient with respect to the weights into that of the scores.
void AttentionTiles::gradient_rows(const Tile& tile, const ScoreTerms& terms, const float* log_sums, const float* means,
                                   float* scores, float* diff) const {
  for (std::int64_t r = 0; r < tile.queries; ++r, scores += backward_row_, diff += backward_row_) {
    const std::int64_t seen = seen_in(tile, r);
    add_bias(tile, terms, r, seen, scores);
    math::attention_gradient(shape_.factor(), log_sums[r], means[r], scores, diff, seen);
    std::fill(scores + seen, scores + tile.keys, 0.0F);
    std::fill(diff + seen, diff + tile.keys, 0.0F);
    if (const float* mask = mask_at(terms, tile.query + r, tile.key)) {
      hide(mask, seen, 0, scores);
      hide(mask, seen, 0, diff);
    }
    if (terms.diff_bias == nullptr) continue;
    for (std::int64_t s = 0; s < seen; ++s)
      terms.diff_bias[shape_.bias_at(tile.query + r, tile.key + s)] += diff[s] / shape_.factor();
  }
}

}  // namespace loom::nodes

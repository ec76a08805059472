// Multi-head scaled dot-product attention: each query takes a mean of the values, weighted by the match of their keys.
//   y_t = sum_s softmax_s(q_t . k_s / sqrt(d) + b_(s - t)) v_s,  d = C / heads, for each head's share of the channels
//   query [N, ...S, C], key [N, ...R, C], value [N, ...R, V], y [N, ...S, V]; S and R are a sequence or an image in
//   raster order. The projections are `linear` nodes around it.
// mask: causal: position t sees the positions s <= t; block_causal: those of its block and of the blocks before it; strict:
// those before t, or of the blocks before. The input `mask` hides more of them. A position that sees nothing gives zeros,
// and no gradient flows back from it. Hidden keys and values must be finite.
// positions: rotary turns q and k (nn/rotary.h); relative learns b for each head and distance, clipped at `distance`.
//
// Memory grows linearly with the positions: see attention_tiles.h. The time of one position grows with the number
// of positions before it.
//
// Vaswani et al. 2017, Attention Is All You Need, equation 1 and section 3.2.2; relative positions: Raffel et al. 2020,
// Exploring the Limits of Transfer Learning (T5), section 2.1, with a number for each distance up to a limit as in Shaw
// et al. 2018, Self-Attention with Relative Position Representations, section 3.2
#include <fmt/format.h>

#include "loom/advance.h"
#include "loom/error.h"
#include "loom/math.h"
#include "loom/node.h"
#include "math/attention.h"
#include "nn/attention_options.h"
#include "nn/attention_tiles.h"
#include "nn/rotary.h"

namespace {

using namespace loom::nodes;
using loom::Filled;
namespace math = loom::math;

constexpr int kMask = 3;

class Attention final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Multi-head scaled dot-product attention over a sequence or an image, with masks and positions");
    c.source(
        "Vaswani et al. 2017, equation 1; Dao et al. 2022, FlashAttention, algorithms 1 and 4; rotary: Su et al. 2021; "
        "relative: Raffel et al. 2020, section 2.1");
    c.input("query", "[N, ...S, C]", "the query of each position; S is [T] or [H, W] in raster order");
    c.input("key", "[N, ...R, C]", "the key of each position");
    c.input("value", "[N, ...R, V]", "the value of each position");
    c.input(
         "mask", "[N, ...M]",
         "1 where a key may be seen, 0 where not: [N, ...R] of each key (padding), or [N, S, R] of each query and key")
        .optional()
        .no_gradient()
        .between(0, 1);
    c.output("y", "[N, ...S, V]", "the weighted mean of the values, each head in its share of the channels");
    AttentionOptions::declare(c);
    c.parameter("bias", "[D, heads]", loom::zeros(), "added to the score, by distance from the lowest on")
        .only_if([](const loom::Options& o) { return o.text("positions") == "relative"; });
  }
  static void infer(loom::ShapeInference& s) { AttentionOptions::infer(s); }

  explicit Attention(const loom::Options& options) : options_(options) {
    shape_.heads = options_.heads;
    shape_.causal = options_.sight == Sight::causal;
    shape_.strict = options_.strict;
    shape_.distance = options_.distance;
  }

  void prepare(const loom::Prepare& p) override {
    const loom::Shape &query = p.input(0), &key = p.input(1), &value = p.input(2);
    samples_ = query[0];
    shape_.channels = query.back();
    shape_.value_channels = value.back();
    shape_.queries = query.count() / (samples_ * shape_.channels);
    shape_.keys = key.count() / (samples_ * shape_.channels);
    if (options_.sight == Sight::block_causal) shape_.ends = options_.block_ends(shape_.queries);
    if (p.has_input("mask") && masks_each_query(p.input(kMask), shape_.queries, shape_.keys)) mask_row_ = shape_.keys;
    if (options_.positions == PositionKind::rotary) {
      const std::int64_t turned = options_.rotary_channels == 0 ? shape_.dim() : options_.rotary_channels;
      rotary_ = Rotary(std::max(shape_.queries, shape_.keys), shape_.dim(), turned, options_.base);
    }
    if (options_.positions == PositionKind::relative) {
      bias_ = p.scratch<float>(options_.distances());
      if (p.backward) diff_bias_ = p.scratch<float>(options_.distances());
    }
    if (p.incremental) return prepare_advance(p);
    if (!rotary_.empty()) {
      turned_query_ = p.scratch<float>(shape_.queries * shape_.channels);
      turned_key_ = p.scratch<float>(shape_.keys * shape_.channels);
    }
    tiles_ = std::make_unique<const AttentionTiles>(shape_, p);
    if (p.backward) log_sums_ = p.saved<float>(samples_ * shape_.heads * shape_.queries);
  }

  void forward(const loom::Forward& f) const override {
    for (std::int64_t n = 0; n < samples_; ++n) {
      const Sources in = sources(f, n);
      for (std::int64_t h = 0; h < shape_.heads; ++h) {
        const std::int64_t from = h * shape_.dim();
        tiles_->forward(f, terms(f, n, h), in.query + from, in.key + from, at(f.input(2), n, h), at(f.output(0), n, h),
                        log_sums(f, n, h));
      }
    }
  }

  void backward(const loom::Backward& b) const override {
    for (int i = 0; i < 3; ++i) {
      if (b.wants_diff(i)) std::ranges::fill(b.diff_input(i).values(), 0.0F);
    }
    for (std::int64_t n = 0; n < samples_; ++n) {
      const Sources in = sources(b, n);
      for (std::int64_t h = 0; h < shape_.heads; ++h) {
        const auto diff = [&](int i) { return b.wants_diff(i) ? at(b.diff_input(i), n, h) : nullptr; };
        const std::int64_t from = h * shape_.dim();
        ScoreTerms terms_of_head = terms(b, n, h);
        start_bias(b, terms_of_head);
        tiles_->backward(b, terms_of_head, in.query + from, in.key + from, at(b.input(2), n, h), at(b.output(0), n, h),
                         at(b.diff_output(0), n, h), log_sums(b, n, h), {diff(0), diff(1), diff(2)});
        add_bias_gradient(b, terms_of_head, h);
      }
      for (int i = 0; i < 2 && !rotary_.empty(); ++i) {
        if (!b.wants_diff(i)) continue;
        float* diff = b.diff_input(i)[n].data();
        rotary_.turn_all(i == 0 ? shape_.queries : shape_.keys, diff, diff, shape_.heads, true);
      }
    }
  }

  // A query at position t needs only the keys that it sees.
  Filled filled(std::span<const Filled> inputs, int) const override {
    Filled keys = std::max(inputs[1], inputs[2]);
    const bool block = options_.sight == Sight::block_causal;
    if (keys != Filled::whole && block && !options_.strict)
      throw loom::Error(loom::ErrorCode::not_supported,
                        "the positions of a block see each other, also those not drawn yet",
                        "set `strict: true`, or draw whole blocks (iterate)");
    if (keys != Filled::whole && options_.sight == Sight::all) {
      throw loom::Error(loom::ErrorCode::not_supported, "attention to positions that are not drawn yet",
                        "set `causal: true`");
    }
    if (inputs.size() > kMask && inputs[kMask] != Filled::whole)
      throw loom::Error(loom::ErrorCode::not_supported, "a mask that depends on what is drawn",
                        "compute the mask from what is known before");
    if (options_.strict && keys == Filled::before) keys = Filled::through;
    return std::max(inputs[0], keys);
  }

  void advance(const loom::Advance& a) const override {
    const loom::Advance::Range range = a.range(0);
    if (a.time == 0 && !rotary_.empty()) turned_count_(a)[0] = 0;
    for (std::int64_t t = range.first; t < range.first + range.count; ++t) {
      const float *query = loom::Advance::at(a.input(0), t), *key = a.input(1).data(), *value = a.input(2).data();
      if (!rotary_.empty()) {
        rotary_.turn(t, query, turned_query_(a).data(), samples_ * shape_.heads);
        query = turned_query_(a).data();
        key = keys_turned(a, same_positions_ ? shape_.seen(t) : shape_.keys);
      }
      float* y = loom::Advance::at(a.output(0), t);
      if (same_positions_) {  // at each position, the heads of all samples are contiguous
        attend(a, t, 0, samples_ * shape_.heads, shape_.seen(t), query, key, value, y);
        continue;
      }
      for (std::int64_t n = 0; n < samples_; ++n) {
        attend(a, t, n, shape_.heads, shape_.keys, query + n * shape_.channels, key + n * shape_.keys * shape_.channels,
               value + n * shape_.keys * shape_.value_channels, y + n * shape_.value_channels);
      }
    }
  }

  double forward_flop(const loom::Prepare&) const override {
    return product_flop(shape_.channels + shape_.value_channels);
  }

  // The scores again, the gradients by query and key; those by the weights and by the values.
  double backward_flop(const loom::Prepare&, int, int) const override {
    return product_flop(3 * shape_.channels + 2 * shape_.value_channels);
  }

 private:
  // Of products between all pairs of a query and a key that it sees, over so many channels.
  double product_flop(std::int64_t channels) const {
    double pairs = 0;
    for (std::int64_t t = 0; t < shape_.queries; ++t) pairs += static_cast<double>(shape_.seen(t));
    return 2 * static_cast<double>(samples_ * channels) * pairs;
  }

  struct Sources {  // of one sample, all heads
    const float *query, *key;
  };

  void prepare_advance(const loom::Prepare& p) {
    const loom::Shape &query = p.input(0), &key = p.input(1);
    same_positions_ = std::ranges::equal(query.event().extents(), key.event().extents());
    mask_by_position_ = mask_row_ > 0 && query.rank() == 3;
    // An odd number of cache lines: the rows are written in parallel, and a power of 2 would put all of their
    // elements into one set of the cache.
    row_ = (shape_.keys + 31) / 32 * 32 + 16;
    weights_ = p.scratch<float>(samples_ * shape_.heads * row_);
    if (rotary_.empty()) return;
    turned_query_ = p.scratch<float>(samples_ * shape_.channels);
    turned_key_ = p.saved<float>(key.count());
    turned_count_ = p.saved<std::int64_t>(1);
  }

  Sources sources(const loom::Call& call, std::int64_t n) const {
    const Sources given{call.input(0)[n].data(), call.input(1)[n].data()};
    if (rotary_.empty()) return given;
    float *query = turned_query_(call).data(), *key = turned_key_(call).data();
    rotary_.turn_all(shape_.queries, given.query, query, shape_.heads);
    rotary_.turn_all(shape_.keys, given.key, key, shape_.heads);
    return {query, key};
  }

  ScoreTerms terms(const loom::Call& call, std::int64_t n, std::int64_t head) const {
    ScoreTerms terms;
    if (call.has_input("mask")) terms.mask = call.input(kMask)[n].data();
    terms.mask_row = mask_row_;
    terms.bias = bias_of(call, head);
    return terms;
  }
  // The column of a head in the table; null without relative positions.
  const float* bias_of(const loom::Call& call, std::int64_t head) const {
    if (bias_.empty()) return nullptr;
    const std::span<float> bias = bias_(call);
    const float* table = call.parameter("bias").data() + head;
    for (float& value : bias) {
      value = *table;
      table += shape_.heads;
    }
    return bias.data();
  }
  void start_bias(const loom::Backward& b, ScoreTerms& terms) const {
    if (diff_bias_.empty() || !b.wants_parameter_diff("bias")) return;
    terms.diff_bias = diff_bias_(b).data();
    std::ranges::fill(diff_bias_(b), 0.0F);
  }
  void add_bias_gradient(const loom::Backward& b, const ScoreTerms& terms, std::int64_t head) const {
    if (terms.diff_bias == nullptr) return;
    float* sum = b.diff_parameter("bias").data() + head;
    for (std::int64_t i = 0; i < options_.distances(); ++i, sum += shape_.heads) *sum += terms.diff_bias[i];
  }

  float* at(const loom::TensorView& map, std::int64_t n, std::int64_t head) const {
    return map[n].data() + head * (map.shape().back() / shape_.heads);
  }
  // The memory of one head; null if nothing is kept.
  float* log_sums(const loom::Call& call, std::int64_t n, std::int64_t head) const {
    return log_sums_.empty() ? nullptr : log_sums_(call).data() + (n * shape_.heads + head) * shape_.queries;
  }

  // The first `count` keys, turned; each of them once.
  const float* keys_turned(const loom::Advance& a, std::int64_t count) const {
    std::int64_t& done = turned_count_(a)[0];
    float* turned = turned_key_(a).data();
    const float* key = a.input(1).data();
    const std::int64_t all = samples_ * shape_.channels;
    for (; done < count && same_positions_; ++done)
      rotary_.turn(done, key + done * all, turned + done * all, samples_ * shape_.heads);
    const std::int64_t sample = shape_.keys * shape_.channels;
    for (std::int64_t n = 0; n < samples_ && done < count; ++n)
      rotary_.turn_all(shape_.keys, key + n * sample, turned + n * sample, shape_.heads);
    done = std::max(done, count);
    return turned;
  }

  // Queries [heads, d] at position t against keys [count, heads, d]; the heads are those of the samples from `first` on.
  void attend(const loom::Advance& a, std::int64_t t, std::int64_t first, std::int64_t heads, std::int64_t count,
              const float* query, const float* key, const float* value, float* y) const {
    float* weights = weights_(a).data();
    math::head_dots(shape_.factor(), query, key, heads, shape_.dim(), count, weights, row_);
    for (std::int64_t h = 0; count > 0 && h < heads; ++h) {
      float* row = weights + h * row_;
      if (!bias_.empty()) add_bias(a, t, h % shape_.heads, count, row);
      weigh(mask_of(a, t, first + h / shape_.heads), count, row);
    }
    math::head_sums(weights, row_, value, heads, shape_.value_dim(), count, y);
  }
  void add_bias(const loom::Advance& a, std::int64_t t, std::int64_t head, std::int64_t count, float* row) const {
    const float* bias = bias_of(a, head);
    for (std::int64_t s = 0; s < count; ++s) row[s] += bias[shape_.bias_at(t, s)];
  }
  const float* mask_of(const loom::Advance& a, std::int64_t t, std::int64_t n) const {
    if (!a.has_input("mask")) return nullptr;
    const float* mask = a.input(kMask).data();
    if (mask_by_position_) return mask + (t * samples_ + n) * shape_.keys;
    return mask + (mask_row_ > 0 ? (n * shape_.queries + t) * shape_.keys : n * shape_.keys);
  }
  // Scores to weights.
  static void weigh(const float* mask, std::int64_t count, float* row) {
    if (mask == nullptr) return math::softmax(row, row, count);
    float most = 0;
    bool any = false;
    for (std::int64_t s = 0; s < count; ++s) {
      if (mask[s] == 0) continue;
      most = any ? std::max(most, row[s]) : row[s];
      any = true;
    }
    for (std::int64_t s = 0; s < count; ++s)
      if (mask[s] == 0) row[s] = most;  // any finite score: its weight is taken back
    if (any) math::softmax(row, row, count);
    double sum = 0;
    for (std::int64_t s = 0; s < count; ++s) {
      if (mask[s] == 0) row[s] = 0;
      sum += static_cast<double>(row[s]);
    }
    if (any) math::scale(static_cast<float>(1 / sum), row, row, count);
  }

  AttentionOptions options_;
  AttentionShape shape_;
  std::int64_t samples_ = 0;
  std::int64_t row_ = 0;           // distance between the weights of two heads in advance()
  std::int64_t mask_row_ = 0;      // the input mask, from query to query; 0: it is about keys alone
  bool mask_by_position_ = false;  // in advance(): [queries, N, keys]
  bool same_positions_ = false;    // query and key have the same axes, so key also has the positions first
  Rotary rotary_;
  std::unique_ptr<const AttentionTiles> tiles_;
  loom::Slot<float> log_sums_;  // ln of the sum of e^score over the keys: backward computes the weights from it
  loom::Slot<float> weights_;   // weights of all heads, in advance()
  loom::Slot<float> turned_query_, turned_key_;  // of one sample; in advance() of a position, and of all
  loom::Slot<std::int64_t> turned_count_;        // in advance(): keys that are turned
  loom::Slot<float> bias_, diff_bias_;           // of one head
};
LOOM_NODE(Attention, "attention")

}  // namespace

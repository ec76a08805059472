// Multi-head scaled dot-product attention: each query takes a mean of the values, weighted by the match of their keys.
//   y_t = sum_s softmax_s(q_t . k_s / sqrt(d)) v_s,  d = C / heads, for each head's share of the channels
//   query [N, ...S, C], key [N, ...R, C], value [N, ...R, V], y [N, ...S, V]; S and R are a sequence or an image in
//   raster order. The projections are `linear` nodes around it.
// causal: position t sees the positions s <= t; with strict, s < t, so position 0 sees nothing and gives zeros.
//
// Memory grows linearly with the positions: see attention_tiles.h. The time of one position grows with the number
// of positions before it.
//
// Vaswani et al. 2017, Attention Is All You Need, equation 1 and section 3.2.2
#include "nn/attention_tiles.h"

#include <fmt/format.h>

#include "loom/advance.h"
#include "loom/error.h"
#include "loom/math.h"
#include "loom/node.h"
#include "math/attention.h"

namespace {

using namespace loom::nodes;
using loom::Filled;
namespace math = loom::math;

class Attention final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Multi-head scaled dot-product attention over a sequence or an image, also causal");
    c.source("Vaswani et al. 2017, equation 1; Dao et al. 2022, FlashAttention, algorithms 1 and 4");
    c.input("query", "[N, ...S, C]", "the query of each position; S is [T] or [H, W] in raster order");
    c.input("key", "[N, ...R, C]", "the key of each position");
    c.input("value", "[N, ...R, V]", "the value of each position");
    c.output("y", "[N, ...S, V]", "the weighted mean of the values, each head in its share of the channels");
    c.option("heads", 1, loom::integer().at_least(1),
             "number of heads; each has C / heads channels of query and key, and V / heads of value");
    c.option("causal", false, loom::flag(), "position t sees the positions up to t");
    c.option("strict", false, loom::flag(), "with causal: up to t - 1; the first position gives zeros");
    c.causal_if("S", [](const loom::Options& o) { return o.flag("causal"); });
  }

  static void infer(loom::ShapeInference& s) {
    const std::int64_t heads = s.options().integer("heads");
    const std::pair<const char*, int> shares[] = {{"C", 0}, {"V", 2}};
    for (const auto& [letter, input] : shares) {
      if (s.extent(letter) % heads == 0) continue;
      s.fail("the channels cannot be divided equally among the heads",
             fmt::format("{} channels, {} heads", s.extent(letter), heads),
             fmt::format("a multiple of {} channels", heads), input);
    }
    if (s.run_extents("S").empty() || s.run_extents("R").empty())
      s.fail("there are no positions to attend to", s.input(0).text() + " and " + s.input(1).text(),
             "[N, T, C] or [N, H, W, C]");
    if (s.options().flag("strict") && !s.options().flag("causal"))
      s.fail("strict is an option of causal attention", "strict without causal", "causal: true");
    if (s.options().flag("causal") && s.run_extents("S") != s.run_extents("R"))
      s.fail("causal attention needs the same positions of query and key",
             s.input(0).text() + " and " + s.input(1).text(), "equal axes", 1);
  }

  explicit Attention(const loom::Options& options) {
    shape_.heads = options.integer("heads");
    shape_.causal = options.flag("causal");
    shape_.strict = options.flag("strict");
  }

  void prepare(const loom::Prepare& p) override {
    const loom::Shape &query = p.input(0), &key = p.input(1), &value = p.input(2);
    samples_ = query[0];
    shape_.channels = query.back();
    shape_.value_channels = value.back();
    shape_.queries = query.count() / (samples_ * shape_.channels);
    shape_.keys = key.count() / (samples_ * shape_.channels);
    if (p.incremental) {
      same_positions_ = std::ranges::equal(query.event().extents(), key.event().extents());
      // An odd number of cache lines: the rows are written in parallel, and a power of 2 would put all of their
      // elements into one set of the cache.
      row_ = (shape_.keys + 31) / 32 * 32 + 16;
      weights_ = p.scratch<float>(samples_ * shape_.heads * row_);
      return;
    }
    tiles_ = std::make_unique<const AttentionTiles>(shape_, p);
    if (p.backward) log_sums_ = p.saved<float>(samples_ * shape_.heads * shape_.queries);
  }

  void forward(const loom::Forward& f) const override {
    each_head([&](std::int64_t n, std::int64_t h) {
      tiles_->forward(f, at(f.input(0), n, h), at(f.input(1), n, h), at(f.input(2), n, h), at(f.output(0), n, h),
                      log_sums(f, n, h));
    });
  }

  void backward(const loom::Backward& b) const override {
    for (int i = 0; i < 3; ++i) {
      if (b.wants_diff(i)) std::ranges::fill(b.diff_input(i).values(), 0.0F);
    }
    each_head([&](std::int64_t n, std::int64_t h) {
      const auto diff = [&](int i) { return b.wants_diff(i) ? at(b.diff_input(i), n, h) : nullptr; };
      tiles_->backward(b, at(b.input(0), n, h), at(b.input(1), n, h), at(b.input(2), n, h), at(b.output(0), n, h),
                       at(b.diff_output(0), n, h), log_sums(b, n, h), {diff(0), diff(1), diff(2)});
    });
  }

  // A query at position t needs only the keys that it sees.
  Filled filled(std::span<const Filled> inputs, int) const override {
    Filled keys = std::max(inputs[1], inputs[2]);
    if (keys != Filled::whole && !shape_.causal) {
      throw loom::Error(loom::ErrorCode::not_supported, "attention to positions that are not drawn yet",
                        "set `causal: true`");
    }
    if (shape_.strict && keys == Filled::before) keys = Filled::through;
    return std::max(inputs[0], keys);
  }

  void advance(const loom::Advance& a) const override {
    const loom::Advance::Range range = a.range(0);
    for (std::int64_t t = range.first; t < range.first + range.count; ++t) {
      const float *query = loom::Advance::at(a.input(0), t), *key = a.input(1).data(), *value = a.input(2).data();
      float* y = loom::Advance::at(a.output(0), t);
      if (same_positions_) {  // at each position, the heads of all samples are contiguous
        attend(a, samples_ * shape_.heads, shape_.seen(t), query, key, value, y);
        continue;
      }
      for (std::int64_t n = 0; n < samples_; ++n) {
        attend(a, shape_.heads, shape_.keys, query + n * shape_.channels, key + n * shape_.keys * shape_.channels,
               value + n * shape_.keys * shape_.value_channels, y + n * shape_.value_channels);
      }
    }
  }

  double forward_flop(const loom::Prepare&) const override {
    double pairs = 0;
    for (std::int64_t t = 0; t < shape_.queries; ++t) pairs += static_cast<double>(shape_.seen(t));
    return 2 * static_cast<double>(samples_ * (shape_.channels + shape_.value_channels)) * pairs;
  }

 private:
  template <class Body>
  void each_head(const Body& body) const {
    for (std::int64_t n = 0; n < samples_; ++n)
      for (std::int64_t h = 0; h < shape_.heads; ++h) body(n, h);
  }
  float* at(const loom::TensorView& map, std::int64_t n, std::int64_t head) const {
    return map[n].data() + head * (map.shape().back() / shape_.heads);
  }
  // The memory of one head; null if nothing is kept.
  float* log_sums(const loom::Call& call, std::int64_t n, std::int64_t head) const {
    return log_sums_.empty() ? nullptr : log_sums_(call).data() + (n * shape_.heads + head) * shape_.queries;
  }

  // Queries [heads, d] against keys [count, heads, d].
  void attend(const loom::Call& call, std::int64_t heads, std::int64_t count, const float* query, const float* key,
              const float* value, float* y) const {
    float* weights = weights_(call).data();
    math::head_dots(shape_.factor(), query, key, heads, shape_.dim(), count, weights, row_);
    for (std::int64_t h = 0; count > 0 && h < heads; ++h) math::softmax(weights + h * row_, weights + h * row_, count);
    math::head_sums(weights, row_, value, heads, shape_.value_dim(), count, y);
  }

  AttentionShape shape_;
  std::int64_t samples_ = 0;
  std::int64_t row_ = 0;         // distance between the weights of two heads in advance()
  bool same_positions_ = false;  // query and key have the same axes, so key also has the positions first
  std::unique_ptr<const AttentionTiles> tiles_;
  loom::Slot<float> log_sums_;  // ln of the sum of e^score over the keys: backward computes the weights from it
  loom::Slot<float> weights_;   // weights of all heads, in advance()
};
LOOM_NODE(Attention, "attention")

}  // namespace

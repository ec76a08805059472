// Attention whose weights are products of positive features of query and key in place of a softmax, so that time and
// memory grow linearly with the positions: the sums over the keys are computed once.
//   y_t = (f(q_t)^T S_t) / (f(q_t) . z_t + epsilon),  S_t = sum_s m_s f(k_s) v_s^T,  z_t = sum_s m_s f(k_s),
//   f(x) = elu(x) + 1, for each head's share of the channels
// S and z are over all keys; causal: over s <= t, strict: s < t, as a recurrence with S as its state (section 3.4). With
// gradients of the numerator g = diff_y / denominator and of the denominator e = -(diff_y . y) / denominator (section 3.3.1):
//   diff_f(q_t) = S_t g_t + e_t z_t,  diff_f(k_s) = U_s v_s + u_s,  diff_v_s = U_s^T f(k_s), each times m_s,
//   U_s = sum over the queries t that see s of f(q_t) g_t^T,  u_s = sum of f(q_t) e_t
// A position that sees nothing gives zeros. Drawn position by position, the state is kept: the bits are those of forward.
//
// Katharopoulos et al. 2020, Transformers are RNNs: Fast Autoregressive Transformers with Linear Attention, equations 5-12
#include <fmt/format.h>

#include <cmath>

#include "loom/advance.h"
#include "loom/error.h"
#include "loom/math.h"
#include "loom/node.h"

namespace {

using loom::Filled;
namespace math = loom::math;

class LinearAttention final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Multi-head attention with elu(x) + 1 as feature map: linear in the number of positions");
    c.source("Katharopoulos et al. 2020, Transformers are RNNs, equations 5 to 12");
    c.input("query", "[N, ...S, C]", "the query of each position; S is [T] or [H, W] in raster order");
    c.input("key", "[N, ...R, C]", "the key of each position");
    c.input("value", "[N, ...R, V]", "the value of each position");
    c.input("mask", "[N, ...R]", "1 where a key may be seen, 0 where not").optional().no_gradient().between(0, 1);
    c.output("y", "[N, ...S, V]", "the weighted mean of the values, each head in its share of the channels");
    c.option("heads", 1, loom::integer().at_least(1),
             "number of heads; each has C / heads channels of query and key, and V / heads of value");
    c.option("causal", false, loom::flag(), "position t sees the positions up to t");
    c.option("strict", false, loom::flag(), "with causal: up to t - 1; the first position gives zeros");
    c.option("epsilon", 1e-6, loom::positive(), "added to the sum of the weights");
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

  explicit LinearAttention(const loom::Options& options)
      : heads_(options.integer("heads")),
        causal_(options.flag("causal")),
        strict_(options.flag("strict")),
        epsilon_(static_cast<float>(options.number("epsilon"))) {}

  void prepare(const loom::Prepare& p) override {
    const loom::Shape &query = p.input(0), &key = p.input(1);
    samples_ = query[0];
    dim_ = query.back() / heads_;
    value_dim_ = p.input(2).back() / heads_;
    queries_ = query.count() / (samples_ * query.back());
    keys_ = key.count() / (samples_ * key.back());
    features_ = p.scratch<float>(dim_);
    if (p.incremental) {
      state_ = p.saved<float>(samples_ * heads_ * state_count());
      added_ = p.saved<std::int64_t>(1);
      return;
    }
    state_ = p.scratch<float>(state_count());
    if (!p.backward) return;
    denominators_ = p.saved<float>(samples_ * heads_ * queries_);
    diff_numerator_ = p.scratch<float>(value_dim_);
  }

  void forward(const loom::Forward& f) const override {
    each_head([&](std::int64_t n, std::int64_t h) {
      float* state = start(f);
      std::int64_t added = 0;
      for (std::int64_t t = 0; t < queries_; ++t) {
        for (; added < seen(t); ++added) add_key(f, n, h, added, state);
        const float sum = answer(f, at(f.input(0), n, t, h), state, at(f.output(0), n, t, h));
        if (!denominators_.empty()) denominators_(f)[denominator_at(n, h, t)] = sum;
      }
    });
  }

  void backward(const loom::Backward& b) const override {
    each_head([&](std::int64_t n, std::int64_t h) {
      if (b.wants_diff(0)) query_gradients(b, n, h);
      if (b.wants_diff(1) || b.wants_diff(2)) key_gradients(b, n, h);
    });
  }

  Filled filled(std::span<const Filled> inputs, int) const override {
    Filled keys = std::max(inputs[1], inputs[2]);
    if (keys != Filled::whole && !causal_) {
      throw loom::Error(loom::ErrorCode::not_supported, "attention to positions that are not drawn yet",
                        "set `causal: true`");
    }
    if (inputs.size() > 3 && inputs[3] != Filled::whole)
      throw loom::Error(loom::ErrorCode::not_supported, "a mask that depends on what is drawn",
                        "compute the mask from what is known before");
    if (strict_ && keys == Filled::before) keys = Filled::through;
    return std::max(inputs[0], keys);
  }

  // Of causal attention alone: query and key have the same positions, [P, N, C].
  void advance(const loom::Advance& a) const override {
    const loom::Advance::Range range = a.range(0);
    std::int64_t& added = added_(a)[0];
    if (a.time == 0) {
      added = 0;
      start(a);
    }
    for (std::int64_t t = range.first; t < range.first + range.count; ++t) {
      for (; added < seen(t); ++added) {
        for (std::int64_t i = 0; i < samples_ * heads_; ++i) {
          const bool hidden = a.has_input("mask") && a.input(3).data()[i / heads_ * keys_ + added] == 0;
          add(a, loom::Advance::at(a.input(1), added) + i * dim_, loom::Advance::at(a.input(2), added) + i * value_dim_,
              hidden ? 0 : 1, state_(a).data() + i * state_count());
        }
      }
      for (std::int64_t i = 0; i < samples_ * heads_; ++i)
        answer(a, loom::Advance::at(a.input(0), t) + i * dim_, state_(a).data() + i * state_count(),
               loom::Advance::at(a.output(0), t) + i * value_dim_);
    }
  }

  double forward_flop(const loom::Prepare&) const override {
    return 2 * static_cast<double>(samples_ * heads_ * dim_ * value_dim_) * static_cast<double>(queries_ + keys_);
  }

  // Per key, its term of the state again and the gradients by key and value; per query, its gradient and its term of the
  // state's gradient.
  double backward_flop(const loom::Prepare&, int, int) const override {
    return 2 * static_cast<double>(samples_ * heads_ * dim_ * value_dim_) *
           static_cast<double>(2 * queries_ + 3 * keys_);
  }

 private:
  // S [dim, value_dim], then z [dim].
  std::int64_t state_count() const { return dim_ * (value_dim_ + 1); }
  std::int64_t seen(std::int64_t t) const { return causal_ ? t + (strict_ ? 0 : 1) : keys_; }

  template <class Body>
  void each_head(const Body& body) const {
    for (std::int64_t n = 0; n < samples_; ++n)
      for (std::int64_t h = 0; h < heads_; ++h) body(n, h);
  }
  float* at(const loom::TensorView& map, std::int64_t n, std::int64_t t, std::int64_t head) const {
    const std::int64_t channels = map.shape().back();
    return map[n].data() + t * channels + head * (channels / heads_);
  }
  std::size_t denominator_at(std::int64_t n, std::int64_t head, std::int64_t t) const {
    return static_cast<std::size_t>((n * heads_ + head) * queries_ + t);
  }
  float* start(const loom::Call& call) const {
    std::ranges::fill(state_(call), 0.0F);
    return state_(call).data();
  }
  static float feature(float x) { return x > 0 ? x + 1 : std::exp(x); }
  static float slope(float x) { return x > 0 ? 1 : std::exp(x); }
  const float* features_of(const loom::Call& call, const float* x) const {
    float* features = features_(call).data();
    for (std::int64_t c = 0; c < dim_; ++c) features[c] = feature(x[c]);
    return features;
  }
  float mask_of(const loom::Call& call, std::int64_t n, std::int64_t s) const {
    return call.has_input("mask") && call.input(3)[n].data()[s] == 0 ? 0 : 1;
  }

  // S += mask f(k) v^T, z += mask f(k)
  void add(const loom::Call& call, const float* key, const float* value, float mask, float* state) const {
    if (mask == 0) return;
    const float* features = features_of(call, key);
    float* sums = state + dim_ * value_dim_;
    for (std::int64_t c = 0; c < dim_; ++c) {
      math::accumulate(mask * features[c], value, state + c * value_dim_, value_dim_);
      sums[c] += mask * features[c];
    }
  }
  void add_key(const loom::Call& call, std::int64_t n, std::int64_t h, std::int64_t s, float* state) const {
    add(call, at(call.input(1), n, s, h), at(call.input(2), n, s, h), mask_of(call, n, s), state);
  }

  // y of one query; returns its denominator.
  float answer(const loom::Call& call, const float* query, const float* state, float* y) const {
    const float *features = features_of(call, query), *sums = state + dim_ * value_dim_;
    const auto denominator = static_cast<float>(math::dot(features, sums, dim_)) + epsilon_;
    std::fill_n(y, value_dim_, 0.0F);
    for (std::int64_t c = 0; c < dim_; ++c) math::accumulate(features[c], state + c * value_dim_, y, value_dim_);
    math::scale(1 / denominator, y, y, value_dim_);
    return denominator;
  }

  // g into the scratch; returns e.
  float numerator_gradient(const loom::Backward& b, std::int64_t n, std::int64_t h, std::int64_t t) const {
    const float *diff = at(b.diff_output(0), n, t, h), inverse = 1 / denominators_(b)[denominator_at(n, h, t)];
    math::scale(inverse, diff, diff_numerator_(b).data(), value_dim_);
    return -inverse * static_cast<float>(math::dot(diff, at(b.output(0), n, t, h), value_dim_));
  }

  void query_gradients(const loom::Backward& b, std::int64_t n, std::int64_t h) const {
    float* state = start(b);
    std::int64_t added = 0;
    for (std::int64_t t = 0; t < queries_; ++t) {
      for (; added < seen(t); ++added) add_key(b, n, h, added, state);
      const float e = numerator_gradient(b, n, h, t), *query = at(b.input(0), n, t, h);
      const float *g = diff_numerator_(b).data(), *sums = state + dim_ * value_dim_;
      float* diff = at(b.diff_input(0), n, t, h);
      for (std::int64_t c = 0; c < dim_; ++c)
        diff[c] =
            slope(query[c]) * (static_cast<float>(math::dot(state + c * value_dim_, g, value_dim_)) + e * sums[c]);
    }
  }

  // From the last key to the first; the state is U and u.
  void key_gradients(const loom::Backward& b, std::int64_t n, std::int64_t h) const {
    float* state = start(b);
    std::int64_t t = queries_;
    for (std::int64_t s = keys_ - 1; s >= 0; --s) {
      for (; t > 0 && seen(t - 1) > s; --t) {
        const float e = numerator_gradient(b, n, h, t - 1);
        const float* features = features_of(b, at(b.input(0), n, t - 1, h));
        for (std::int64_t c = 0; c < dim_; ++c) {
          math::accumulate(features[c], diff_numerator_(b).data(), state + c * value_dim_, value_dim_);
          state[dim_ * value_dim_ + c] += features[c] * e;
        }
      }
      key_gradient(b, n, h, s, state);
    }
  }
  void key_gradient(const loom::Backward& b, std::int64_t n, std::int64_t h, std::int64_t s, const float* state) const {
    const float mask = mask_of(b, n, s), *key = at(b.input(1), n, s, h), *value = at(b.input(2), n, s, h);
    const float* sums = state + dim_ * value_dim_;
    if (b.wants_diff(1)) {
      float* diff = at(b.diff_input(1), n, s, h);
      for (std::int64_t c = 0; c < dim_; ++c) {
        const auto through = static_cast<float>(math::dot(state + c * value_dim_, value, value_dim_));
        diff[c] = mask == 0 ? 0 : mask * slope(key[c]) * (through + sums[c]);
      }
    }
    if (!b.wants_diff(2)) return;
    float* diff = at(b.diff_input(2), n, s, h);
    std::fill_n(diff, value_dim_, 0.0F);
    if (mask == 0) return;
    const float* features = features_of(b, key);
    for (std::int64_t c = 0; c < dim_; ++c)
      math::accumulate(mask * features[c], state + c * value_dim_, diff, value_dim_);
  }

  std::int64_t heads_;
  bool causal_, strict_;
  float epsilon_;
  std::int64_t samples_ = 0, queries_ = 0, keys_ = 0, dim_ = 0, value_dim_ = 0;
  loom::Slot<float> features_, diff_numerator_, denominators_;
  loom::Slot<float> state_;         // S and z of a head; in advance() of all heads of all samples
  loom::Slot<std::int64_t> added_;  // in advance(): keys that are in the state
};
LOOM_NODE(LinearAttention, "linear_attention")

}  // namespace

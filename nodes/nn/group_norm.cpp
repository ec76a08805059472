// Group normalisation: each sample's channels in groups, each group over its channels and all positions.
//   y = (x - mean) / sqrt(variance + eps) weight + bias,   x, y [N, ...E, C], weight and bias [C]
// One group is layer normalisation over the whole event, C groups are instance normalisation.
// Wu and He 2018, Group Normalization, equation 1.
#include <algorithm>
#include <array>
#include <cmath>

#include "loom/math.h"
#include "loom/node.h"
#include "math/channels.h"
#include "nn/normalised_set.h"

namespace {

namespace math = loom::math;

class GroupNorm final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Group normalisation of each sample");
    c.source("Wu and He 2018, Group Normalization, equation 1");
    c.input("x", "[N, ...E, C]", "values");
    c.output("y", "[N, ...E, C]", "normalised, scaled and shifted values");
    c.option("groups", loom::required, loom::integer().at_least(1), "groups of channels; a divisor of C");
    c.option("eps", 1e-5, loom::positive(), "added to the variance");
    c.option("affine", true, loom::flag(), "learns a weight and a bias for each channel");
    const auto affine = [](const loom::Options& o) { return o.flag("affine"); };
    c.parameter("weight", "[C]", loom::ones(), "factor").only_if(affine);
    c.parameter("bias", "[C]", loom::zeros(), "offset").only_if(affine);
    c.backward_reads({"x"});
    c.second_derivative();
  }
  static void infer(loom::ShapeInference& s) {
    const std::int64_t groups = s.options().integer("groups"), channels = s.extent("C");
    if (channels % groups == 0) return;
    s.fail("the groups must divide the channels", std::to_string(groups) + " groups",
           "a divisor of " + std::to_string(channels), 0);
  }
  explicit GroupNorm(const loom::Options& options)
      : groups_(options.integer("groups")), eps_(options.number("eps")), affine_(options.flag("affine")) {}

  void prepare(const loom::Prepare& p) override {
    channels_ = p.input(0).back();
    width_ = channels_ / groups_;
    rows_ = p.input(0).count_from(1) / channels_;
    sums_ = p.scratch<double>(2 * channels_);
    vectors_ = p.scratch<float>(3 * channels_);
    if (p.backward) statistics_ = p.saved<float>(2 * groups_ * p.rows);
  }

  void forward(const loom::Forward& f) const override {
    for (std::int64_t n = 0; n < f.rows; ++n) {
      const float* x = f.input(0)[n].data();
      double* sums = cleared_sums(f);
      math::channel_moments(x, x, sums, sums + channels_, rows_, channels_);
      float* factor = vectors_(f).data();
      float* offset = factor + channels_;
      for (std::int64_t g = 0; g < groups_; ++g) {
        const auto [mean, deviation] = statistics(x, sums, g);
        if (!statistics_.empty())
          std::ranges::copy(std::array{mean, deviation}, statistics_(f).data() + 2 * (n * groups_ + g));
        for (std::int64_t c = g * width_; c < (g + 1) * width_; ++c) {
          factor[c] = deviation * (affine_ ? f.parameter("weight").data()[c] : 1.0F);
          offset[c] = (affine_ ? f.parameter("bias").data()[c] : 0.0F) - mean * factor[c];
        }
      }
      math::affine_rows(x, factor, offset, f.output(0)[n].data(), rows_, channels_);
    }
  }

  void backward(const loom::Backward& b) const override {
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const float *x = b.input(0)[n].data(), *diff_y = b.diff_output(0)[n].data();
      const float* saved = statistics_(b).data() + 2 * n * groups_;
      double* sums = cleared_sums(b);
      float* p = vectors_(b).data();
      float *q = p + channels_, *r = q + channels_;
      for (std::int64_t c = 0; c < channels_; ++c) p[c] = saved[2 * (c / width_)];
      math::channel_products(diff_y, x, p, sums, sums + channels_, rows_, channels_);
      for (std::int64_t g = 0; g < groups_; ++g) group_slopes(b, sums, g, saved[2 * g], saved[2 * g + 1], p, q, r);
      if (b.wants_diff(0)) math::combine_rows(diff_y, p, x, q, r, b.diff_input(0)[n].data(), rows_, channels_);
    }
  }

  void second_backward(const loom::SecondBackward& b) const override {
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const auto set = loom::nodes::NormalisedSet::of(b, affine_, eps_, n * rows_ * channels_);
      for (std::int64_t g = 0; g < groups_; ++g) {
        const auto each = [&](const auto& body) {
          for (std::int64_t row = 0; row < rows_; ++row)
            for (std::int64_t c = g * width_; c < (g + 1) * width_; ++c) body(row * channels_ + c, c);
        };
        set.second_backward(each, static_cast<double>(rows_ * width_));
      }
    }
  }

 private:
  double* cleared_sums(const loom::Call& call) const {
    std::ranges::fill(sums_(call), 0.0);
    return sums_(call).data();
  }

  // Mean and reciprocal standard deviation of a group, from its channels' sums relative to the first position.
  std::pair<float, float> statistics(const float* x, const double* sums, std::int64_t group) const {
    const auto rows = static_cast<double>(rows_), width = static_cast<double>(width_);
    double mean = 0, variance = 0;
    for (std::int64_t c = group * width_; c < (group + 1) * width_; ++c)
      mean += (static_cast<double>(x[c]) + sums[c] / rows) / width;
    for (std::int64_t c = group * width_; c < (group + 1) * width_; ++c) {
      const double shift = sums[c] / rows, distance = static_cast<double>(x[c]) + shift - mean;
      variance += (sums[channels_ + c] / rows - shift * shift + distance * distance) / width;
    }
    return {static_cast<float>(mean), static_cast<float>(1 / std::sqrt(std::max(0.0, variance) + eps_))};
  }

  // diff_x = p diff_y + q x + r of each channel: deviation (g - mean(g) - xhat mean(g xhat)), g = weight diff_y.
  void group_slopes(const loom::Backward& b, const double* sums, std::int64_t group, float mean, float deviation,
                    float* p, float* q, float* r) const {
    const double scale = static_cast<double>(deviation), count = static_cast<double>(rows_ * width_);
    const auto weight = [&](std::int64_t c) {
      return affine_ ? static_cast<double>(b.parameter("weight").data()[c]) : 1.0;
    };
    double total = 0, product = 0;
    for (std::int64_t c = group * width_; c < (group + 1) * width_; ++c) {
      const double along = sums[channels_ + c] * scale;  // sum of diff_y xhat
      if (b.wants_parameter_diff("weight")) b.diff_parameter("weight").data()[c] += static_cast<float>(along);
      if (b.wants_parameter_diff("bias")) b.diff_parameter("bias").data()[c] += static_cast<float>(sums[c]);
      total += weight(c) * sums[c];
      product += weight(c) * along;
    }
    const double slope = -scale * scale * product / count;
    for (std::int64_t c = group * width_; c < (group + 1) * width_; ++c) {
      p[c] = static_cast<float>(scale * weight(c));
      q[c] = static_cast<float>(slope);
      r[c] = static_cast<float>(-scale * total / count - slope * static_cast<double>(mean));
    }
  }

  std::int64_t groups_, width_ = 0, rows_ = 0, channels_ = 0;
  double eps_;
  bool affine_;
  loom::Slot<double> sums_;       // two per channel
  loom::Slot<float> vectors_;     // three vectors with one value per channel
  loom::Slot<float> statistics_;  // mean and 1 / deviation of each sample's groups, for backward
};
LOOM_NODE(GroupNorm, "group_norm")

}  // namespace

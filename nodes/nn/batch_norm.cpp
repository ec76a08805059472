// Batch normalisation of each channel over the samples and the spatial axes.
//   y = (x - mean) / sqrt(variance + eps) weight + bias,   x, y [N, ...E, C]
// Training takes mean and variance from the whole batch and moves the running statistics towards them (the running
// variance is unbiased); evaluation uses the running statistics. Ioffe and Szegedy 2015, algorithms 1 and 2.
//
// Two sums per channel are all that the shards of a batch have in common: of x and its square, then of diff_y and
// diff_y (x - mean). In double, and the mean does not have to be known before.
#include <algorithm>
#include <cmath>
#include <utility>

#include "loom/error.h"
#include "loom/math.h"
#include "loom/node.h"
#include "math/channels.h"
#include "nn/stored_rows.h"

namespace {

namespace math = loom::math;

class BatchNorm final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Batch normalisation of each channel");
    c.source("Ioffe and Szegedy 2015, Batch Normalization, algorithms 1 and 2");
    c.input("x", "[N, ...E, C]", "values");
    c.output("y", "[N, ...E, C]", "normalised, scaled and shifted values");
    c.option("eps", 1e-5, loom::positive(), "added to the variance");
    c.option("momentum", 0.1, loom::at_least(0).at_most(1), "share of the batch in the running statistics");
    c.option("affine", true, loom::flag(), "learns a weight and a bias for each channel");
    const auto affine = [](const loom::Options& o) { return o.flag("affine"); };
    c.parameter("weight", "[C]", loom::ones(), "factor").only_if(affine);
    c.parameter("bias", "[C]", loom::zeros(), "offset").only_if(affine);
    c.state("running_mean", "[C]", loom::zeros(), "moving average of the mean");
    c.state("running_var", "[C]", loom::ones(), "moving average of the unbiased variance");
    c.sums_over_batch_in_training();
    c.cheap();
    c.takes_bf16();
    c.reads_window([](const loom::TimeWindowOf& of) {
      return of.from.rank() > 2 ? std::optional(loom::TimeWindow()) : std::nullopt;
    });
    c.backward_reads({"x"});
  }
  explicit BatchNorm(const loom::Options& options)
      : eps_(options.number("eps")), momentum_(options.number("momentum")), affine_(options.flag("affine")) {}

  void prepare(const loom::Prepare& p) override {
    channels_ = p.input(0).back();
    rows_ = p.input(0).count() / channels_;
    rows_per_sample_ = rows_ / p.samples;
    stored_.prepare(p, rows_, channels_);
    p.batch_sums(2 * channels_, 2 * channels_);
    sums_ = p.scratch<double>(2 * channels_);
    vectors_ = p.scratch<float>(3 * channels_);
  }

  // Each shard's sums are taken from its first row, which keeps them accurate if the mean is large.
  void gather(const loom::Forward& f) const override {
    if (rows_per_sample_ * f.batch_samples < 2) {
      throw loom::Error(loom::ErrorCode::out_of_range, "batch_norm needs more than one value per channel in training",
                        "use a larger batch");
    }
    double *one = sums_(f).data(), *two = one + channels_;
    std::fill_n(one, 2 * channels_, 0.0);
    float* pivots = vectors_(f).data();
    bool is_first = true;
    stored_.run(f, {f.input(0)}, {}, [&](const auto& from, float*, std::int64_t rows) {
      if (std::exchange(is_first, false)) std::copy_n(from[0], channels_, pivots);
      math::channel_moments(from[0], pivots, one, two, rows, channels_);
    });
    const auto rows = static_cast<double>(rows_);
    for (std::int64_t c = 0; c < channels_; ++c) {
      const double pivot = static_cast<double>(pivots[c]);
      f.sums[at(c)] += one[c] + rows * pivot;
      f.sums[at(channels_ + c)] += two[c] + pivot * (2 * one[c] + rows * pivot);
    }
  }

  // Leaves the mean and the reciprocal of the standard deviation.
  void finish(const loom::Forward& f) const override {
    const auto rows = static_cast<double>(rows_per_sample_ * f.batch_samples);
    float *running_mean = f.state("running_mean").data(), *running_var = f.state("running_var").data();
    for (std::int64_t c = 0; c < channels_; ++c) {
      const double mean = f.sums[at(c)] / rows;
      const double variance = std::max(0.0, f.sums[at(channels_ + c)] / rows - mean * mean);
      f.sums[at(c)] = mean;
      f.sums[at(channels_ + c)] = 1 / std::sqrt(variance + eps_);
      move(running_mean[c], mean);
      move(running_var[c], variance * rows / (rows - 1));
    }
  }

  void forward(const loom::Forward& f) const override {
    float* mean = vectors_(f).data();
    float *factor = mean + channels_, *offset = factor + channels_;
    statistics(f, mean, factor);
    const loom::TensorView weight = f.parameter("weight"), bias = f.parameter("bias");
    for (std::int64_t c = 0; c < channels_; ++c) {
      if (affine_) factor[c] *= weight.data()[c];
      offset[c] = (affine_ ? bias.data()[c] : 0.0F) - mean[c] * factor[c];
    }
    stored_.run(f, {f.input(0)}, f.output(0), [&](const auto& from, float* y, std::int64_t rows) {
      math::affine_rows(from[0], factor, offset, y, rows, channels_);
    });
  }

  void gather_backward(const loom::Backward& b) const override {
    float *mean = vectors_(b).data(), *deviation = mean + channels_;
    statistics(b, mean, deviation);
    const double* sums = shard_sums(b, mean);
    for (std::int64_t i = 0; i < 2 * channels_; ++i) b.diff_sums[at(i)] += sums[i];
    add_to_parameters(b, sums, deviation);
  }

  // diff_x = weight / sigma (diff_y - mean(diff_y) - xhat mean(diff_y xhat)); in evaluation the statistics are
  // constants.
  void backward(const loom::Backward& b) const override {
    float* p = vectors_(b).data();
    float *q = p + channels_, *r = q + channels_;
    statistics(b, p, q);
    if (!b.training) add_to_parameters(b, shard_sums(b, p), q);
    if (!b.wants_diff(0)) return;
    const auto rows = static_cast<double>(rows_per_sample_ * b.batch_samples);
    for (std::int64_t c = 0; c < channels_; ++c) {
      const double mean = static_cast<double>(p[c]), scale = static_cast<double>(q[c]);
      const double factor = scale * (affine_ ? static_cast<double>(b.parameter("weight").data()[c]) : 1.0);
      const double total = b.training ? b.diff_sums[at(c)] : 0;
      const double slope = b.training ? -factor * scale * scale * b.diff_sums[at(channels_ + c)] / rows : 0;
      p[c] = static_cast<float>(factor);
      q[c] = static_cast<float>(slope);
      r[c] = static_cast<float>(-factor * total / rows - slope * mean);
    }
    stored_.run(b, {b.diff_output(0), b.input(0)}, b.diff_input(0),
                [&](const auto& from, float* diff_x, std::int64_t count) {
                  math::combine_rows(from[0], p, from[1], q, r, diff_x, count, channels_);
                });
  }

 private:
  static std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

  // Mean and reciprocal of the standard deviation: of the batch in training, otherwise the running ones.
  void statistics(const loom::Call& call, float* mean, float* deviation) const {
    if (call.training) {
      for (std::int64_t c = 0; c < channels_; ++c) {
        mean[c] = static_cast<float>(call.sums[at(c)]);
        deviation[c] = static_cast<float>(call.sums[at(channels_ + c)]);
      }
      return;
    }
    std::copy_n(call.state("running_mean").data(), channels_, mean);
    const float* variance = call.state("running_var").data();
    for (std::int64_t c = 0; c < channels_; ++c) {
      deviation[c] = static_cast<float>(1 / std::sqrt(static_cast<double>(variance[c]) + eps_));
    }
  }

  // The shard's sums of diff_y and of diff_y (x - mean).
  const double* shard_sums(const loom::Backward& b, const float* mean) const {
    double* sums = sums_(b).data();
    std::fill_n(sums, 2 * channels_, 0.0);
    stored_.run(b, {b.diff_output(0), b.input(0)}, {}, [&](const auto& from, float*, std::int64_t rows) {
      math::channel_products(from[0], from[1], mean, sums, sums + channels_, rows, channels_);
    });
    return sums;
  }
  void add_to_parameters(const loom::Backward& b, const double* sums, const float* deviation) const {
    const loom::TensorView weight = b.diff_parameter("weight"), bias = b.diff_parameter("bias");
    for (std::int64_t c = 0; c < channels_; ++c) {
      if (!bias.empty()) bias.data()[c] += static_cast<float>(sums[c]);
      if (!weight.empty())
        weight.data()[c] += static_cast<float>(sums[channels_ + c] * static_cast<double>(deviation[c]));
    }
  }
  void move(float& average, double value) const {
    average = static_cast<float>((1 - momentum_) * static_cast<double>(average) + momentum_ * value);
  }

  double eps_, momentum_;
  bool affine_;
  std::int64_t channels_ = 0, rows_ = 0, rows_per_sample_ = 0;
  loom::Slot<double> sums_;  // of the shard: two per channel
  loom::nodes::StoredRows stored_;
  loom::Slot<float> vectors_;  // three vectors with one value per channel
};
LOOM_NODE(BatchNorm, "batch_norm")

}  // namespace

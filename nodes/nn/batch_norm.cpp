// Batch normalisation of each channel over the samples and the spatial axes.
//   y = (x - mean) / sqrt(variance + eps) weight + bias,   x, y [N, ...E, C]
// Training takes mean and variance from the whole batch and moves the running statistics towards them (the running
// variance is unbiased); evaluation uses the running statistics. Ioffe and Szegedy 2015, algorithms 1 and 2.
#include <algorithm>
#include <cmath>

#include "loom/error.h"
#include "loom/math.h"
#include "loom/node.h"
#include "math/channels.h"

namespace {

namespace math = loom::math;

// Rows are summed in this many pieces, on all cores, and the sums of the pieces are added in order.
constexpr std::int64_t kPieces = 16;

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
    c.whole_batch_in_training();
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
    sums_ = p.scratch<double>(2 * kPieces * channels_);
    vectors_ = p.scratch<float>(3 * channels_);
    if (p.training && p.backward) statistics_ = p.saved<float>(2 * channels_);
  }

  void forward(const loom::Forward& f) const override {
    float* mean = vectors_(f).data();
    float *deviation = mean + channels_, *offset = deviation + channels_;  // reciprocal of the standard deviation
    if (f.training)
      take_statistics(f, mean, deviation);
    else
      running_statistics(f, mean, deviation);
    if (!statistics_.empty()) std::copy_n(mean, 2 * channels_, statistics_(f).data());
    const loom::TensorView weight = f.parameter("weight"), bias = f.parameter("bias");
    for (std::int64_t c = 0; c < channels_; ++c) {
      if (affine_) deviation[c] *= weight.data()[c];
      offset[c] = (affine_ ? bias.data()[c] : 0.0F) - mean[c] * deviation[c];
    }
    const float* x = f.input(0).data();
    float* y = f.output(0).data();
    for_rows(f, [&](std::int64_t first, std::int64_t count) {
      math::affine_rows(x + first * channels_, deviation, offset, y + first * channels_, count, channels_);
    });
  }

  // diff_x = weight / sigma (diff_y - mean(diff_y) - xhat mean(diff_y xhat)); in evaluation the statistics are
  // constants.
  void backward(const loom::Backward& b) const override {
    const double* sums = sums_(b).data();
    float* p = vectors_(b).data();
    float *q = p + channels_, *r = q + channels_;
    const float *x = b.input(0).data(), *diff_y = b.diff_output(0).data();
    const float* mean = b.training ? statistics_(b).data() : p;
    const float* deviation = b.training ? mean + channels_ : q;
    if (!b.training) running_statistics(b, p, q);
    sum_pieces(b, [&](std::int64_t first, std::int64_t count, double* one, double* two) {
      math::channel_products(diff_y + first * channels_, x + first * channels_, mean, one, two, count, channels_);
    });
    const auto rows = static_cast<double>(rows_);
    for (std::int64_t c = 0; c < channels_; ++c) {
      const double scale = static_cast<double>(deviation[c]), centre = static_cast<double>(mean[c]);
      const double total = sums[c], product = sums[channels_ + c] * scale;  // sums of diff_y and of diff_y xhat
      if (b.wants_parameter_diff("bias")) b.diff_parameter("bias").data()[c] += static_cast<float>(total);
      if (b.wants_parameter_diff("weight")) b.diff_parameter("weight").data()[c] += static_cast<float>(product);
      const double factor = scale * (affine_ ? static_cast<double>(b.parameter("weight").data()[c]) : 1.0);
      const double slope = b.training ? -factor * scale * product / rows : 0;
      p[c] = static_cast<float>(factor);
      q[c] = static_cast<float>(slope);
      r[c] = static_cast<float>(b.training ? -factor * total / rows - slope * centre : 0);
    }
    if (!b.wants_diff(0)) return;
    float* diff_x = b.diff_input(0).data();
    for_rows(b, [&](std::int64_t first, std::int64_t count) {
      const std::int64_t start = first * channels_;
      math::combine_rows(diff_y + start, p, x + start, q, r, diff_x + start, count, channels_);
    });
  }

 private:
  template <class Body>
  void for_rows(const loom::Call& call, const Body& body) const {
    if (!call.training) return body(0, rows_);  // one shard: the other cores compute other shards
    call.parallel(rows_, [&](std::int64_t first, std::int64_t last, int) { body(first, last - first); });
  }

  // body(first row, rows, sums, sums) of each piece; the totals are where the first piece's sums were.
  template <class Body>
  void sum_pieces(const loom::Call& call, const Body& body) const {
    double* sums = sums_(call).data();
    std::fill_n(sums, 2 * kPieces * channels_, 0.0);
    const auto piece = [&](std::int64_t k) {
      const std::int64_t first = k * rows_ / kPieces, last = (k + 1) * rows_ / kPieces;
      body(first, last - first, sums + 2 * k * channels_, sums + (2 * k + 1) * channels_);
    };
    const auto pieces = [&](std::int64_t first, std::int64_t last, int) {
      for (std::int64_t k = first; k < last; ++k) piece(k);
    };
    if (call.training)
      call.parallel(kPieces, pieces);
    else
      pieces(0, kPieces, 0);
    for (std::int64_t i = 2 * channels_; i < 2 * kPieces * channels_; ++i) sums[i % (2 * channels_)] += sums[i];
  }

  // Sums are relative to the first row, which keeps them accurate if the mean is large.
  void take_statistics(const loom::Forward& f, float* mean, float* deviation) const {
    if (rows_ < 2) {
      throw loom::Error(loom::ErrorCode::out_of_range, "batch_norm needs more than one value per channel in training",
                        "use a larger batch");
    }
    const float* x = f.input(0).data();
    sum_pieces(f, [&](std::int64_t first, std::int64_t count, double* one, double* two) {
      math::channel_moments(x + first * channels_, x, one, two, count, channels_);
    });
    const double* sums = sums_(f).data();
    const auto rows = static_cast<double>(rows_);
    float *running_mean = f.state("running_mean").data(), *running_var = f.state("running_var").data();
    for (std::int64_t c = 0; c < channels_; ++c) {
      const double shift = sums[c] / rows;
      const double centre = static_cast<double>(x[c]) + shift;
      const double variance = std::max(0.0, sums[channels_ + c] / rows - shift * shift);
      mean[c] = static_cast<float>(centre);
      deviation[c] = static_cast<float>(1 / std::sqrt(variance + eps_));
      move(running_mean[c], centre);
      move(running_var[c], variance * rows / (rows - 1));
    }
  }
  void move(float& average, double value) const {
    average = static_cast<float>((1 - momentum_) * static_cast<double>(average) + momentum_ * value);
  }

  void running_statistics(const loom::Call& call, float* mean, float* deviation) const {
    std::copy_n(call.state("running_mean").data(), channels_, mean);
    const float* variance = call.state("running_var").data();
    for (std::int64_t c = 0; c < channels_; ++c) {
      deviation[c] = static_cast<float>(1 / std::sqrt(static_cast<double>(variance[c]) + eps_));
    }
  }

  double eps_, momentum_;
  bool affine_;
  std::int64_t rows_ = 0, channels_ = 0;
  loom::Slot<double> sums_;       // per piece: two per channel
  loom::Slot<float> vectors_;     // three vectors with one value per channel
  loom::Slot<float> statistics_;  // mean and 1 / deviation of the batch, for backward
};
LOOM_NODE(BatchNorm, "batch_norm")

}  // namespace

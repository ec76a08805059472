#include "measure/image_quality.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "loom/error.h"
#include "loom/metric.h"

namespace loom::measure {
namespace {

constexpr std::int64_t kWindow = 11;
constexpr double kSigma = 1.5, kC1 = 0.01 * 0.01, kC2 = 0.03 * 0.03;

void check(const TensorView& one, const TensorView& other, int rank) {
  if (one.shape() == other.shape() && one.shape().rank() == rank && one.count() > 0) return;
  throw Error(ErrorCode::data_shape, fmt::format("images of {} and originals of {} cannot be compared",
                                                 one.shape().text(), other.shape().text()));
}

std::array<double, kWindow> window() {
  std::array<double, kWindow> weights{};
  double sum = 0;
  for (std::int64_t i = 0; i < kWindow; ++i) {
    const double distance = static_cast<double>(i) - (kWindow - 1) / 2.0;
    weights[static_cast<std::size_t>(i)] = std::exp(-0.5 * distance * distance / (kSigma * kSigma));
    sum += weights[static_cast<std::size_t>(i)];
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

// Weighted sums over the window at every position inside: along the rows, then along the columns.
std::vector<double> filtered(const std::vector<double>& values, std::int64_t height, std::int64_t width) {
  static const std::array<double, kWindow> weights = window();
  const std::int64_t rows = height - kWindow + 1, columns = width - kWindow + 1;
  std::vector<double> across(static_cast<std::size_t>(height * columns)), out(static_cast<std::size_t>(rows * columns));
  for (std::int64_t k = 0; k < kWindow; ++k) {
    const double weight = weights[static_cast<std::size_t>(k)];
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < columns; ++x)
        across[static_cast<std::size_t>(y * columns + x)] +=
            weight * values[static_cast<std::size_t>(y * width + x + k)];
  }
  for (std::int64_t k = 0; k < kWindow; ++k) {
    const double weight = weights[static_cast<std::size_t>(k)];
    for (std::int64_t i = 0; i < rows * columns; ++i)
      out[static_cast<std::size_t>(i)] += weight * across[static_cast<std::size_t>(i + k * columns)];
  }
  return out;
}

bool is_gap(std::span<const float> mask, std::size_t i) { return !mask.empty() && mask[i] == 0; }

// 1 where the mask is 0. There both images become 0, since what they hold may be no number.
std::vector<double> gaps_of(const std::vector<double>& mask, std::vector<double>& x, std::vector<double>& y) {
  std::vector<double> gaps(mask.size());
  for (std::size_t i = 0; i < mask.size(); ++i) {
    if (mask[i] != 0) continue;
    gaps[i] = 1;
    x[i] = y[i] = 0;
  }
  return gaps;
}

// Over the windows without a gap; nothing if there is none. `gaps` may be empty.
std::optional<double> channel_similarity(const std::vector<double>& x, const std::vector<double>& y,
                                         const std::vector<double>& gaps, std::int64_t height, std::int64_t width) {
  std::vector<double> xx(x.size()), yy(x.size()), xy(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx[i] = x[i] * x[i];
    yy[i] = y[i] * y[i];
    xy[i] = x[i] * y[i];
  }
  const std::vector<double> mx = filtered(x, height, width), my = filtered(y, height, width);
  const std::vector<double> sxx = filtered(xx, height, width), syy = filtered(yy, height, width);
  const std::vector<double> sxy = filtered(xy, height, width);
  const std::vector<double> missing = gaps.empty() ? gaps : filtered(gaps, height, width);
  double sum = 0, windows = 0;
  for (std::size_t i = 0; i < mx.size(); ++i) {
    if (!missing.empty() && missing[i] > 0) continue;
    windows += 1;
    const double product = mx[i] * my[i], squares = mx[i] * mx[i] + my[i] * my[i];
    sum += (2 * product + kC1) * (2 * (sxy[i] - product) + kC2) / ((squares + kC1) * (sxx[i] + syy[i] - squares + kC2));
  }
  return windows > 0 ? std::optional(sum / windows) : std::nullopt;
}

}  // namespace

double peak_signal_to_noise_ratio(const TensorView& image, const TensorView& original, std::span<const float> mask) {
  check(image, original, 3);
  const auto a = image.values(), b = original.values();
  double sum = 0, values = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (is_gap(mask, i)) continue;
    const double distance = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += distance * distance;
    values += 1;
  }
  if (values == 0) return std::numeric_limits<double>::quiet_NaN();
  return sum == 0 ? std::numeric_limits<double>::infinity() : -10 * std::log10(sum / values);
}

std::optional<double> structural_similarity(const TensorView& image, const TensorView& original,
                                            std::span<const float> mask) {
  check(image, original, 3);
  const std::int64_t height = image.shape()[0], width = image.shape()[1], channels = image.shape()[2];
  if (height < kWindow || width < kWindow) return std::nullopt;
  const auto channel = [&](std::span<const float> from, std::int64_t c) {
    std::vector<double> values;
    for (std::int64_t i = 0; i < height * width; ++i)
      values.push_back(static_cast<double>(from[static_cast<std::size_t>(i * channels + c)]));
    return values;
  };
  double sum = 0, compared = 0;
  for (std::int64_t c = 0; c < channels; ++c) {
    std::vector<double> x = channel(image.values(), c), y = channel(original.values(), c), gaps;
    if (!mask.empty()) gaps = gaps_of(channel(mask, c), x, y);
    const auto similarity = channel_similarity(x, y, gaps, height, width);
    if (!similarity) continue;
    sum += *similarity;
    compared += 1;
  }
  return compared > 0 ? std::optional(sum / compared) : std::nullopt;
}

ImageQuality image_quality(const TensorView& images, const TensorView& originals, const TensorView& masks) {
  check(images, originals, 4);
  const std::int64_t count = images.samples();
  const auto image = [](const TensorView& all, std::int64_t n) {
    return TensorView(all.dtype(), all.shape().event(), all[n].data());
  };
  double psnr = 0, ssim = 0, compared = 0, similar = 0;
  for (std::int64_t n = 0; n < count; ++n) {
    const std::span<const float> mask = masks.empty() ? std::span<float>() : masks[n];
    const double ratio = peak_signal_to_noise_ratio(image(images, n), image(originals, n), mask);
    if (std::isnan(ratio) && !mask.empty()) continue;  // nothing of it is there
    psnr += ratio;
    compared += 1;
    const auto similarity = structural_similarity(image(images, n), image(originals, n), mask);
    if (!similarity) continue;
    ssim += *similarity;
    similar += 1;
  }
  return {psnr / compared, similar > 0 ? std::optional(ssim / similar) : std::nullopt};
}

namespace {

constexpr double kRounding = 1e-9;  // of a value's spread: f32 resolves 6e-8

// Of every step-th value from `first` on; not finite where they are all equal, up to the rounding of their mean.
double error_over_variance(std::span<const float> a, std::span<const float> b, std::span<const float> mask,
                           std::size_t first, std::size_t step) {
  double mean = 0, count = 0, error = 0, spread = 0;
  for (std::size_t i = first; i < b.size(); i += step) count += is_gap(mask, i) ? 0 : 1;
  for (std::size_t i = first; i < b.size(); i += step) {
    if (!is_gap(mask, i)) mean += static_cast<double>(b[i]) / count;
  }
  for (std::size_t i = first; i < b.size(); i += step) {
    if (is_gap(mask, i)) continue;
    const double value = static_cast<double>(b[i]), distance = static_cast<double>(a[i]) - value;
    error += distance * distance;
    spread += (value - mean) * (value - mean);
  }
  return spread > kRounding * kRounding * mean * mean * count ? error / spread
                                                              : std::numeric_limits<double>::infinity();
}

}  // namespace

double normalised_error(const TensorView& reconstructions, const TensorView& originals, const TensorView& masks,
                        bool by_feature) {
  const auto a = reconstructions.values(), b = originals.values();
  if (a.size() != b.size() || a.empty()) {
    throw Error(ErrorCode::data_shape, fmt::format("reconstructions of {} and originals of {} cannot be compared",
                                                   reconstructions.shape().text(), originals.shape().text()));
  }
  const std::span<const float> mask = masks.empty() ? std::span<float>() : masks.values();
  const std::size_t features = by_feature ? static_cast<std::size_t>(originals.shape().back()) : 1;
  double sum = 0, varying = 0;
  for (std::size_t feature = 0; feature < features; ++feature) {
    const double ratio = error_over_variance(a, b, mask, feature, features);
    if (!std::isfinite(ratio)) continue;
    sum += ratio;
    varying += 1;
  }
  return sum / varying;
}

namespace {

constexpr const char *kOriginal = "the data, which are the target of the likelihood",
                     *kReconstruction = "the port that generate.reconstruct shows",
                     *kMask = "1 where a value of the original is there; others do not count";

class ImageQualityMetric final : public Metric {
 public:
  static void declare(Contract& c) {
    c.summary("The similarity of reconstructed images to their originals").measures(Measured::images);
    c.source("Wang et al. 2004, Image Quality Assessment, equation 13");
    c.input("original", "[N, H, W, C]", kOriginal);
    c.input("reconstruction", "[N, H, W, C]", kReconstruction);
    c.input("mask", "[N, H, W, C]", kMask).optional();
    c.value("psnr", "PSNR", "dB", "-10 log10(mean squared error), mean over the images; infinite for equal images");
    c.value("ssim", "SSIM", "",
            "structural similarity, 11x11 Gaussian window of sigma 1.5 inside the image, C1 = 0.01^2, C2 = 0.03^2, "
            "mean over positions and channels; none below 11 pixels; -1 to 1");
    c.value("reconstructed_images", "images compared", "", "number of images");
  }
  explicit ImageQualityMetric(const Options&) {}
  void add(std::span<const TensorView> inputs) override {
    quality_ = image_quality(inputs[1], inputs[0], inputs[2]);
    images_ += inputs[0].samples();
  }
  std::vector<MetricResult> finish() override {
    return {{"psnr", quality_.psnr},
            {"ssim", quality_.ssim ? OptionValue(*quality_.ssim) : OptionValue()},
            {"reconstructed_images", images_}};
  }

 private:
  ImageQuality quality_{};
  std::int64_t images_ = 0;
};

class NormalisedError final : public Metric {
 public:
  static void declare(Contract& c) {
    c.summary("The error of reconstructions, relative to the variance of the data").measures(Measured::reconstructions);
    c.input("original", "[N, ...E]", kOriginal);
    c.input("reconstruction", "[N, ...E]", kReconstruction);
    c.input("mask", "[N, ...E]", kMask).optional();
    c.input("columns", "[F]", "there if the items are rows of a table, whose columns have units of their own")
        .optional();
    c.value(
        "normalised_error", "normalised error", "",
        "mean squared error divided by the variance of the originals, >= 0; 1: no better than the mean. Of the rows of "
        "a table, the mean over the columns that vary. Not defined where the originals are all alike");
    c.value("reconstructed_items", "items compared", "", "number of items for `normalised_error`");
  }
  explicit NormalisedError(const Options&) {}
  void add(std::span<const TensorView> inputs) override {
    error_ = normalised_error(inputs[1], inputs[0], inputs[2], !inputs[3].empty());
    items_ = inputs[0].samples();
  }
  std::vector<MetricResult> finish() override {
    return {{"normalised_error", std::isfinite(error_) ? OptionValue(error_) : OptionValue()},
            {"reconstructed_items", items_}};
  }

 private:
  double error_ = 0;
  std::int64_t items_ = 0;
};

LOOM_METRIC(ImageQualityMetric, "image_quality")
LOOM_METRIC(NormalisedError, "normalised_error")

}  // namespace
}  // namespace loom::measure

#include "measure/spectral_distance.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "loom/error.h"
#include "loom/metric.h"

namespace loom::measure {
namespace {

constexpr std::size_t kFrame = 256, kHop = 128, kSpectrumBins = kFrame / 2 + 1;
constexpr double kFloor = 1e-4;

using Spectrum = std::array<std::complex<double>, kFrame>;

// e^(-2 pi i k / kFrame), and the Hann window over a whole period, scaled to give 1 for a sine of full scale.
struct Tables {
  Spectrum roots;
  std::array<double, kFrame> window{};

  Tables() {
    for (std::size_t k = 0; k < kFrame; ++k) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(k) / kFrame;
      roots[k] = {std::cos(angle), -std::sin(angle)};
      window[k] = 4.0 / kFrame * (0.5 - 0.5 * std::cos(angle));
    }
  }
};

// The discrete Fourier transform in place (Cooley and Tukey 1965, radix 2, decimation in time).
void transform(Spectrum& x, const Spectrum& roots) {
  for (std::size_t i = 1, j = 0; i < kFrame; ++i) {  // j: i with its bits reversed
    std::size_t bit = kFrame / 2;
    for (; (j & bit) != 0; bit /= 2) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(x[i], x[j]);
  }
  for (std::size_t half = 1; half < kFrame; half *= 2) {
    for (std::size_t start = 0; start < kFrame; start += 2 * half) {
      for (std::size_t k = 0; k < half; ++k) {
        const std::complex<double> odd = roots[k * (kFrame / (2 * half))] * x[start + k + half];
        x[start + k + half] = x[start + k] - odd;
        x[start + k] += odd;
      }
    }
  }
}

std::array<double, kSpectrumBins> levels(std::span<const float> frame) {
  static const Tables tables;
  Spectrum x;
  for (std::size_t i = 0; i < kFrame; ++i) x[i] = tables.window[i] * static_cast<double>(frame[i]);
  transform(x, tables.roots);
  std::array<double, kSpectrumBins> result{};
  for (std::size_t k = 0; k < kSpectrumBins; ++k) result[k] = 20 * std::log10(std::max(std::abs(x[k]), kFloor));
  return result;
}

}  // namespace

double log_spectral_distance(std::span<const float> sound, std::span<const float> original) {
  if (sound.size() != original.size() || sound.size() < kFrame) {
    throw Error(ErrorCode::data_shape,
                fmt::format("a sound of {} samples and an original of {} cannot be compared: they "
                            "must be equally long, and at least {} samples",
                            sound.size(), original.size(), kFrame));
  }
  double total = 0;
  std::size_t frames = 0;
  for (std::size_t start = 0; start + kFrame <= sound.size(); start += kHop, ++frames) {
    const auto x = levels(sound.subspan(start, kFrame)), y = levels(original.subspan(start, kFrame));
    double squares = 0;
    for (std::size_t k = 0; k < kSpectrumBins; ++k) squares += (x[k] - y[k]) * (x[k] - y[k]);
    total += std::sqrt(squares / kSpectrumBins);
  }
  return total / static_cast<double>(frames);
}

namespace {

class SpectralDistance final : public Metric {
 public:
  static void declare(Contract& c) {
    c.summary("The distance of reconstructed sounds to their originals").measures(Measured::sounds);
    c.source("Gray and Markel 1976, section III");
    c.input("original", "[N, T, ...]", "the data, which are the target of the likelihood");
    c.input("reconstruction", "[N, T, ...]", "what generate.reconstruct shows");
    c.input("mask", "[N, T, ...]", "1 where a sample of the original is there; a sound ends at its first 0").optional();
    c.value("spectral_distance_db", "spectral distance", "dB", "log spectral distance, mean over the items, >= 0");
    c.value("spectral_distance_to_others_db", "distance to other items", "dB",
            "the same to the original of the next item, for comparison");
  }
  explicit SpectralDistance(const Options&) {}
  void add(std::span<const TensorView> inputs) override {
    const TensorView &originals = inputs[0], &sounds = inputs[1];
    const std::int64_t count = sounds.samples();
    std::vector<std::int64_t> long_enough;
    for (std::int64_t i = 0; i < count; ++i) {
      if (length_of(inputs[2], sounds, i) >= kFrame) long_enough.push_back(i);
    }
    if (long_enough.size() < 2) return;
    own_ = others_ = 0;
    for (std::size_t k = 0; k < long_enough.size(); ++k) {
      const std::int64_t i = long_enough[k], next = long_enough[(k + 1) % long_enough.size()];
      const std::size_t own = length_of(inputs[2], sounds, i), both = std::min(own, length_of(inputs[2], sounds, next));
      own_ += log_spectral_distance(sounds[i].first(own), originals[i].first(own));
      others_ += log_spectral_distance(sounds[i].first(both), originals[next].first(both));
    }
    count_ = static_cast<double>(long_enough.size());
  }
  std::vector<MetricResult> finish() override {
    if (count_ == 0) return {};
    return {{"spectral_distance_db", own_ / count_}, {"spectral_distance_to_others_db", others_ / count_}};
  }

 private:
  static std::size_t length_of(const TensorView& mask, const TensorView& sounds, std::int64_t i) {
    if (mask.empty()) return sounds[i].size();
    return static_cast<std::size_t>(std::ranges::find(mask[i], 0.0F) - mask[i].begin());
  }

  double own_ = 0, others_ = 0, count_ = 0;
};

LOOM_METRIC(SpectralDistance, "spectral_distance")

}  // namespace
}  // namespace loom::measure

#include "train/gradient_clip.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "loom/math.h"
#include "run/gradient_sums.h"

namespace loom {
double GradientNorm::operator()(std::span<const std::span<float>> gradients, Executor& executor) {
  chunks_.clear();
  for (const std::span<float> gradient : gradients) {
    const auto count = static_cast<std::int64_t>(gradient.size());
    for (std::int64_t at = 0; at < count; at += kSquares)
      chunks_.push_back({gradient.data() + at, std::min(kSquares, count - at)});
  }
  sums_.resize(chunks_.size());
  const auto body = [this](std::int64_t first, std::int64_t last) {
    for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
      sums_[i] = math::sum_of_squares(chunks_[i].data, chunks_[i].count);
    }
  };
  executor.parallel_for(static_cast<std::int64_t>(chunks_.size()), 4, body);
  double total = 0;
  for (const double sum : sums_) total += sum;
  return std::sqrt(total);
}

double GradientNorm::from(std::span<const std::span<const double>> squares) {
  double total = 0;
  for (const std::span<const double> gradient : squares) {
    for (const double sum : gradient) total += sum;
  }
  return std::sqrt(total);
}

double clip_factor(double norm, double clip_norm) {
  return clip_norm > 0 ? std::min(1.0, clip_norm / (norm + 1e-6)) : 1.0;
}

}  // namespace loom

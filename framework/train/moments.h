// Running sums of values: mean and standard error, and the logarithm of a mean of exponentials.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace loom {

// Mean and standard error, summed in the order of the samples.
struct Moments {
  double sum = 0, squares = 0;
  std::int64_t count = 0;
  void add(double value) {
    sum += value;
    squares += value * value;
    ++count;
  }
  double mean() const { return sum / static_cast<double>(count); }
  double standard_error() const {
    if (count < 2) return 0;
    const double n = static_cast<double>(count);
    return std::sqrt(std::max(0.0, squares / n - mean() * mean()) / (n - 1));
  }
};

// Logarithm of the mean of e^value over the values added so far, in constant memory.
class LogMeanExp {
 public:
  void add(double value) {
    ++count_;
    if (value <= largest_) {
      sum_ += std::exp(value - largest_);
    } else if (std::isfinite(value)) {
      sum_ = sum_ * std::exp(largest_ - value) + 1;
      largest_ = value;
    } else {
      sum_ = value;  // if it is NaN or infinite, so is the mean
    }
  }
  double value() const { return largest_ + std::log(sum_ / static_cast<double>(count_)); }

 private:
  double largest_ = -std::numeric_limits<double>::max(), sum_ = 0;
  std::int64_t count_ = 0;
};

}  // namespace loom

// Mean absolute error of reconstructions, in the unit of the data: unlike the normalised error it does not grow with
// the square of a distance, so a few wrong values weigh as much as they are.
#include <cmath>

#include "loom/metric.h"

namespace loom::measure {
namespace {

class MeanAbsoluteError final : public Metric {
 public:
  static void declare(Contract& c) {
    c.summary("The mean absolute error of reconstructions").measures(Measured::reconstructions);
    c.input("original", "[N, ...E]", "the data");
    c.input("reconstruction", "[N, ...E]", "the reconstruction of each item");
    c.input("mask", "[N, ...E]", "1 where a value of the data is there").optional();
    c.value("mean_absolute_error", "mean absolute error", "", "mean of |x - y| over the values that are there; >= 0");
  }
  explicit MeanAbsoluteError(const Options&) {}

  void add(std::span<const TensorView> inputs) override {
    for (std::int64_t n = 0; n < inputs[0].samples(); ++n) {
      double sum = 0, values = 0;
      const auto a = inputs[0][n], b = inputs[1][n];
      for (std::size_t i = 0; i < a.size(); ++i) {
        const double there = inputs[2].empty() ? 1 : static_cast<double>(inputs[2][n][i]);
        if (there == 0) continue;
        values += there;
        sum += there * std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
      }
      if (values == 0) continue;  // nothing of the item is there
      items_ += 1;
      const double before = sum / values - mean_;
      mean_ += before / items_;
      squares_ += before * (sum / values - mean_);
    }
  }

  // The standard error is that of the mean over items.
  std::vector<MetricResult> finish() override {
    MetricResult result{"mean_absolute_error", mean_};
    if (items_ > 1) result.standard_error = std::sqrt(squares_ / (items_ - 1) / items_);
    return {result};
  }

 private:
  double items_ = 0, mean_ = 0, squares_ = 0;  // over items (Welford)
};

LOOM_METRIC(MeanAbsoluteError, "mean_absolute_error")

}  // namespace
}  // namespace loom::measure

// The share of reconstructed values that are close to the data.
//   share = mean over all values of [|x - y| <= tolerance]
#include <loom/metric.h>

#include <cmath>

namespace {

class NewName final : public loom::Metric {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The share of reconstructed values that are close to the data").measures(loom::Measured::reconstructions);
    c.input("original", "[N, ...E]", "the data");
    c.input("reconstruction", "[N, ...E]", "what generate.reconstruct shows");
    c.option("tolerance", 0.1, loom::at_least(0), "largest distance that is close, in the unit of the data");
    c.value("new_name", "close values", "", "share of the values within the tolerance; 0 to 1");
  }

  explicit NewName(const loom::Options& options) : tolerance_(options.number("tolerance")) {}

  void add(std::span<const loom::TensorView> inputs) override {
    const auto x = inputs[0].values(), y = inputs[1].values();
    for (std::size_t i = 0; i < x.size(); ++i)
      close_ += std::abs(static_cast<double>(x[i]) - static_cast<double>(y[i])) <= tolerance_ ? 1 : 0;
    all_ += static_cast<double>(x.size());
  }
  std::vector<loom::MetricResult> finish() override { return {{"new_name", close_ / all_}}; }

 private:
  double tolerance_, close_ = 0, all_ = 0;
};

}  // namespace

LOOM_METRIC(NewName, "new.name")

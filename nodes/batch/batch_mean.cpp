// The mean over the rows of the batch, given to each of them.
//   y[n, ..] = 1/M sum over m of x[m, ..], M rows
#include "batch/rows.h"

namespace {

using namespace loom::nodes;

class BatchMean final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The mean over the batch");
    c.input("x", "[N, ...E]", "values");
    c.output("y", "[N, ...E]", "their mean, the same in each row");
    c.whole_batch();
    c.backward_reads({});
    c.linear();
  }
  explicit BatchMean(const loom::Options&) {}

  void prepare(const loom::Prepare& p) override { mean_ = p.scratch<double>(p.input(0).count_from(1)); }

  void forward(const loom::Forward& f) const override { spread_mean(f, f.input(0), f.output(0)); }
  void backward(const loom::Backward& b) const override {
    if (b.wants_diff(0)) spread_mean(b, b.diff_output(0), b.diff_input(0));
  }

 private:
  void spread_mean(const loom::Call& call, const loom::TensorView& from, const loom::TensorView& to) const {
    const std::span<double> mean = mean_(call);
    mean_of_rows(call, from, mean);
    for (std::int64_t n = 0; n < to.samples(); ++n)
      std::ranges::transform(mean, to[n].begin(), [](double v) { return static_cast<float>(v); });
  }

  loom::Slot<double> mean_;
};
LOOM_NODE(BatchMean, "batch_mean")

}  // namespace

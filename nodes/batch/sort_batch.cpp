// Each place of an event in order over the rows of the batch: y[0, i] is the smallest of x[.., i]. Distances of sorted
// projections are the sliced Wasserstein distance.
//   Kolouri et al. 2019, Sliced-Wasserstein Auto-Encoders, equation 9
#include "loom/node.h"
#include "tensor/order.h"

namespace {

using namespace loom::nodes;

class SortBatch final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Each place of an event in order over the batch");
    c.source("Kolouri et al. 2019, Sliced-Wasserstein Auto-Encoders, equation 9");
    c.input("x", "[N, ...E]", "values");
    c.output("y", "[N, ...E]", "row n holds the n-th smallest value of each place; NaN is last");
    c.output("index", "[N, ...E]", "the rows that they come from").dtype(loom::DType::i32).no_gradient();
    c.whole_batch();
    c.backward_reads({"index"});
  }
  explicit SortBatch(const loom::Options&) {}

  void prepare(const loom::Prepare& p) override {
    rows_ = p.input(0)[0];
    event_ = p.input(0).count_from(1);
    orders_ = p.scratch<std::int32_t>(rows_ * event_);
  }

  void forward(const loom::Forward& f) const override {
    const float* x = f.input(0).data();
    const std::span<std::int32_t> orders = orders_(f);
    f.parallel(event_, [&](std::int64_t first, std::int64_t last, int) {
      for (std::int64_t i = first; i < last; ++i) {
        const auto rows = static_cast<std::size_t>(rows_);
        const std::span<std::int32_t> order = orders.subspan(static_cast<std::size_t>(i) * rows, rows);
        first_in_order(order, rows, false, [&](std::int32_t row) { return x[row * event_ + i]; });
        for (std::int64_t n = 0; n < rows_; ++n) {
          const std::int32_t row = order[static_cast<std::size_t>(n)];
          f.output("y").data()[n * event_ + i] = x[row * event_ + i];
          f.output("index").data<std::int32_t>()[n * event_ + i] = row;
        }
      }
    });
  }

  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff(0)) return;
    const auto* index = b.output("index").data<std::int32_t>();
    const float* diff_y = b.diff_output("y").data();
    float* diff_x = b.diff_input(0).data();
    for (std::int64_t at = 0; at < rows_ * event_; ++at) diff_x[index[at] * event_ + at % event_] = diff_y[at];
  }

 private:
  std::int64_t rows_ = 0, event_ = 0;
  loom::Slot<std::int32_t> orders_;  // of each place
};
LOOM_NODE(SortBatch, "sort_batch")

}  // namespace

// Distances of each row of the batch to other rows.
//   y[n, j] = |a_n - b_m|^2, or its root, m = (n + j) mod M, M rows, j from 0, or from 1 where b is not connected
// The batch has no fixed extent, so the number of others is an option; with as many as there are rows (less one), each row
// meets every other. A batch with fewer rows is gone through again.
#include <cmath>

#include "batch/rows.h"

namespace {

using namespace loom::nodes;

class PairwiseDistance final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Distances of each row of the batch to other rows");
    c.input("a", "[N, ...E]", "values");
    c.input("b", "[N, ...E]", "the rows that a is compared with; default: the other rows of a").optional();
    c.output("y", "[N, others]", "distances to the rows that follow, around the end of the batch");
    c.option("others", loom::required, loom::integer().at_least(1), "how many rows each is compared with");
    c.option("kind", "squared", loom::text({"squared", "euclidean"}), "the squared distance, or its root");
    c.whole_batch();
    c.backward_reads({"a", "b", "y"});
  }
  explicit PairwiseDistance(const loom::Options& o)
      : others_(o.integer("others")), root_(o.text("kind") == "euclidean") {}

  void forward(const loom::Forward& f) const override {
    const loom::TensorView a = f.input("a"), b = f.has_input("b") ? f.input("b") : a, y = f.output(0);
    f.parallel(a.samples(), [&](std::int64_t first, std::int64_t last, int) {
      for (std::int64_t n = first; n < last; ++n) {
        for (std::int64_t j = 0; j < others_; ++j) {
          const std::int64_t m = other(f, n, j, a.samples());
          const double distance = loom::math::squared_distance(a[n].data(), b[m].data(), a.per_sample());
          y[n][static_cast<std::size_t>(j)] = static_cast<float>(root_ ? std::sqrt(distance) : distance);
        }
      }
    });
  }

  // Each row gathers from the pairs that it is in, in a fixed order: as the first of a pair, then as the second.
  void backward(const loom::Backward& b) const override {
    const bool paired = b.has_input("b");
    const loom::TensorView left = b.input("a"), right = paired ? b.input("b") : left;
    for (const bool second : {false, true}) {
      const char* port = second && paired ? "b" : "a";
      if (!b.wants_diff(port)) continue;
      const loom::TensorView diff = b.diff_input(port);
      const bool adds = second && !paired;
      b.parallel(left.samples(), [&](std::int64_t first, std::int64_t last, int) {
        for (std::int64_t n = first; n < last; ++n) {
          if (!adds) std::ranges::fill(diff[n], 0.0F);
          for (std::int64_t j = 0; j < others_; ++j)
            second ? add_as_second(b, left, right, n, j, diff) : add_as_first(b, left, right, n, j, diff);
        }
      });
    }
  }

 private:
  std::int64_t other(const loom::Call& call, std::int64_t n, std::int64_t j, std::int64_t rows) const {
    return (n + j + (call.has_input("b") ? 0 : 1)) % rows;
  }
  // The derivative of a distance by twice the difference.
  float slope(const loom::Backward& b, std::int64_t n, std::int64_t j) const {
    const auto at = static_cast<std::size_t>(j);
    const float diff = b.diff_output(0)[n][at];
    if (!root_) return 2 * diff;
    const float y = b.output(0)[n][at];
    return y == 0 ? 0 : diff / y;  // equal rows: 0, as PyTorch's cdist
  }
  static void add(float factor, const float* x, const float* y, std::span<float> diff) {
    for (std::size_t i = 0; i < diff.size(); ++i) diff[i] += factor * (x[i] - y[i]);
  }
  void add_as_first(const loom::Backward& b, const loom::TensorView& left, const loom::TensorView& right,
                    std::int64_t n, std::int64_t j, const loom::TensorView& diff) const {
    const std::int64_t m = other(b, n, j, left.samples());
    add(slope(b, n, j), left[n].data(), right[m].data(), diff[n]);
  }
  void add_as_second(const loom::Backward& b, const loom::TensorView& left, const loom::TensorView& right,
                     std::int64_t m, std::int64_t j, const loom::TensorView& diff) const {
    const std::int64_t rows = left.samples(), step = other(b, 0, j, rows);
    const std::int64_t n = (m + rows - step) % rows;
    add(slope(b, n, j), right[m].data(), left[n].data(), diff[m]);
  }

  std::int64_t others_;
  bool root_;
};
LOOM_NODE(PairwiseDistance, "pairwise_distance")

}  // namespace

// The rows of the batch in a random order.
//   y[n, ..] = x[p(n), ..], p a permutation of the rows, drawn for each step
//   columns: each place of the last axis is shuffled by a permutation of its own, which makes the places independent of
//   each other: the product of the marginals in FactorVAE's estimate of the total correlation.
// Kim and Mnih 2018, Disentangling by Factorising, algorithm 1.
#include "loom/node.h"
#include "shape/axis.h"

namespace {

using namespace loom::nodes;

class ShuffleBatch final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The rows of the batch in a random order");
    c.source("Kim and Mnih 2018, Disentangling by Factorising, algorithm 1");
    c.input("x", "[N, ...E]", "values").any_dtype();
    c.output("y", "[N, ...E]", "each row, or each value of a row, from another row").dtype_of("x");
    c.option("columns", false, loom::flag(), "each place of the last axis is shuffled by itself");
    c.whole_batch();
    c.stochastic();
    c.backward_reads({});
    c.linear();
  }
  explicit ShuffleBatch(const loom::Options& o) : columns_(o.flag("columns")) {}

  void forward(const loom::Forward& f) const override {
    with_values(f.input(0), f.output(0), [&](const auto* x, auto* y) {
      walk(f, f.input(0).shape(), [&](std::int64_t from, std::int64_t to) { y[to] = x[from]; });
    });
  }
  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff(0)) return;
    const float* diff_y = b.diff_output(0).data();
    float* diff_x = b.diff_input(0).data();
    walk(b, b.diff_input(0).shape(), [&](std::int64_t from, std::int64_t to) { diff_x[from] = diff_y[to]; });
  }

 private:
  // move(place in x, place in y)
  template <class Move>
  void walk(const loom::Call& call, const loom::Shape& shape, const Move& move) const {
    const std::int64_t rows = shape[0], event = shape.count_from(1);
    const std::int64_t columns = columns_ && shape.rank() > 1 ? shape.back() : 1;
    call.parallel(rows, [&](std::int64_t first, std::int64_t last, int) {
      for (std::int64_t column = 0; column < columns; ++column) {
        const std::uint64_t key = call.stream.value(static_cast<std::uint32_t>(column));
        for (std::int64_t n = first; n < last; ++n) {
          const auto from = static_cast<std::int64_t>(
              loom::permuted_index(static_cast<std::uint64_t>(n), static_cast<std::uint64_t>(rows), key));
          for (std::int64_t i = column; i < event; i += columns) move(from * event + i, n * event + i);
        }
      }
    });
  }

  bool columns_;
};
LOOM_NODE(ShuffleBatch, "shuffle_batch")

}  // namespace

// Products of matrices, sample by sample.
//   y[n, .., i, j] = sum over k of a[n, .., i, k] b[n, .., k, j]
// Axes before the last two are broadcast as in NumPy. A factor [N, K] is a vector of each sample.
#include <fmt/format.h>

#include "tensor/product_node.h"

namespace {

using namespace loom::nodes;

// Axes of the events of both factors and of the product, as numbers, and their extents.
struct MatrixAxes {
  std::vector<int> a, b, y;
  std::vector<std::int64_t> extents;
  std::string problem;  // "" where the shapes fit

  MatrixAxes(const loom::Shape& left, const loom::Shape& right, bool transpose_a, bool transpose_b) {
    a = {0}, b = {0}, y = {0};
    extents = {left[0]};
    const int ranks[] = {left.rank() - 1, right.rank() - 1};
    const int batches[] = {std::max(0, ranks[0] - 2), std::max(0, ranks[1] - 2)};
    const int shared = std::max(batches[0], batches[1]);
    for (int i = 0; i < shared; ++i) {
      const std::int64_t m = extent_at(left, batches[0], i - shared), n = extent_at(right, batches[1], i - shared);
      if (m != n && m != 1 && n != 1) problem = fmt::format("the extents {} and {} cannot be broadcast", m, n);
      const int axis = added(std::max(m, n));
      if (i >= shared - batches[0]) a.push_back(m == std::max(m, n) ? axis : added(1));
      if (i >= shared - batches[1]) b.push_back(n == std::max(m, n) ? axis : added(1));
      y.push_back(axis);
    }
    const std::int64_t k = left[left.rank() - (transpose_a && ranks[0] > 1 ? 2 : 1)];
    const std::int64_t other = right[right.rank() - (ranks[1] > 1 && !transpose_b ? 2 : 1)];
    if (k != other) problem = fmt::format("the summed extents are {} and {}", k, other);
    const int summed = added(k);
    add_matrix(a, left, ranks[0], summed, transpose_a);
    add_matrix(b, right, ranks[1], summed, !transpose_b);
  }

  loom::Shape shape() const {
    loom::Shape result;
    for (const int axis : y) result.push_back(extents[static_cast<std::size_t>(axis)]);
    return result;
  }

 private:
  int added(std::int64_t extent) {
    extents.push_back(extent);
    return static_cast<int>(extents.size()) - 1;
  }
  // Of the leading axes of an event, from the end: -1 is the last; 1 where there is none.
  static std::int64_t extent_at(const loom::Shape& shape, int count, int from_end) {
    return count + from_end < 0 ? 1 : shape[1 + count + from_end];
  }
  // The last one or two axes of a factor. `summed_first`: the first of two is summed over.
  void add_matrix(std::vector<int>& axes, const loom::Shape& shape, int rank, int summed, bool summed_first) {
    if (rank > 1) {
      const int own = added(shape[shape.rank() - (summed_first ? 1 : 2)]);
      y.push_back(own);
      axes.push_back(summed_first ? summed : own);
      axes.push_back(summed_first ? own : summed);
    } else {
      axes.push_back(summed);
    }
  }
};

class MatmulNode final : public ProductNode {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Products of matrices, sample by sample");
    c.input("a", "[N, ..., K]", "matrices [.., I, K], or a vector [K] of each sample");
    c.input("b", "[N, ..., L]", "matrices [.., K, J], or a vector [K] of each sample");
    c.output("y", "[N, ...]", "[.., I, J]; without I or J where a factor is a vector");
    c.option("transpose_a", false, loom::flag(), "a is [.., K, I]");
    c.option("transpose_b", false, loom::flag(), "b is [.., J, K]");
    c.backward_reads({"a", "b"});
    c.linear_in_each();
  }
  static void infer(loom::ShapeInference& s) {
    const MatrixAxes axes(s.input("a"), s.input("b"), s.options().flag("transpose_a"), s.options().flag("transpose_b"));
    if (axes.problem.empty()) return s.output("y", axes.shape());
    s.fail("the matrices do not fit: " + axes.problem, s.input("a").text() + " times " + s.input("b").text(),
           "[N, .., I, K] times [N, .., K, J]", 0);
  }
  explicit MatmulNode(const loom::Options& o)
      : transpose_a_(o.flag("transpose_a")), transpose_b_(o.flag("transpose_b")) {}

  ProductAxes axes(const loom::Prepare& p) const override {
    const MatrixAxes axes(p.input(0), p.input(1), transpose_a_, transpose_b_);
    return {axes.extents,
            {strides_of(axes.a, axes.extents), strides_of(axes.b, axes.extents)},
            strides_of(axes.y, axes.extents)};
  }

 private:
  bool transpose_a_, transpose_b_;
};
LOOM_NODE(MatmulNode, "matmul")

}  // namespace

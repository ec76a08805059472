// Softmax along an axis, or its logarithm.
//   y_k = e^x_k / sum_j e^x_j,   log: y_k = x_k - ln sum_j e^x_j
#include <memory>

#include "dnnl/softmax.h"
#include "loom/math.h"
#include "loom/node.h"
#include "shape/axis.h"

namespace {

using namespace loom::nodes;

class Softmax final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Softmax along an axis, or its logarithm");
    c.input("x", "[N, ...E]", "logits");
    c.output("y", "[N, ...E]", "probabilities, or their logarithms");
    c.option("axis", -1, loom::integer(), "0 is the batch and not allowed; negative counts from the end");
    c.option("log", false, loom::flag(), "gives the logarithm", "nats");
    c.pointwise_if(along_channels);
    c.reads_window(window_beside_axis);
    c.backward_reads({"y"});
  }
  static void infer(loom::ShapeInference& s) {
    const std::int64_t axis = s.options().integer("axis");
    if (!check_axis(s, axis, s.input(0)) || resolved_axis(axis, s.input(0).rank()) > 0) return;
    s.fail("softmax along the batch is not supported", std::to_string(axis), "another axis", 0);
  }
  explicit Softmax(const loom::Options& options) : axis_(options.integer("axis")), log_(options.flag("log")) {}

  void prepare(const loom::Prepare& p) override {
    const loom::Shape& x = p.input(0);
    view_ = axis_view(x, resolved_axis(axis_, x.rank()), x[0]);
    rows_ = std::make_unique<loom::dnnl::Softmax>(view_.outer * view_.inner, view_.axis, log_);
    work_ = p.scratch<std::byte>(rows_->scratch_bytes());
    if (view_.inner == 1) return;
    copy_ = p.scratch<float>(x.count());
    if (p.backward) diff_copy_ = p.scratch<float>(x.count());
  }

  void forward(const loom::Forward& f) const override {
    const float* x = f.input(0).data();
    float* y = f.output(0).data();
    if (view_.inner == 1) return compute(f, x, y);
    float* rows = copy_(f).data();
    to_rows(x, rows);
    compute(f, rows, rows);
    from_rows(rows, y);
  }

  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff(0)) return;
    const float *diff_y = b.diff_output(0).data(), *y = b.output(0).data();
    float* diff_x = b.diff_input(0).data();
    if (view_.inner == 1) return rows_->backward(diff_y, y, diff_x, work_(b).data());
    float *y_rows = copy_(b).data(), *diff_rows = diff_copy_(b).data();
    to_rows(y, y_rows);
    to_rows(diff_y, diff_rows);
    rows_->backward(diff_rows, y_rows, diff_rows, work_(b).data());
    from_rows(diff_rows, diff_x);
  }

 private:
  // oneDNN's logarithm is off by 1e-7 and can be above 0.
  void compute(const loom::Forward& f, const float* x, float* y) const {
    if (!log_) return rows_->forward(x, y, work_(f).data());
    for (std::int64_t row = 0; row < view_.outer * view_.inner; ++row)
      loom::math::log_softmax(x + row * view_.axis, y + row * view_.axis, view_.axis);
  }

  // [outer, axis, inner] to [outer, inner, axis] and back.
  void to_rows(const float* x, float* rows) const {
    for (std::int64_t o = 0; o < view_.outer; ++o, x += view_.axis * view_.inner) {
      for (std::int64_t i = 0; i < view_.inner; ++i) {
        for (std::int64_t k = 0; k < view_.axis; ++k) *rows++ = x[k * view_.inner + i];
      }
    }
  }
  void from_rows(const float* rows, float* x) const {
    for (std::int64_t o = 0; o < view_.outer; ++o, x += view_.axis * view_.inner) {
      for (std::int64_t i = 0; i < view_.inner; ++i) {
        for (std::int64_t k = 0; k < view_.axis; ++k) x[k * view_.inner + i] = *rows++;
      }
    }
  }

  std::int64_t axis_;
  bool log_;
  AxisView view_;
  loom::Slot<std::byte> work_;
  loom::Slot<float> copy_, diff_copy_;  // [outer, inner, axis], if the axis is not the last
  std::unique_ptr<const loom::dnnl::Softmax> rows_;
};
LOOM_NODE(Softmax, "softmax")

}  // namespace

// The maximum mean discrepancy between two samples, the penalty of a Wasserstein autoencoder.
//   l_n = 1/(M-1) sum_m!=n (k(x_n, x_m) + k(y_n, y_m)) - 2/M sum_m k(x_n, y_m),   loss = l_n, whose mean over the batch
//   of M samples is the unbiased estimate of MMD^2 except for the diagonal of the last sum; it can be negative
//   imq: k(a, b) = sum over scales s of s C / (s C + |a - b|^2)
//   rbf: k(a, b) = sum over scales s of e^(-|a - b|^2 / (s C))
//   C = 2 D sigma^2, the expected squared distance of two draws from N(0, sigma^2 I) with D dimensions
// Tolstikhin et al. 2018, Wasserstein Auto-Encoders, algorithm 2; scales as in the authors' code. Gretton et al. 2012.
#include <cmath>

#include "loom/error.h"
#include "loom/math.h"
#include "loom/node.h"

namespace {

namespace math = loom::math;

class Mmd final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Maximum mean discrepancy between two samples");
    c.source("Tolstikhin et al. 2018, Wasserstein Auto-Encoders, algorithm 2");
    c.input("x", "[N, ...E]", "draws from the posterior");
    c.input("y", "[N, ...E]", "draws from the prior");
    c.output("loss", "[N]", "the part of each sample; the mean over the batch is MMD^2");
    c.option("kernel", "imq", loom::text({"imq", "rbf"}), "inverse multiquadratic, or Gaussian");
    c.option("scales", std::vector<loom::OptionValue>{0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0}, loom::number_list().above(0),
             "factors of the kernel's width; the kernels are added");
    c.option("sigma", 1.0, loom::positive(), "standard deviation of the prior");
    c.whole_batch(2);
    c.backward_reads({"x", "y"});
  }
  explicit Mmd(const loom::Options& options)
      : rbf_(options.text("kernel") == "rbf"), scales_(options.numbers("scales")), sigma_(options.number("sigma")) {}

  void prepare(const loom::Prepare& p) override {
    rows_ = p.input("x")[0];
    count_ = p.input("x").count_from(1);
    width_ = 2 * static_cast<double>(count_) * sigma_ * sigma_;
  }

  void forward(const loom::Forward& f) const override {
    require_pairs();
    const loom::TensorView x = f.input("x"), y = f.input("y");
    const double near = 1 / static_cast<double>(rows_ - 1), far = 2 / static_cast<double>(rows_);
    f.parallel(rows_, [&](std::int64_t first, std::int64_t last, int) {
      for (std::int64_t n = first; n < last; ++n) {
        double sum = 0;
        for (std::int64_t m = 0; m < rows_; ++m) {
          if (m != n) sum += near * (kernel(x, n, x, m).value + kernel(y, n, y, m).value);
          sum -= far * kernel(x, n, y, m).value;
        }
        f.output("loss")[n][0] = static_cast<float>(sum);
      }
    });
  }

  // With g_n the gradient of l_n: d/dx_n = 1/(M-1) sum_m!=n (g_n + g_m) k'(x_n, x_m) - 2/M sum_m g_n k'(x_n, y_m).
  void backward(const loom::Backward& b) const override {
    const loom::TensorView x = b.input("x"), y = b.input("y"), diff = b.diff_output("loss");
    const double near = 1 / static_cast<double>(rows_ - 1), far = 2 / static_cast<double>(rows_);
    b.parallel(rows_, [&](std::int64_t first, std::int64_t last, int) {
      for (std::int64_t n = first; n < last; ++n) {
        for (const bool of_x : {true, false}) {
          const char* port = of_x ? "x" : "y";
          if (!b.wants_diff(port)) continue;
          const loom::TensorView &own = of_x ? x : y, &other = of_x ? y : x;
          float* sum = b.diff_input(port)[n].data();
          std::fill_n(sum, count_, 0.0F);
          for (std::int64_t m = 0; m < rows_; ++m) {
            const auto own_factor = static_cast<double>(diff[n][0] + diff[m][0]);
            const auto cross_factor = static_cast<double>(of_x ? diff[n][0] : diff[m][0]);
            if (m != n) add_slope(near * own_factor, own, n, own, m, sum);
            add_slope(-far * cross_factor, own, n, other, m, sum);
          }
        }
      }
    });
  }

 private:
  struct Kernel {
    double value = 0, slope = 0;  // slope: derivative with respect to the squared distance
  };

  void require_pairs() const {
    if (rows_ >= 2) return;
    throw loom::Error(loom::ErrorCode::out_of_range, "[mmd] needs a batch of at least two samples",
                      "use a larger batch");
  }

  Kernel kernel(const loom::TensorView& a, std::int64_t n, const loom::TensorView& b, std::int64_t m) const {
    const double distance = math::squared_distance(a[n].data(), b[m].data(), count_);
    Kernel sum;
    for (const double scale : scales_) {
      const double c = scale * width_, value = rbf_ ? std::exp(-distance / c) : c / (c + distance);
      sum.value += value;
      sum.slope -= rbf_ ? value / c : value / (c + distance);
    }
    return sum;
  }

  void add_slope(double factor, const loom::TensorView& a, std::int64_t n, const loom::TensorView& b, std::int64_t m,
                 float* sum) const {
    const auto slope = static_cast<float>(2 * factor * kernel(a, n, b, m).slope);
    const float *left = a[n].data(), *right = b[m].data();
    for (std::int64_t i = 0; i < count_; ++i) sum[i] += slope * (left[i] - right[i]);
  }

  bool rbf_;
  std::vector<double> scales_;
  double sigma_, width_ = 1;
  std::int64_t rows_ = 0, count_ = 0;
};
LOOM_NODE(Mmd, "mmd")

}  // namespace

// The covariance matrix of the rows of the batch, given to each of them.
//   y[n, i, j] = 1/(M - ddof) sum over m of (x[m, i] - mean_i) (x[m, j] - mean_j), M rows
//   dx[m, i] = 1/(M - ddof) sum over j of (G[i, j] + G[j, i]) (x[m, j] - mean_j), G the sum of dy over the rows
// Kumar, Sattigeri and Balakrishnan 2018, Variational Inference of Disentangled Latent Concepts (DIP-VAE), equation 5.
#include <memory>

#include "batch/rows.h"
#include "dnnl/matmul.h"

namespace {

using namespace loom::nodes;
using loom::dnnl::Matmul;

class BatchCovariance final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("The covariance matrix over the batch");
    c.source("Kumar et al. 2018, Variational Inference of Disentangled Latent Concepts, equation 5");
    c.input("x", "[N, D]", "vectors");
    c.output("y", "[N, D, D]", "their covariance matrix, the same in each row");
    c.option("ddof", 0, loom::integer().at_least(0).at_most(1), "1: divided by the rows less one, without bias");
    c.whole_batch(2);
    c.backward_reads({"x"});
  }
  explicit BatchCovariance(const loom::Options& o) : less_(o.integer("ddof")) {}

  void prepare(const loom::Prepare& p) override {
    rows_ = p.input(0)[0];
    width_ = p.input(0)[1];
    centered_ = p.scratch<float>(rows_ * width_);
    mean_ = p.scratch<double>(std::max(width_, width_ * width_));
    product_ =
        std::make_unique<Matmul>(loom::dnnl::MatmulShape{.m = width_, .n = width_, .k = rows_, .transpose_a = true});
    std::size_t work = product_->scratch_bytes();
    if (p.backward) {
      matrix_ = p.scratch<float>(width_ * width_);
      slope_ = std::make_unique<Matmul>(loom::dnnl::MatmulShape{.m = rows_, .n = width_, .k = width_});
      work = std::max(work, slope_->scratch_bytes());
    }
    work_ = p.scratch<std::byte>(work);
  }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView y = f.output(0);
    const float* centered = center(f, f.input(0));
    product_->execute(centered, centered, nullptr, y[0].data(), work_(f).data());
    loom::math::scale(factor(), y[0].data(), y[0].data(), y.per_sample());
    for (std::int64_t n = 1; n < rows_; ++n) std::ranges::copy(y[0], y[n].begin());
  }

  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff(0)) return;
    const float* centered = center(b, b.input(0));
    const std::span<double> mean = mean_(b).first(static_cast<std::size_t>(width_ * width_));
    mean_of_rows(b, b.diff_output(0), mean);
    float* matrix = matrix_(b).data();
    const double scale = static_cast<double>(rows_) * static_cast<double>(factor());
    for (std::int64_t i = 0; i < width_; ++i) {
      for (std::int64_t j = 0; j < width_; ++j)
        matrix[i * width_ + j] = static_cast<float>(
            scale * (mean[static_cast<std::size_t>(i * width_ + j)] + mean[static_cast<std::size_t>(j * width_ + i)]));
    }
    slope_->execute(centered, matrix, nullptr, b.diff_input(0).data(), work_(b).data());
  }

 private:
  float factor() const {
    return static_cast<float>(1.0 / static_cast<double>(std::max<std::int64_t>(1, rows_ - less_)));
  }

  const float* center(const loom::Call& call, const loom::TensorView& x) const {
    const std::span<double> mean = mean_(call).first(static_cast<std::size_t>(width_));
    mean_of_rows(call, x, mean);
    float* centered = centered_(call).data();
    for (std::int64_t i = 0; i < rows_ * width_; ++i)
      centered[i] = static_cast<float>(static_cast<double>(x.data()[i]) - mean[static_cast<std::size_t>(i % width_)]);
    return centered;
  }

  std::int64_t less_, rows_ = 0, width_ = 0;
  loom::Slot<float> centered_, matrix_;
  loom::Slot<double> mean_;
  loom::Slot<std::byte> work_;
  std::unique_ptr<const Matmul> product_, slope_;
};
LOOM_NODE(BatchCovariance, "batch_covariance")

}  // namespace

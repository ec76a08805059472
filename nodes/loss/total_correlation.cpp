// The total correlation of the aggregate posterior, KL(q(z) || prod_d q(z_d)), estimated on the batch, and the two other
// parts of the expected divergence.
//   ln q(z_i)   = ln sum_j w_ij prod_d N(z_id; mu_jd, v_jd)
//   ln q(z_id)  = ln sum_j w_ij        N(z_id; mu_jd, v_jd)
// weighted: w_ij = 1 / (dataset_size M), M samples in the batch. stratified: w_ii = 1 / dataset_size, and of the others
// 1 / (M - 1), but for one, the next sample of the batch, so that the weights add up to 1; a dataset_size below M counts as M.
//   loss              = ln q(z_i) - sum_d ln q(z_id)         total correlation
//   mutual_information = ln q(z_i|x_i) - ln q(z_i)           index-code mutual information
//   dimension_wise_kl  = sum_d ln q(z_id) - ln p(z_i)        divergence of the marginals from N(0, 1)
//                                          [nats per sample; they add up to ln q(z_i|x_i) - ln p(z_i)]
// Both estimates of ln q are biased, and more so for smaller batches; of q itself the stratified one is not. The constants of
// the weighted one are kept. Chen et al. 2018, Isolating Sources of Disentanglement in VAEs, section 3.1 and appendix C.
#include <algorithm>
#include <cmath>

#include "latent/gaussian_density.h"
#include "loom/math.h"
#include "loom/node.h"

namespace {

using namespace loom::nodes;
namespace math = loom::math;

constexpr std::int64_t kPieces = 16;  // parts of the batch, computed in parallel; their sums are added in order

class TotalCorrelation final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Total correlation of the aggregate posterior, by minibatch weighted or stratified sampling");
    c.source("Chen et al. 2018, Isolating Sources of Disentanglement in VAEs, section 3.1 and appendix C");
    c.input("z", "[N, D]", "draws from the posterior");
    c.input("mu", "[N, D]", "its mean");
    c.input("logvar", "[N, D]", "natural logarithm of its variance");
    c.output("loss", "[N]", "total correlation, nats per sample");
    c.output("mutual_information", "[N]", "nats per sample");
    c.output("dimension_wise_kl", "[N]", "nats per sample");
    c.option("dataset_size", loom::required, loom::integer().at_least(1), "samples of the training data");
    c.option("sampling", "weighted", loom::text({"weighted", "stratified"}),
             "how the samples of a batch stand for the data; stratified: the density itself is unbiased");
    c.whole_batch();
    c.backward_reads({"z", "mu", "logvar"});
  }
  explicit TotalCorrelation(const loom::Options& options)
      : dataset_size_(static_cast<double>(options.integer("dataset_size"))),
        stratified_(options.text("sampling") == "stratified") {}

  void prepare(const loom::Prepare& p) override {
    rows_ = p.input("z")[0];
    width_ = p.input("z")[1];
    precision_ = p.scratch<float>(rows_ * width_);
    tables_ = p.scratch<float>(kPieces * piece_floats());
    if (p.backward) sums_ = p.scratch<float>(kPieces * 2 * rows_ * width_);
  }

  void forward(const loom::Forward& f) const override {
    precompute(f);
    const double shift = stratified_ ? 0 : std::log(dataset_size_ * static_cast<double>(rows_));
    for_rows(f, [&](std::int64_t i, std::int64_t piece) {
      const float* z = f.input("z")[i].data();
      float* table = densities(f, i, piece);
      const double joint = math::log_sum_exp(table + width_ * rows_, rows_) - shift;
      double marginals = 0;
      for (std::int64_t d = 0; d < width_; ++d) marginals += math::log_sum_exp(table + d * rows_, rows_) - shift;
      const double own = gaussian_log_density(f.input("mu")[i].data(), f.input("logvar")[i].data(), z, width_);
      f.output("loss")[i][0] = static_cast<float>(joint - marginals);
      f.output("mutual_information")[i][0] = static_cast<float>(own - joint);
      f.output("dimension_wise_kl")[i][0] = static_cast<float>(marginals - standard_normal_log_density(z, width_));
    });
  }

  void backward(const loom::Backward& b) const override {
    precompute(b);
    std::ranges::fill(sums_(b), 0.0F);
    float* sums = sums_(b).data();
    for_rows(b, [&](std::int64_t i, std::int64_t piece) {
      float* diff_z = b.wants_diff("z") ? b.diff_input("z")[i].data() : nullptr;
      if (diff_z != nullptr) std::fill_n(diff_z, width_, 0.0F);
      add_row(b, i, densities(b, i, piece), diff_z, sums + piece * 2 * rows_ * width_);
    });
    for (const bool of_mu : {true, false}) {
      const char* port = of_mu ? "mu" : "logvar";
      if (!b.wants_diff(port)) continue;
      float* diff = b.diff_input(port).data();
      std::fill_n(diff, rows_ * width_, 0.0F);
      for (std::int64_t piece = 0; piece < kPieces; ++piece)
        math::add(diff, sums + (2 * piece + (of_mu ? 0 : 1)) * rows_ * width_, diff, rows_ * width_);
    }
  }

 private:
  std::int64_t piece_floats() const { return (width_ + 1) * rows_; }

  void precompute(const loom::Call& call) const {
    float* precision = precision_(call).data();
    math::scale(-1, call.input("logvar").data(), precision, rows_ * width_);
    math::exp(precision, precision, rows_ * width_);
  }

  template <class Body>
  void for_rows(const loom::Call& call, const Body& body) const {
    call.parallel(kPieces, [&](std::int64_t first, std::int64_t last, int) {
      for (std::int64_t piece = first; piece < last; ++piece) {
        for (std::int64_t i = piece * rows_ / kPieces; i < (piece + 1) * rows_ / kPieces; ++i) body(i, piece);
      }
    });
  }

  // ln w_ij of stratified sampling.
  float log_weight(std::int64_t i, std::int64_t j) const {
    const auto rows = static_cast<double>(rows_), others = rows - 1, size = std::max(dataset_size_, rows);
    if (i == j) return static_cast<float>(-std::log(size));
    if (j == (i + 1) % rows_) return static_cast<float>(std::log((size - others) / (size * others)));
    return static_cast<float>(-std::log(others));
  }

  // [D + 1, M]: ln N(z_id; mu_jd, v_jd) of each dimension, and last their sum over the dimensions; with ln w_ij, if stratified.
  float* densities(const loom::Call& call, std::int64_t i, std::int64_t piece) const {
    const float *z = call.input("z")[i].data(), *mu = call.input("mu").data(), *logvar = call.input("logvar").data();
    const float* precision = precision_(call).data();
    float* table = tables_(call).data() + piece * piece_floats();
    for (std::int64_t j = 0; j < rows_; ++j) {
      float joint = 0;
      for (std::int64_t d = 0; d < width_; ++d) {
        const std::int64_t at = j * width_ + d;
        const float deviation = z[d] - mu[at];
        const float density =
            -0.5F * (deviation * deviation * precision[at] + logvar[at]) - static_cast<float>(kHalfLogTwoPi);
        table[d * rows_ + j] = density;
        joint += density;
      }
      table[width_ * rows_ + j] = joint;
      if (!stratified_) continue;
      const float weight = log_weight(i, j);
      for (std::int64_t d = 0; d <= width_; ++d) table[d * rows_ + j] += weight;
    }
    return table;
  }

  // The derivatives by ln N(z_id; mu_jd, v_jd) of ln q(z_i), softmax_j(joint), of ln q(z_id), softmax_j(dimension d), and
  // of ln q(z_i|x_i), 1 where j is i; with what the three outputs make of them.
  void add_row(const loom::Backward& b, std::int64_t i, float* table, float* diff_z, float* sums) const {
    const float *z = b.input("z")[i].data(), *mu = b.input("mu").data(), *precision = precision_(b).data();
    const float total = b.diff_output("loss")[i][0], information = b.diff_output("mutual_information")[i][0];
    const float marginal = b.diff_output("dimension_wise_kl")[i][0];
    for (std::int64_t d = 0; d <= width_; ++d) math::softmax(table + d * rows_, table + d * rows_, rows_);
    const float* joint = table + width_ * rows_;
    for (std::int64_t j = 0; j < rows_; ++j) {
      for (std::int64_t d = 0; d < width_; ++d) {
        const std::int64_t at = j * width_ + d;
        const float weight = (total - information) * joint[j] + (marginal - total) * table[d * rows_ + j] +
                             (j == i ? information : 0.0F);
        const float deviation = z[d] - mu[at], slope = deviation * precision[at];
        if (diff_z != nullptr) diff_z[d] -= weight * slope;
        sums[at] += weight * slope;
        sums[rows_ * width_ + at] += weight * 0.5F * (deviation * slope - 1);
      }
    }
    if (diff_z != nullptr) math::accumulate(marginal, z, diff_z, width_);  // of -ln p(z_i)
  }

  double dataset_size_;
  bool stratified_;
  std::int64_t rows_ = 0, width_ = 0;
  loom::Slot<float> precision_;  // e^-logvar, [M, D]
  loom::Slot<float> tables_;     // [pieces][D + 1, M]: see densities()
  loom::Slot<float> sums_;       // gradients: [pieces][mu, logvar][M, D]
};
LOOM_NODE(TotalCorrelation, "total_correlation")

}  // namespace

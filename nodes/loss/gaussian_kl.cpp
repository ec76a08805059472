// Divergence of a diagonal Gaussian posterior from the prior N(0, I).
//   kl_j = 1/2 (e^logvar_j + mu_j^2 - 1 - logvar_j), 0 where mask is,  KL = their sum over the event  [nats per sample]
//   loss = KL                                               Kingma and Welling 2014, appendix B
//   loss = sum over groups g of max(free_bits, E KL_g)      Kingma et al. 2016, section 3.2.1 and appendix C.8
//   loss = |E KL - C|, C = capacity min(1, step / capacity_steps)     Burgess et al. 2018, equation 8
// E is the mean over the batch: with free_bits or capacity the node sees the whole batch, and every sample gets the
// same loss. `kl` and `per_dimension` are always the divergence itself.
//   log_ratio = ln q(z|x) - ln N(z; 0, I) at a drawn z, whose expectation is KL; 0 if z is not connected. Importance-
//   weighted bounds sum it (Burda et al. 2016).
#include <algorithm>
#include <cmath>

#include "latent/gaussian_density.h"
#include "loom/math.h"
#include "loom/node.h"
#include "math/likelihood.h"

namespace {

using namespace loom::nodes;
namespace math = loom::math;

bool over_batch(const loom::Options& o) { return o.number("free_bits") > 0 || o.has("capacity"); }

class GaussianKl final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("KL divergence of a diagonal Gaussian from N(0, I)");
    c.source("Kingma and Welling 2014, Auto-Encoding Variational Bayes, appendix B");
    c.role(loom::Role::divergence);
    c.input("mu", "[N, ...E]", "mean");
    c.input("logvar", "[N, ...E]", "natural logarithm of the variance");
    c.input("z", "[N, ...E]", "a draw, for log_ratio only").optional();
    loom::Weighting::declare_mask(c);
    c.output("loss", "[N]", "nats per sample");
    c.output("per_dimension", "[N, ...E]", "nats of each latent dimension");
    c.output("log_ratio", "[N]", "ln q(z|x) - ln p(z) at z, nats");
    c.output("kl", "[N]", "the divergence itself, independent of free_bits and capacity, nats");
    c.option("free_bits", 0.0, loom::at_least(0), "lower bound of the loss of each group, for the mean over the batch",
             "nats");
    c.option("free_bits_groups", 0, loom::integer().at_least(0),
             "number of groups of consecutive latent values; 0: each value is a group");
    c.option("capacity", loom::OptionValue(), loom::at_least(0), "C: the loss is |KL - C|; its weight is gamma",
             "nats");
    c.option("capacity_steps", 0, loom::integer().at_least(0), "training steps over which C rises from 0", "steps");
    c.whole_batch_if(over_batch);
    c.drawn_by({.type = "standard_normal"});
    c.backward_reads({"mu", "logvar", "z", "mask"});
  }
  static void infer(loom::ShapeInference& s) {
    loom::Weighting::infer(s, "mu");
    const std::int64_t groups = s.options().integer("free_bits_groups"), count = s.input("mu").event().count();
    if (groups > 0 && count % groups != 0) {
      s.fail("free_bits_groups does not divide the latent values", std::to_string(groups) + " groups",
             "a divisor of " + std::to_string(count));
    }
    if (s.options().number("free_bits") > 0 && s.options().has("capacity"))
      s.fail("free_bits and capacity exclude each other", "both", "one of them");
  }
  explicit GaussianKl(const loom::Options& options)
      : free_bits_(options.number("free_bits")),
        groups_(options.integer("free_bits_groups")),
        capacity_steps_(options.integer("capacity_steps")),
        over_batch_(over_batch(options)) {
    if (options.has("capacity")) capacity_ = options.number("capacity");
  }

  void prepare(const loom::Prepare& p) override {
    count_ = p.input("mu").count_from(1);
    if (groups_ == 0) groups_ = count_;
    weighting_.prepare(p, "mu");
    if (!over_batch_) return;
    means_ = p.backward ? p.saved<double>(groups_) : p.scratch<double>(groups_);
    if (p.backward) factors_ = p.scratch<float>(count_);
  }

  void forward(const loom::Forward& f) const override {
    const loom::TensorView mu = f.input("mu"), logvar = f.input("logvar"), z = f.input("z");
    const loom::TensorView loss = f.output("loss"), ratio = f.output("log_ratio"), kl = f.output("kl");
    for (std::int64_t n = 0; n < f.rows; ++n) {
      const float *m = mu[n].data(), *l = logvar[n].data();
      const std::span<const float> mask = weighting_.row(f, n);
      float* values = f.output("per_dimension")[n].data();
      double sum = math::gaussian_kl(m, l, values, count_);
      if (!mask.empty()) {
        apply_weights(mask, values);
        sum = math::sum(values, count_);
      }
      kl[n][0] = static_cast<float>(sum);
      loss[n][0] = kl[n][0];
      ratio[n][0] = z.empty() ? 0.0F : static_cast<float>(log_ratio(m, l, z[n].data(), mask));
    }
    if (over_batch_) std::ranges::fill(loss.values(), batch_loss(f));
  }

  void backward(const loom::Backward& b) const override {
    const loom::TensorView mu = b.input("mu"), logvar = b.input("logvar"), z = b.input("z");
    const loom::TensorView diff = b.diff_output("loss"), diff_ratio = b.diff_output("log_ratio");
    float* factors = factors_(b).data();
    const double total = over_batch_ ? math::sum(diff.data(), b.rows) / static_cast<double>(b.rows) : 0;
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const auto wanted = [&](const char* port) { return b.wants_diff(port) ? b.diff_input(port)[n].data() : nullptr; };
      float *diff_mu = wanted("mu"), *diff_logvar = wanted("logvar"), *diff_z = wanted("z");
      const float *m = mu[n].data(), *l = logvar[n].data(), *per_dimension = b.diff_output("per_dimension")[n].data();
      const float own = b.diff_output("kl")[n][0];
      if (over_batch_) {
        for (std::int64_t j = 0; j < count_; ++j)
          factors[j] = per_dimension[j] + own + static_cast<float>(total * slope(b, j * groups_ / count_));
        math::gaussian_kl_gradient(0, factors, m, l, diff_mu, diff_logvar, count_);
      } else {
        math::gaussian_kl_gradient(diff[n][0] + own, per_dimension, m, l, diff_mu, diff_logvar, count_);
      }
      const std::span<const float> mask = weighting_.row(b, n);
      if (diff_mu != nullptr) apply_weights(mask, diff_mu);
      if (diff_logvar != nullptr) apply_weights(mask, diff_logvar);
      if (diff_z != nullptr) std::fill_n(diff_z, count_, 0.0F);
      if (z.empty() || diff_ratio[n][0] == 0) continue;
      add_ratio_gradient(diff_ratio[n][0], {m, l, z[n].data()}, diff_mu, diff_logvar, diff_z, mask);
    }
  }

 private:
  // ln q(z|x) - ln N(z; 0, I)
  double log_ratio(const float* mu, const float* logvar, const float* z, std::span<const float> mask) const {
    if (mask.empty()) return math::gaussian_log_ratio(mu, logvar, z, count_);
    return gaussian_log_density(mu, logvar, z, count_, mask) - standard_normal_log_density(z, count_, mask);
  }

  struct Draw {
    const float *mu, *logvar, *z;
  };
  void add_ratio_gradient(float factor, const Draw& d, float* diff_mu, float* diff_logvar, float* diff_z,
                          std::span<const float> mask) const {
    add_gaussian_log_density_gradient(factor, d.mu, d.logvar, d.z, diff_mu, diff_logvar, diff_z, count_, mask);
    if (diff_z == nullptr) return;
    if (mask.empty()) return math::accumulate(factor, d.z, diff_z, count_);  // of -ln N(z; 0, I)
    for (std::int64_t i = 0; i < count_; ++i) {
      const float weight = mask[static_cast<std::size_t>(i)];
      if (weight != 0) diff_z[i] += factor * weight * d.z[i];
    }
  }

  double target(std::int64_t step, bool training) const {
    if (!training || capacity_steps_ == 0) return capacity_;
    return capacity_ * std::min(1.0, static_cast<double>(step) / static_cast<double>(capacity_steps_));
  }

  // Keeps the mean of each group, or the mean of the sum in means[0].
  float batch_loss(const loom::Forward& f) const {
    double* means = means_(f).data();
    const auto rows = static_cast<double>(f.rows);
    if (capacity_ >= 0) {
      means[0] = math::sum(f.output("kl").data(), f.rows) / rows;
      return static_cast<float>(std::abs(means[0] - target(f.step, f.training)));
    }
    const std::int64_t each = count_ / groups_;
    std::fill_n(means, groups_, 0.0);
    for (std::int64_t n = 0; n < f.rows; ++n) {
      const float* row = f.output("per_dimension")[n].data();
      for (std::int64_t g = 0; g < groups_; ++g) means[g] += math::sum(row + g * each, each) / rows;
    }
    double sum = 0;
    for (std::int64_t g = 0; g < groups_; ++g) sum += std::max(free_bits_, means[g]);
    return static_cast<float>(sum);
  }

  // The derivative of the batch's loss with respect to the mean of a group.
  double slope(const loom::Backward& b, std::int64_t group) const {
    const double* means = means_(b).data();
    if (capacity_ < 0) return means[group] > free_bits_ ? 1 : 0;
    const double distance = means[0] - target(b.step, b.training);
    return distance > 0 ? 1 : distance < 0 ? -1 : 0;
  }

  loom::Weighting weighting_;
  double free_bits_, capacity_ = -1;  // -1: none
  std::int64_t groups_, capacity_steps_, count_ = 0;
  bool over_batch_;
  loom::Slot<double> means_;   // per group (free bits), or of the sum (capacity)
  loom::Slot<float> factors_;  // per dimension, for its KL in backward
};
LOOM_NODE(GaussianKl, "gaussian_kl")

}  // namespace

// The prior of a categorical VAE: one-hot vectors, all classes equally probable.
//   y [N, ...E, C] is 1 at a uniformly drawn class and 0 elsewhere, for each position of E
//   log_density = -ln C for each position                                                       [nats]
#include "loom/node.h"

#include <algorithm>
#include <cmath>

namespace {

class OneHotPrior final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("One-hot vectors of uniformly drawn classes");
    c.source("Jang, Gu and Poole 2017, Categorical Reparameterization with Gumbel-Softmax");
    c.role(loom::Role::prior);
    c.output("y", "[N, ...E]", "one-hot along the last axis").no_gradient();
    c.output("log_density", "[N]", "ln p(y), nats").no_gradient();
    c.option("shape", loom::required, loom::integer_list().at_least(1), "extents of one draw, the classes last");
    c.stochastic();
  }
  static void infer(loom::ShapeInference& s) { s.bind_run("E", s.options().integers("shape")); }
  explicit OneHotPrior(const loom::Options&) {}

  void prepare(const loom::Prepare& p) override {
    classes_ = p.output("y").back();
    variables_ = p.output("y").count_from(1) / classes_;
    uniform_ = p.scratch<float>(variables_);
  }

  void forward(const loom::Forward& f) const override {
    const std::span<float> uniform = uniform_(f);
    const double density = -static_cast<double>(variables_) * std::log(static_cast<double>(classes_));
    for (std::int64_t n = 0; n < f.rows; ++n) {
      const auto y = f.output("y")[n];
      f.output("log_density")[n][0] = static_cast<float>(density);
      std::ranges::fill(y, 0.0F);
      f.uniform(n, uniform);
      for (std::int64_t v = 0; v < variables_; ++v) {
        const auto drawn = static_cast<std::int64_t>(static_cast<double>(uniform[static_cast<std::size_t>(v)]) *
                                                     static_cast<double>(classes_));
        y[static_cast<std::size_t>(v * classes_ + std::min(drawn, classes_ - 1))] = 1;
      }
    }
  }
  void backward(const loom::Backward&) const override {}  // no inputs

 private:
  std::int64_t classes_ = 0, variables_ = 0;
  loom::Slot<float> uniform_;  // a draw for each variable
};

}  // namespace

LOOM_NODE(OneHotPrior, "one_hot_prior")

// Negative log-likelihood of independent categorical variables, given the logits: the 256-way likelihood of pixels and
// of mu-law audio, and the prior over codes.
//   loss = sum over the positions E of ln sum_k e^logits[k] - logits[target]     [nats per sample]
//   logits [N, ...E, K], target [N, ...E] of codes 0 to K - 1
#include <fmt/format.h>

#include "loom/error.h"
#include "loom/math.h"
#include "loom/node.h"

namespace {

namespace math = loom::math;

class CategoricalNll final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Negative log-likelihood of categorical variables, from logits");
    c.source("van den Oord et al. 2016, Pixel Recurrent Neural Networks, section 3.4");
    c.role(loom::Role::likelihood);
    c.input("logits", "[N, ...E, K]", "unnormalised log-probabilities");
    c.input("target", "[N, ...E]", "observed codes").dtype(loom::DType::i32).no_gradient();
    c.output("loss", "[N]", "nats per sample");
    c.backward_reads({"logits", "target"});
  }
  explicit CategoricalNll(const loom::Options&) {}

  void forward(const loom::Forward& f) const override {
    const loom::TensorView logits = f.input("logits"), target = f.input("target");
    const std::int64_t classes = logits.shape().back();
    for (std::int64_t n = 0; n < f.rows; ++n) {
      const float* row = logits[n].data();
      double loss = 0;
      for (std::int32_t code : target.rows(n, 1).values<std::int32_t>()) {
        check(code, classes, f.first_sample + n);
        loss += math::log_sum_exp(row, classes) - static_cast<double>(row[code]);
        row += classes;
      }
      f.output("loss")[n][0] = static_cast<float>(loss);
    }
  }

  // softmax(logits) - one-hot(target)
  void backward(const loom::Backward& b) const override {
    if (!b.wants_diff("logits")) return;
    const loom::TensorView logits = b.input("logits"), target = b.input("target"), diff = b.diff_output("loss");
    const std::int64_t classes = logits.shape().back();
    for (std::int64_t n = 0; n < b.rows; ++n) {
      const float* row = logits[n].data();
      float* out = b.diff_input("logits")[n].data();
      for (std::int32_t code : target.rows(n, 1).values<std::int32_t>()) {
        math::softmax(row, out, classes);
        out[code] -= 1;
        math::scale(diff[n][0], out, out, classes);
        row += classes;
        out += classes;
      }
    }
  }

 private:
  static void check(std::int32_t code, std::int64_t classes, std::int64_t sample) {
    if (code >= 0 && code < classes) return;
    throw loom::Error(loom::ErrorCode::out_of_range,
                      fmt::format("the target of sample {} has the code {}, but there are logits for 0 to {}", sample,
                                  code, classes - 1));
  }
};
LOOM_NODE(CategoricalNll, "categorical_nll")

}  // namespace

// The loss of a generator, non-saturating: its values should get the logits of data (loss/gan.h).
//   loss = l("real", logits of `fake`), averaged with those of `sampled` if it is connected
//   hinge: -logit                                                        [summed over the event, per sample]
// Goodfellow et al. 2014, section 3; Larsen et al. 2016, equation 8.
#include "loom/math.h"
#include "loss/gan.h"

namespace {

using namespace loom::nodes;

class GanGeneratorLoss final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Loss of a generator, from the logits of a discriminator");
    c.source("Goodfellow et al. 2014, Generative Adversarial Nets, section 3 (non-saturating)");
    c.input("fake", "[N, ...E]", "logits of generated values: reconstructions, or samples");
    c.input("sampled", "[N, ...E]", "logits of more generated values").optional();
    c.output("loss", "[N]", "per sample");
    GanLoss::declare(c);
    c.backward_reads({"fake", "sampled"});
  }
  explicit GanGeneratorLoss(const loom::Options& options) : loss_(options) {}

  void forward(const loom::Forward& f) const override {
    const loom::TensorView fake = f.input("fake"), sampled = f.input("sampled");
    for (std::int64_t n = 0; n < f.rows; ++n) {
      double loss = value(fake[n].data(), fake.per_sample());
      if (!sampled.empty()) loss = 0.5 * (loss + value(sampled[n].data(), fake.per_sample()));
      f.output("loss")[n][0] = static_cast<float>(loss);
    }
  }

  void backward(const loom::Backward& b) const override {
    const float share = b.has_input("sampled") ? 0.5F : 1.0F;
    for (const char* port : {"fake", "sampled"}) {
      if (!b.wants_diff(port)) continue;
      const loom::TensorView logits = b.input(port), diff = b.diff_input(port);
      for (std::int64_t n = 0; n < b.rows; ++n) {
        const float factor = share * b.diff_output("loss")[n][0];
        if (loss_.hinge())
          std::ranges::fill(diff[n], -factor);
        else
          loss_.gradient(factor, true, logits[n].data(), diff[n].data(), logits.per_sample());
      }
    }
  }

 private:
  double value(const float* logits, std::int64_t count) const {
    return loss_.hinge() ? -loom::math::sum(logits, count) : loss_.value(true, logits, count);
  }

  GanLoss loss_;
};
LOOM_NODE(GanGeneratorLoss, "gan_generator_loss")

}  // namespace

// The loss of a discriminator: data should get high logits, and generated values low logits (loss/gan.h).
//   loss = real + generated,   real = l("real", logits of data),
//   generated = l("generated", logits of `fake`), averaged with those of `sampled` if it is connected
//                                                                        [summed over the event, per sample]
// Larsen et al. 2016, Autoencoding beyond pixels, equation 8, takes both reconstructions and samples of the prior.
#include "loss/gan.h"

namespace {

using namespace loom::nodes;

class GanDiscriminatorLoss final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Loss of a discriminator between data and what a model generates");
    c.source("Goodfellow et al. 2014, Generative Adversarial Nets, equation 1; Larsen et al. 2016, equation 8");
    c.input("real", "[N, ...E]", "logits of data");
    c.input("fake", "[N, ...E]", "logits of generated values: reconstructions, or samples");
    c.input("sampled", "[N, ...E]", "logits of more generated values").optional();
    c.output("loss", "[N]", "real + generated, per sample");
    c.output("real_loss", "[N]", "the part from data");
    c.output("generated_loss", "[N]", "the part from generated values");
    GanLoss::declare(c);
    c.backward_reads({"real", "fake", "sampled"});
  }
  explicit GanDiscriminatorLoss(const loom::Options& options) : loss_(options) {}

  void forward(const loom::Forward& f) const override {
    const loom::TensorView real = f.input("real"), fake = f.input("fake"), sampled = f.input("sampled");
    const std::int64_t count = real.per_sample();
    for (std::int64_t n = 0; n < f.rows; ++n) {
      const double of_data = loss_.value(true, real[n].data(), count);
      double generated = loss_.value(false, fake[n].data(), count);
      if (!sampled.empty()) generated = 0.5 * (generated + loss_.value(false, sampled[n].data(), count));
      f.output("loss")[n][0] = static_cast<float>(of_data + generated);
      f.output("real_loss")[n][0] = static_cast<float>(of_data);
      f.output("generated_loss")[n][0] = static_cast<float>(generated);
    }
  }

  void backward(const loom::Backward& b) const override {
    const float share = b.has_input("sampled") ? 0.5F : 1.0F;
    for (const char* port : {"real", "fake", "sampled"}) {
      if (!b.wants_diff(port)) continue;
      const bool real = std::string_view(port) == "real";
      const loom::TensorView logits = b.input(port), diff = b.diff_input(port);
      const loom::TensorView whole = b.diff_output("loss"), part = b.diff_output(real ? "real_loss" : "generated_loss");
      for (std::int64_t n = 0; n < b.rows; ++n) {
        loss_.gradient((whole[n][0] + part[n][0]) * (real ? 1 : share), real, logits[n].data(), diff[n].data(),
                       logits.per_sample());
      }
    }
  }

 private:
  GanLoss loss_;
};
LOOM_NODE(GanDiscriminatorLoss, "gan_discriminator_loss")

}  // namespace

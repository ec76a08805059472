// The scores of disentanglement as metrics: codes against known factors of variation.
#include "loom/metric.h"
#include "measure/disentanglement.h"

namespace loom::measure {
namespace {

// A score of whole tensors: what it computes is what it declares.
class FactorScore : public Metric {
 public:
  void begin(const MetricPass& pass) final { pass_ = pass; }
  void add(std::span<const TensorView> inputs) final { results_ = score(inputs[0], inputs[1], pass_); }
  std::vector<MetricResult> finish() final { return std::move(results_); }

 protected:
  static void declare_inputs(Contract& c) {
    c.measures(Measured::factors);
    c.input("codes", "[N, D]", "posterior means of all latent variables, side by side");
    c.input("factors", "[N, F]", "the value of each factor").dtype(DType::i32);
  }
  virtual std::vector<MetricResult> score(const TensorView& codes, const TensorView& factors,
                                          const MetricPass& pass) const = 0;

 private:
  MetricPass pass_;
  std::vector<MetricResult> results_;
};

class MutualInformationGap final : public FactorScore {
 public:
  static void declare(Contract& c) {
    c.summary("Mutual information gap").source("Chen et al. 2018, Isolating Sources of Disentanglement, equation 6");
    declare_inputs(c);
    c.value(
        "mig", "MIG", "",
        "mean over the factors of (I(c_1; v) - I(c_2; v)) / H(v), where c_1 and c_2 are the two dimensions with the "
        "most information about v; 20 bins of equal width");
    c.value("disentanglement_items", "items scored", "", "number of items of the scores of disentanglement");
  }
  explicit MutualInformationGap(const Options&) {}
  std::vector<MetricResult> score(const TensorView& codes, const TensorView& factors,
                                  const MetricPass&) const override {
    return {{"mig", mutual_information_gap(codes, factors)}, {"disentanglement_items", codes.samples()}};
  }
};

class ForestScores final : public FactorScore {
 public:
  static void declare(Contract& c) {
    c.summary("Disentanglement, completeness and informativeness, from a random forest");
    c.source("Eastwood and Williams 2018, section 2; Locatello et al. 2019");
    declare_inputs(c);
    c.value("dci_disentanglement", "DCI disentanglement", "",
            "sum over the dimensions of rho_d (1 - H_F(importances)): one dimension, one factor");
    c.value("dci_completeness", "DCI completeness", "",
            "mean over the factors of 1 - H_D(importances): one factor, one dimension");
    c.value("dci_informativeness", "DCI informativeness", "",
            "accuracy of the forest on the half of the items that it was not trained on");
  }
  explicit ForestScores(const Options&) {}
  std::vector<MetricResult> score(const TensorView& codes, const TensorView& factors,
                                  const MetricPass& pass) const override {
    const Dci scores = dci(codes, factors, pass.seed, *pass.threads);
    return {{"dci_disentanglement", scores.disentanglement},
            {"dci_completeness", scores.completeness},
            {"dci_informativeness", scores.informativeness}};
  }
};

class FactorVae final : public FactorScore {
 public:
  static void declare(Contract& c) {
    c.summary("The score of FactorVAE").source("Kim and Mnih 2018, Disentangling by Factorising, section 4");
    declare_inputs(c);
    c.value("factor_vae", "FactorVAE score", "",
            "accuracy of the majority vote of the dimension with the least normalized variance among 64 items that "
            "share a factor's value; 10,000 votes, 5,000 tests");
  }
  explicit FactorVae(const Options&) {}
  std::vector<MetricResult> score(const TensorView& codes, const TensorView& factors,
                                  const MetricPass& pass) const override {
    FactorVaeOptions votes;
    votes.seed = pass.seed;
    return {{"factor_vae", factor_vae_score(codes, factors, votes)}};
  }
};

class Predictability final : public FactorScore {
 public:
  static void declare(Contract& c) {
    c.summary("Separated attribute predictability").source("Kumar et al. 2018, section 3");
    declare_inputs(c);
    c.value("sap", "SAP", "",
            "mean over the factors of the difference of the two largest R^2 of a linear regression on one dimension");
  }
  explicit Predictability(const Options&) {}
  std::vector<MetricResult> score(const TensorView& codes, const TensorView& factors,
                                  const MetricPass&) const override {
    return {{"sap", separated_attribute_predictability(codes, factors)}};
  }
};

LOOM_METRIC(MutualInformationGap, "mig")
LOOM_METRIC(ForestScores, "dci")
LOOM_METRIC(FactorVae, "factor_vae")
LOOM_METRIC(Predictability, "sap")

}  // namespace
}  // namespace loom::measure

// Codes without a data set: the classes that condition samples.
//   order uniform: y ~ uniform over 0 ... classes - 1
//   class k: always k
//   order in_turn: 0, 1, ..., classes - 1, repeated, by the index of the sample: pictures with one class per column
#include <algorithm>
#include <cmath>

#include "loom/node.h"

namespace {

class CategoricalPrior final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Draws classes uniformly, takes them in turn, or gives one class");
    c.role(loom::Role::prior);
    c.output("y", "[N, ...E]", "codes from 0 to classes - 1").dtype(loom::DType::i32).no_gradient();
    c.output("log_density", "[N]", "ln p(y), nats; 0 if nothing is drawn").no_gradient();
    c.option("classes", loom::required, loom::integer().at_least(1), "number of classes");
    c.option("shape", std::vector<loom::OptionValue>{}, loom::integer_list().at_least(1), "extents of one sample");
    c.option("class", -1, loom::integer().at_least(-1), "always this class, without a draw; -1: see order");
    c.option("order", "uniform", loom::text({"uniform", "in_turn"}), "drawn uniformly, or the classes in turn");
    c.rule({"class", "classes"}, "there is no such class", "a class from 0 to classes - 1",
           [](const loom::Options& o) { return o.integer("class") < o.integer("classes"); });
    c.stochastic();
  }
  static void infer(loom::ShapeInference& s) { s.bind_run("E", s.options().integers("shape")); }
  explicit CategoricalPrior(const loom::Options& options)
      : classes_(options.integer("classes")),
        class_(options.integer("class")),
        in_turn_(options.text("order") == "in_turn") {}

  void prepare(const loom::Prepare& p) override { uniform_ = p.scratch<float>(p.output("y").count_from(1)); }

  void forward(const loom::Forward& f) const override {
    const std::int64_t count = f.output("y").per_sample();
    auto* codes = f.output("y").data<std::int32_t>();
    const std::span<float> uniform = uniform_(f);
    for (std::int64_t n = 0; n < f.rows; ++n, codes += count) {
      const bool given = in_turn_ || class_ >= 0;
      const double density = given ? 0 : -static_cast<double>(count) * std::log(static_cast<double>(classes_));
      f.output("log_density")[n][0] = static_cast<float>(density);
      if (given) {
        std::fill_n(codes, count, static_cast<std::int32_t>(class_ >= 0 ? class_ : (f.first_row + n) % classes_));
        continue;
      }
      f.uniform(n, uniform);
      std::ranges::transform(uniform, codes, [&](float u) {
        return static_cast<std::int32_t>(
            std::min(classes_ - 1, static_cast<std::int64_t>(u * static_cast<float>(classes_))));
      });
    }
  }
  void backward(const loom::Backward&) const override {}  // no inputs

 private:
  std::int64_t classes_, class_;
  bool in_turn_;
  loom::Slot<float> uniform_;  // one draw per value of a sample
};
LOOM_NODE(CategoricalPrior, "categorical_prior")

}  // namespace

// value = values[k] + (values[k + 1] - values[k]) (step - at[k]) / (at[k + 1] - at[k]),  at[k] <= step < at[k + 1]
// Constant before the first and after the last point; between: constant keeps values[k] up to at[k + 1].
#include <algorithm>

#include "loom/schedule.h"

namespace loom::nodes {
namespace {

class Piecewise final : public Schedule {
 public:
  static void declare(Contract& c) {
    c.summary("From point to point: a value at each of several steps");
    c.option("at", required, integer_list().at_least(0), "the steps of the points, ascending", "steps")
        .example(points());
    c.option("values", required, number_list(), "the value at each point").example(points());
    c.option("between", "linear", text({"linear", "constant"}), "constant: each value up to the next point");
    c.rule({"at", "values"}, "each point has a step and a value",
           "`at` and `values` equally long, with a point at least", [](const Options& options) {
             return !options.integers("at").empty() &&
                    options.integers("at").size() == options.numbers("values").size();
           });
    c.rule({"at"}, "the points are in the order of their steps", "ascending steps", [](const Options& options) {
      const std::vector<std::int64_t> at = options.integers("at");
      return std::ranges::adjacent_find(at, std::greater_equal<>()) == at.end();
    });
  }
  explicit Piecewise(const Options& options)
      : at_(options.integers("at")), values_(options.numbers("values")), linear_(options.text("between") == "linear") {}

  double value(std::int64_t step) const override {
    const auto next = static_cast<std::size_t>(std::ranges::upper_bound(at_, step) - at_.begin());
    if (next == 0) return values_.front();
    const double before = values_[next - 1];
    if (next == at_.size() || !linear_) return before;
    const auto passed = static_cast<double>(step - at_[next - 1]),
               whole = static_cast<double>(at_[next] - at_[next - 1]);
    return before + (values_[next] - before) * passed / whole;
  }

 private:
  static OptionValue points() { return std::vector<OptionValue>{0, 10}; }

  std::vector<std::int64_t> at_;
  std::vector<double> values_;
  bool linear_;
};

}  // namespace

LOOM_SCHEDULE(Piecewise, "piecewise")

}  // namespace loom::nodes

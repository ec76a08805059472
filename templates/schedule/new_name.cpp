// A wave between two values: a cosine with a period.
//   value(t) = to + (from - to) (1 + cos(2 pi t / period)) / 2
#include <loom/schedule.h>

#include <cmath>
#include <numbers>

namespace {

class NewName final : public loom::Schedule {
 public:
  static void declare(loom::Contract& c) {
    c.summary("A cosine between two values, repeated");
    c.option("from", loom::required, loom::number(), "value at the start of a period");
    c.option("to", loom::required, loom::number(), "value in the middle of a period");
    c.option("period", loom::required, loom::integer().at_least(2), "length of a period", "steps");
  }

  explicit NewName(const loom::Options& options)
      : from_(options.number("from")), to_(options.number("to")), period_(options.integer("period")) {}

  // The value depends only on the step, so that a resumed training job has the same values.
  double value(std::int64_t step) const override {
    const double part = static_cast<double>(step % period_) / static_cast<double>(period_);
    return to_ + (from_ - to_) * 0.5 * (1 + std::cos(2 * std::numbers::pi * part));
  }

 private:
  double from_, to_;
  std::int64_t period_;
};

}  // namespace

LOOM_SCHEDULE(NewName, "new.name")

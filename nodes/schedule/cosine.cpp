// value = to + (from - to) (1 + cos(pi part)) / 2,  part = min(1, max(0, step - after) / over)
// Loshchilov and Hutter 2017, SGDR: Stochastic Gradient Descent with Warm Restarts, equation 5, without restarts.
#include <cmath>
#include <numbers>

#include "schedule/ramp.h"

namespace loom::nodes {
namespace {

class Cosine final : public Ramp {
 public:
  static void declare(Contract& c) {
    c.summary("Half a cosine from one value to another, then constant");
    c.source("Loshchilov and Hutter 2017, SGDR: Stochastic Gradient Descent with Warm Restarts, equation 5");
    declare_ramp(c);
  }
  explicit Cosine(const Options& options) : Ramp(options) {}
  double value(std::int64_t step) const override {
    return to_ + (from_ - to_) * 0.5 * (1 + std::cos(std::numbers::pi * part(step)));
  }
};

}  // namespace

LOOM_SCHEDULE(Cosine, "cosine")

}  // namespace loom::nodes

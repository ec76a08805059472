// value = from. A plain number in a document says the same; with `warmup` it needs this form.
#include "loom/schedule.h"

namespace loom::nodes {
namespace {

class Constant final : public Schedule {
 public:
  static void declare(Contract& c) {
    c.summary("One value for all steps");
    c.option("from", required, number(), "the value");
  }
  explicit Constant(const Options& options) : value_(options.number("from")) {}
  double value(std::int64_t) const override { return value_; }

 private:
  double value_;
};

}  // namespace

LOOM_SCHEDULE(Constant, "constant")

}  // namespace loom::nodes

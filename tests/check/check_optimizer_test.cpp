// The check of optimizers and schedules: every standard one passes it, and each kind of mistake is found by its row.
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <limits>

#include "check/standard_registry.h"
#include "loom/check.h"
#include "loom/optimizer.h"
#include "loom/schedule.h"

using namespace loom;
using namespace loom::check;

namespace {

enum class Mistake { none, range, remembers, not_finite };

template <Mistake mistake>
class ToyOptimizer final : public Optimizer {
 public:
  static void declare(Contract& c) { c.summary("a toy"); }
  explicit ToyOptimizer(const Options&) {}
  void update(const Update& u) const override {
    for (std::int64_t i = 0; i < u.count; ++i) {
      float rate = static_cast<float>(u.learning_rate);
      if (mistake == Mistake::range) rate /= static_cast<float>(u.count);  // depends on the cut
      if (mistake == Mistake::remembers) rate *= static_cast<float>(++calls_ % 1000);
      if (mistake == Mistake::not_finite) rate = std::numeric_limits<float>::infinity();
      u.weight[i] -= rate * u.gradient[i];
    }
  }

 private:
  mutable std::atomic<int> calls_{0};
};

template <Mistake mistake>
class ToySchedule final : public Schedule {
 public:
  static void declare(Contract& c) { c.summary("a toy"); }
  explicit ToySchedule(const Options&) {}
  double value(std::int64_t step) const override {
    if (mistake == Mistake::remembers) return ++calls_;
    return mistake == Mistake::not_finite && step == 777 ? std::numeric_limits<double>::quiet_NaN() : 1;
  }

 private:
  mutable std::atomic<int> calls_{0};
};

template <class Type, class T>
CheckTable table_of() {
  return check_type(std::make_shared<const Type>(loom::detail::make_type<Type, T>("toy")));
}

template <class Type, class T>
void fails(const char* row) {
  const CheckTable table = table_of<Type, T>();
  const CheckRow* found = table.find(row);
  BOOST_TEST_REQUIRE((found != nullptr), row << " is not in\n" << table.text());
  BOOST_TEST((found->result == CheckRow::Result::failed), table.text());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(check_optimizer)

BOOST_AUTO_TEST_CASE(every_standard_type_passes) {
  const Registry& registry = standard_registry();
  BOOST_TEST(registry.names<OptimizerType>().size() >= 5U);
  for (const std::string& name : registry.names<OptimizerType>()) {
    const CheckTable table = check_type(registry.find<OptimizerType>(name));
    BOOST_TEST(table.ok(), table.text());
  }
  for (const std::string& name : registry.names<ScheduleType>()) {
    TypeCheck settings;
    const auto type = registry.find<ScheduleType>(name);
    if (name == "multi_step") settings.options.set("at", OptionValue(std::vector<OptionValue>{3, 9}));
    const CheckTable table = check_type(type, settings);
    BOOST_TEST(table.ok(), table.text());
  }
}

BOOST_AUTO_TEST_CASE(each_mistake_is_found) {
  BOOST_TEST((table_of<OptimizerType, ToyOptimizer<Mistake::none>>().ok()));
  fails<OptimizerType, ToyOptimizer<Mistake::range>>("ranges");
  fails<OptimizerType, ToyOptimizer<Mistake::remembers>>("repeat");
  fails<OptimizerType, ToyOptimizer<Mistake::not_finite>>("finite");
  BOOST_TEST((table_of<ScheduleType, ToySchedule<Mistake::none>>().ok()));
  fails<ScheduleType, ToySchedule<Mistake::remembers>>("repeat");
  fails<ScheduleType, ToySchedule<Mistake::not_finite>>("finite");
}

BOOST_AUTO_TEST_SUITE_END()

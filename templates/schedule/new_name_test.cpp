// new.name: the checks of every schedule, and values computed by hand.
#include <loom/check.h>
#include <loom/schedule.h>

#include <cmath>

using namespace loom::check;

int main(int argc, char** argv) {
  PluginTest test(argc, argv);
  test.check("new.name");

  loom::Options options;
  options.set("from", 3.0);
  options.set("to", 1.0);
  options.set("period", 8);
  const auto wave = test.registry().find<loom::ScheduleType>("new.name")->create(options);
  const double expected[] = {3, 2 + std::sqrt(0.5), 2, 2 - std::sqrt(0.5), 1};
  for (int step = 0; step < 5; ++step)
    test.expect(std::abs(wave->value(step) - expected[step]) < 1e-12, "step " + std::to_string(step));
  test.expect(wave->value(8 * 1000 + 2) == wave->value(2), "it repeats");
  return test.finish();
}

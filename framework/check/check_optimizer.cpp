// The checks of an optimizer: it is element-wise, repeatable, finite and has no memory of its own. The checks of a
// schedule: it is finite and depends only on the step.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "check/example_options.h"
#include "loom/optimizer.h"
#include "loom/random.h"
#include "loom/schedule.h"

namespace loom::check {
namespace {

using Result = CheckRow::Result;

constexpr std::int64_t kCount = 259;  // not a multiple of a vector's width
constexpr int kSteps = 20;
constexpr std::int64_t kScheduleSteps = 20000;

// Weights and states of a training run on f(w) = |w|^2 / 2 + noise, with each step cut into `pieces` ranges.
struct Course {
  std::vector<float> weight = std::vector<float>(kCount, 1.0F), gradient = std::vector<float>(kCount);
  std::vector<std::vector<float>> states;
  double fastest = 0;  // the largest change of one weight in one step

  Course(const Optimizer& optimizer, std::uint64_t seed, std::int64_t pieces) {
    states.assign(optimizer.states().size(), std::vector<float>(kCount));
    for (int step = 1; step <= kSteps; ++step) {
      RandomStream(seed, stream_of("optimizer"), static_cast<std::uint32_t>(step)).normal(0, gradient);
      for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] = 0.1F * gradient[i] + weight[i];
      for (std::int64_t piece = 0; piece < pieces; ++piece)
        update(optimizer, step, piece * kCount / pieces, (piece + 1) * kCount / pieces);
    }
  }
  bool is_finite() const {
    const auto finite = [](const std::vector<float>& values) {
      for (const float value : values)
        if (!std::isfinite(value)) return false;
      return true;
    };
    for (const auto& state : states)
      if (!finite(state)) return false;
    return finite(weight);
  }
  bool operator==(const Course& other) const { return weight == other.weight && states == other.states; }

 private:
  void update(const Optimizer& optimizer, int step, std::int64_t first, std::int64_t last) {
    std::vector<float*> pointers;
    for (auto& state : states) pointers.push_back(state.data() + first);
    Update range;
    range.weight = weight.data() + first;
    range.gradient = gradient.data() + first;
    range.states = pointers;
    range.count = last - first;
    range.step = step;
    range.learning_rate = 0.01;
    optimizer.update(range);
  }
};

double norm(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(sum);
}

void check_course(const Optimizer& optimizer, const TypeCheck& settings, CheckTable& table) {
  const Course whole(optimizer, settings.seed, 1), again(optimizer, settings.seed, 1),
      pieces(optimizer, settings.seed, 7);
  const auto add = [&](const char* check, bool good, const std::string& passed, const std::string& failed) {
    table.add({check, good ? Result::passed : Result::failed, good ? passed : failed});
  };
  add("finite", whole.is_finite(), fmt::format("weights and states after {} steps", kSteps),
      "a weight or a state is not finite");
  add("repeat", whole == again, "the same call gives the same bits", "the same call gives different bits");
  add("ranges", whole == pieces, "7 ranges of a parameter give the same bits as one range",
      "a parameter divided into 7 ranges gives different bits: update() must be element-wise");
  const double before = std::sqrt(static_cast<double>(kCount)), after = norm(whole.weight);
  table.add(
      {"descent", after < before ? Result::passed : Result::noted,
       fmt::format("|w| of a quadratic goes from {:.3f} to {:.3f} in {} steps of lr 0.01", before, after, kSteps)});
}

void check_schedule(const Schedule& schedule, CheckTable& table) {
  double low = schedule.value(0), high = low;
  for (std::int64_t step = 0; step <= kScheduleSteps; ++step) {
    const double value = schedule.value(step);
    if (!std::isfinite(value)) {
      table.add({"finite", Result::failed, fmt::format("the value of step {} is {}", step, value)});
      return;
    }
    if (value != schedule.value(step)) {
      table.add({"repeat", Result::failed, fmt::format("step {} has different values in two calls", step)});
      return;
    }
    low = std::min(low, value);
    high = std::max(high, value);
  }
  table.add({"finite", Result::passed, fmt::format("from {:g} to {:g} over {} steps", low, high, kScheduleSteps)});
  table.add({"repeat", Result::passed, "a function of the step"});
}

}  // namespace

CheckTable check_type(const std::shared_ptr<const OptimizerType>& type, const TypeCheck& settings) {
  return check_with(*type, settings, [&](const Optimizer& optimizer, const Options&, CheckTable& table) {
    check_course(optimizer, settings, table);
  });
}

CheckTable check_type(const std::shared_ptr<const ScheduleType>& type, const TypeCheck& settings) {
  return check_with(*type, settings, [](const Schedule& schedule, const Options&, CheckTable& table) {
    check_schedule(schedule, table);
  });
}

}  // namespace loom::check

#include "train/moving_average.h"

#include <algorithm>

#include "loom/math.h"

namespace loom {
namespace {
constexpr std::int64_t kAverageChunk = 1 << 14;  // floats
}

MovingAverage::MovingAverage(ParameterStore& store, std::vector<int> parameters, double decay, Executor& executor)
    : store_(store), parameters_(std::move(parameters)), decay_(decay), executor_(executor) {
  for (const int parameter : parameters_) averages_.push_back(store_.at(parameter).value.clone());
}

void MovingAverage::restart() {
  for (std::size_t k = 0; k < parameters_.size(); ++k)
    std::ranges::copy(store_.at(parameters_[k]).value.values(), averages_[k].values().begin());
}

void MovingAverage::update() {
  const auto t = static_cast<double>(updates_++);
  step_decay_ = std::min(decay_, (1 + t) / (10 + t));
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    struct Work {
      float* average;
      const float* weight;
      double decay;
    } work{averages_[k].values().data(), store_.at(parameters_[k]).value.values().data(), step_decay_};
    executor_.parallel_for(averages_[k].count(), kAverageChunk, [&work](std::int64_t first, std::int64_t last) {
      math::moving_average(work.average + first, work.weight + first, work.decay, last - first);
    });
  }
}

void MovingAverage::swap() {
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    const std::span<float> average = averages_[k].values();
    std::ranges::swap_ranges(average, store_.at(parameters_[k]).value.values());
  }
  store_.touch();
}

}  // namespace loom

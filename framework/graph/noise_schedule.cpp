#include "graph/noise_schedule.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace loom {
namespace {

NoiseLevel flow_noise(double t) { return {1 - t, t, -1, 1}; }

// cos(pi / 2) is exactly 0 here, so that a time without any data is recognised.
NoiseLevel cosine_noise(double t) {
  constexpr double kRate = std::numbers::pi / 2;
  const double alpha = t == 1 ? 0 : std::cos(kRate * t), sigma = std::sin(kRate * t);
  return {alpha, sigma, -kRate * sigma, kRate * alpha};
}

// dx = -beta x / 2 dt + sqrt(beta) dw with beta from 0.1 to 20: the steps of Ho et al. 2020 in the limit.
NoiseLevel linear_noise(double t) {
  constexpr double kFirst = 0.1, kLast = 20;
  const double log_alpha = -(kLast - kFirst) / 4 * t * t - kFirst / 2 * t, alpha = std::exp(log_alpha);
  const double sigma = std::sqrt(-std::expm1(2 * log_alpha));
  const double alpha_rate = -(kFirst + (kLast - kFirst) * t) / 2 * alpha;
  return {alpha, sigma, alpha_rate, -alpha * alpha_rate / sigma};
}

NoiseLevel edm_noise(double t) { return {1, t, 0, 1}; }

}  // namespace

const std::vector<NoiseSchedule>& noise_schedules() {
  static const std::vector<NoiseSchedule> schedules = {{"flow", 1, flow_noise},
                                                       {"cosine", 1, cosine_noise},
                                                       {"linear", 1, linear_noise},
                                                       {"edm", std::numeric_limits<double>::infinity(), edm_noise}};
  return schedules;
}

std::vector<std::string> noise_schedule_names() {
  std::vector<std::string> names;
  for (const NoiseSchedule& schedule : noise_schedules()) names.emplace_back(schedule.name);
  return names;
}

const NoiseSchedule& noise_schedule(const std::string& name) {
  const auto found =
      std::ranges::find_if(noise_schedules(), [&](const NoiseSchedule& one) { return one.name == name; });
  return found == noise_schedules().end() ? noise_schedules().front() : *found;
}

}  // namespace loom

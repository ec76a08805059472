#include "generate/solver_step.h"

#include <algorithm>
#include <cmath>

#include "graph/noise_schedule.h"
#include "train/check_iteration.h"

namespace loom {
namespace {

// The noise that the network's output says there is in the state.
Direction noise_direction(const IterationEntry& entry, double time) {
  const auto [alpha, sigma, alpha_rate, sigma_rate] = noise_schedule(entry.schedule).at(time);
  if (entry.predicts == "data") return {time, 1 / sigma, -alpha / sigma};
  if (entry.predicts == "score") return {time, 0, -sigma};
  if (entry.predicts == "v") {
    const double norm = alpha * alpha + sigma * sigma;
    return {time, sigma / norm, alpha / norm};
  }
  if (entry.predicts == "velocity") {  // x = alpha data + sigma e, o = alpha' data + sigma' e
    const double determinant = alpha * sigma_rate - alpha_rate * sigma;
    return {time, -alpha_rate / determinant, alpha / determinant};
  }
  return {time, 0, 1};
}

struct Move {
  double keep, along;
};

// From time t to time s without noise.
Move move_between(const IterationEntry& entry, double t, double s) {
  if (follows_velocity(entry)) return {1, s - t};
  const NoiseSchedule& schedule = noise_schedule(entry.schedule);
  const NoiseLevel from = schedule.at(t), to = schedule.at(s);
  const double keep = to.alpha / from.alpha;
  return {keep, to.sigma - keep * from.sigma};
}

Direction direction_at(const IterationEntry& entry, double time) {
  return follows_velocity(entry) ? Direction{time, 0, 1} : noise_direction(entry, time);
}

// Song et al. 2021, equations 12 and 16, with alpha and sigma in place of their square roots of alpha and 1 - alpha: the
// step of Ho et al. 2020 at eta = 1.
void draw_noise(const IterationEntry& entry, double eta, double t, double s, SolverStep& step) {
  const NoiseSchedule& schedule = noise_schedule(entry.schedule);
  const NoiseLevel from = schedule.at(t), to = schedule.at(s);
  const double ratio = from.alpha / to.alpha, kept = ratio * to.sigma / from.sigma;  // sigma of t that is of s already
  step.noise = eta * to.sigma * std::sqrt(std::max(0.0, 1 - kept * kept));
  step.along = std::sqrt(std::max(0.0, to.sigma * to.sigma - step.noise * step.noise)) - step.keep * from.sigma;
}

// x + h score + sqrt(2 h temperature) z, with the score -e / sigma.
SolverStep langevin_step(const IterationEntry& entry, double time) {
  const double h = entry.step_size.value_or(0), temperature = entry.temperature.value_or(1);
  if (has_fixed_density(entry)) {
    SolverStep step{.first = {time, 0, 1}, .along = h};
    step.noise = std::sqrt(2 * h * temperature);
    return step;
  }
  const double sigma = noise_schedule(entry.schedule).at(time).sigma;
  SolverStep step{.first = noise_direction(entry, time), .along = -h * sigma};
  step.noise = sigma * std::sqrt(2 * h * temperature);
  return step;
}

}  // namespace

double step_time(const IterationEntry& entry, std::int64_t i) {
  if (entry.replaces()) return static_cast<double>(i) / static_cast<double>(entry.steps);
  const auto [from, to, scale] = iteration_range(entry);
  if (entry.grid == "uniform") {
    if (i == entry.steps) return to;
    return from + (to - from) * static_cast<double>(i) / static_cast<double>(entry.steps);
  }
  if (i == entry.steps) return 0;
  if (i == 0) return from;
  const double rho = entry.rho.value_or(7), part = static_cast<double>(i) / static_cast<double>(entry.steps - 1),
               first = std::pow(from, 1 / rho), last = std::pow(to, 1 / rho);
  return std::pow(first + part * (last - first), rho);
}

SolverStep solver_step(const IterationEntry& entry, std::int64_t i) {
  const double t = step_time(entry, i), s = step_time(entry, i + 1);
  if (entry.solver == "langevin") return langevin_step(entry, t);
  const Move whole = move_between(entry, t, s);
  SolverStep step{.first = direction_at(entry, t), .keep = whole.keep, .along = whole.along};
  const double eta = entry.solver == "ddpm" ? 1 : entry.eta.value_or(0);
  if (eta > 0) draw_noise(entry, eta, t, s, step);
  const bool heun = entry.solver == "heun";
  if (!heun && entry.solver != "midpoint") return step;
  // Where there is no noise left, it cannot be told from the state: the last step is one of Euler.
  if (heun && !follows_velocity(entry) && noise_schedule(entry.schedule).at(s).sigma == 0) return step;
  const double other = heun ? s : (t + s) / 2;
  const Move trial = move_between(entry, t, other);
  step.mixed = heun ? 0.5 : 1;
  step.second = direction_at(entry, other);
  step.trial_keep = trial.keep;
  step.trial_along = trial.along;
  return step;
}

}  // namespace loom

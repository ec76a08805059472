// A target whose every quantity is known: x ~ N(1.5, 0.5^2) in two dimensions, under each schedule of noise.
//   x_t ~ N(alpha m, u^2), u^2 = alpha^2 s^2 + sigma^2; the flow keeps (x_t - alpha m) / u, so that x_0 = m + s (x_t - alpha m) / u
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "generate/pass.h"
#include "graph/noise_schedule.h"
#include "loom/model.h"
#include "loom/random.h"

namespace loom {

inline constexpr double kTargetMean = 1.5, kTargetDeviation = 0.5;

// The nodes alpha, sigma, their rates, and what networks of each kind would predict: velocity, noise, data, v, score.
inline std::string gaussian_nodes(const std::string& schedule) {
  std::string levels = R"yaml({outputs: {alpha: "1 - t", sigma: "t", da: "0 * t - 1", ds: "0 * t + 1"})yaml";
  if (schedule == "cosine")
    levels = R"yaml({let: {h: "pi / 2"}, outputs: {alpha: "cos(h * t)", sigma: "sin(h * t)",
                     da: "-h * sin(h * t)", ds: "h * cos(h * t)"})yaml";
  if (schedule == "linear")
    levels = R"yaml({let: {a: "exp(-4.975 * t^2 - 0.05 * t)", b: "sqrt(1 - a^2)", r: "-(9.95 * t + 0.05) * a"},
                     outputs: {alpha: "a", sigma: "b", da: "r", ds: "-a * r / b"})yaml";
  if (schedule == "edm") levels = R"yaml({outputs: {alpha: "0 * t + 1", sigma: "t", da: "0 * t", ds: "0 * t + 1"})yaml";
  return R"yaml(version: 1
nodes:
  x: {type: input, shape: [2]}
  t: {type: input, shape: [1]}
  level: )yaml" +
         levels + R"yaml(, type: expr, in: {t: t}}
  network:
    type: expr
    in: {x: x, a: level.alpha, b: level.sigma, da: level.da, ds: level.ds}
    let: {r: "(x - a * 1.5) / (a * a * 0.25 + b * b)", e: "b * r", d: "1.5 + a * 0.25 * r"}
    outputs: {velocity: "da * d + ds * e", noise: "e", data: "d", v: "a * e - b * d", score: "-r"}
)yaml";
}

inline std::string gaussian_sample(const std::string& schedule, const std::string& predicts, const std::string& keys) {
  return gaussian_nodes(schedule) + "generate:\n  sample: {iterate: {state: x, time: t, by: network." + predicts +
         ", predicts: " + predicts + ", schedule: " + schedule + ", " + keys + "}, show: x}\n";
}

inline Tensor drawn(const std::string& text, std::int64_t count, const std::map<std::string, OptionValue>& keys = {}) {
  return Model(DocumentText{text}, {.threads = 2}).sample(count, {.seed = 7, .draws = {.iterate = keys}});
}

// The first state of a sample, before its scale.
inline std::vector<double> first_state(std::int64_t sample, const std::string& state = "x") {
  std::vector<float> values(2);
  RandomStream(7 ^ kDrawSeed, stream_of(state), 0).normal(static_cast<std::uint32_t>(sample), values);
  return {values.begin(), values.end()};
}

// The greatest distance from where the probability flow leads from `from`.
inline double flow_error(const Tensor& samples, const std::string& schedule, double from, double scale = 1) {
  const NoiseLevel level = noise_schedule(schedule).at(from);
  const double s = kTargetDeviation, u = std::sqrt(level.alpha * level.alpha * s * s + level.sigma * level.sigma);
  double error = 0;
  for (std::int64_t n = 0; n < samples.shape()[0]; ++n) {
    const std::vector<double> z = first_state(n);
    for (std::size_t i = 0; i < 2; ++i) {
      const double exact = kTargetMean + s * (scale * z[i] - level.alpha * kTargetMean) / u,
                   got = static_cast<double>(samples.values()[2 * static_cast<std::size_t>(n) + i]);
      error = std::max(error, std::abs(got - exact));
    }
  }
  return error;
}

struct Moments {
  double mean = 0, deviation = 0;
};

inline Moments moments_of(const Tensor& samples) {
  double sum = 0, squares = 0;
  for (const float value : samples.values()) sum += static_cast<double>(value);
  const auto count = static_cast<double>(samples.count());
  for (const float value : samples.values()) squares += std::pow(static_cast<double>(value) - sum / count, 2);
  return {sum / count, std::sqrt(squares / count)};
}

}  // namespace loom

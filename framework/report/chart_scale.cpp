#include "report/chart_scale.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "report/readable.h"

namespace loom::report {
namespace {

constexpr double kRounding = 1e-9;   // relative; smaller differences of values are ignored
constexpr double kPadding = 0.06;    // of the range of values
constexpr double kLogarithmic = 30;  // the factor between values from which on a scale is logarithmic
constexpr double kTicks = 5.5;       // at most so many; at least half of them

double seconds_apart(double rough) {
  static constexpr std::array kSteps = {1.0,   2.0,   5.0,    10.0,   15.0,   30.0,    60.0,    120.0,  300.0,
                                        600.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 21600.0, 43200.0};
  const auto* step = std::ranges::find_if(kSteps, [&](double candidate) { return candidate >= rough; });
  return step != kSteps.end() ? *step : 86400 * std::ceil(rough / 86400);
}

// 1, 10, 100, ...; with 2 and 5 between where these are few.
std::vector<double> log_ticks(double low, double high) {
  const double decades = std::log10(high / low);
  const double stride = std::max(1.0, std::ceil(decades / kTicks));
  std::vector<double> ticks;
  for (double power = std::floor(std::log10(low)); power <= std::log10(high); power += stride) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      if (factor > 1 && decades > 2) continue;
      const double value = factor * std::pow(10, power);
      if (value >= low * (1 - kRounding) && value <= high * (1 + kRounding)) ticks.push_back(value);
    }
  }
  return ticks;
}

}  // namespace

std::vector<double> round_ticks(double low, double high, double count, double least) {
  const double span = high - low;
  if (!(span > kRounding * std::max(std::abs(low), std::abs(high))) || !std::isfinite(span)) return {};
  const double rough = std::max(span / count, least), power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * (1 - kRounding)) {
      step = factor * power;
      break;
    }
  }
  std::vector<double> ticks;
  for (double k = std::ceil(low / step); k * step <= high + step * 1e-9; ++k) ticks.push_back(k * step);
  return ticks;
}

std::string tick_text(double value, double step) {
  if (std::abs(value) < step * 1e-6) return "0";
  const auto digits = [](double apart) {
    return apart >= 1 ? 0 : static_cast<int>(std::ceil(-std::log10(apart) - 1e-9));
  };
  for (const auto& [unit, letter] : {std::pair{1e9, "G"}, {1e6, "M"}, {1e3, "k"}}) {
    if (std::abs(value) < unit * (unit == 1e3 ? 10 : 1)) continue;
    if (std::abs(value) >= 1e13) break;
    return fmt::format("{:.{}f}{}", value / unit, std::min(3, digits(step / unit)), letter);
  }
  if (std::abs(value) >= 1e13 || step < 1e-3) return fmt::format("{:.3g}", value);
  return fmt::format("{:.{}f}", value, digits(step));
}

Scale::Scale(Kind kind, double low, double high) : kind_(kind), low_(low), high_(high) {}

Scale Scale::for_values(double low, double high, double least, bool whole) {
  if (least > 0 && low > 0 && high / low >= kLogarithmic) {
    const double padding = std::pow(high / low, kPadding);
    return {Kind::logarithmic, low / padding, high * padding};
  }
  const double spread = high - low;
  // Means of equal values can differ in the last bits, which does not count as a spread.
  const bool flat = spread <= kRounding * std::max(std::abs(low), std::abs(high));
  const double padding = !flat ? spread * kPadding : std::max(1e-12, std::abs(low) * 0.1);
  return {whole ? Kind::whole : Kind::linear, low - padding, high + padding};
}

double Scale::place(double value) const {
  if (kind_ != Kind::logarithmic) return (value - low_) / (high_ - low_);
  return value > 0 ? std::log(value / low_) / std::log(high_ / low_) : -1;  // below the axis
}

std::vector<Tick> Scale::ticks() const {
  std::vector<Tick> ticks;
  if (kind_ == Kind::logarithmic) {
    for (const double value : log_ticks(low_, high_))
      ticks.push_back({value, tick_text(value, std::pow(10, std::floor(std::log10(value))))});
    return ticks;
  }
  if (kind_ == Kind::seconds) {
    const double step = seconds_apart((high_ - low_) / kTicks);
    for (double k = std::ceil(low_ / step); k * step <= high_; ++k)
      ticks.push_back({k * step, readable_time(k * step)});
    return ticks;
  }
  const std::vector<double> values = round_ticks(low_, high_, kTicks, kind_ == Kind::whole ? 1 : 0);
  const double step = values.size() > 1 ? values[1] - values[0] : high_ - low_;
  for (const double value : values) ticks.push_back({value, tick_text(value, step)});
  return ticks;
}

}  // namespace loom::report

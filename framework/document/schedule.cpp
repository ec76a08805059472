#include <algorithm>
#include <cmath>
#include <numbers>

#include "document/document.h"

namespace loom {

Schedule Schedule::constant(double value) {
  Schedule schedule;
  schedule.from = value;
  schedule.to = value;
  return schedule;
}

double Schedule::value(std::int64_t step) const {
  const double rise = warmup > 0 ? std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(warmup)) : 1.0;
  const std::int64_t passed = std::max<std::int64_t>(0, step - after);
  const double part = over > 0 ? std::min(1.0, static_cast<double>(passed) / static_cast<double>(over)) : 1.0;
  switch (kind) {
    case Kind::constant: return rise * from;
    case Kind::linear: return rise * (from + (to - from) * part);
    case Kind::cosine: return rise * (to + (from - to) * 0.5 * (1 + std::cos(std::numbers::pi * part)));
    case Kind::step: return rise * from * std::pow(factor, static_cast<double>(every > 0 ? passed / every : 0));
    case Kind::multi_step: {
      const auto reached =
          std::count_if(at.begin(), at.end(), [&](std::int64_t milestone) { return step >= milestone; });
      return rise * from * std::pow(factor, static_cast<double>(reached));
    }
  }
  return from;
}

const Location& OptimizerEntry::place_of(const std::string& option) const {
  const auto it = places.find(option);
  return it != places.end() ? it->second : where;
}

}  // namespace loom

#include "train/optimizer_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <vector>

#include "train/optimizer.h"

namespace loom {
namespace {

std::vector<std::string> keys_of(const auto& map) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : map) keys.push_back(key);
  return keys;
}

// The range of an option, in words; empty where the value lies in it.
std::string broken_range(const std::string& name, double value) {
  if (!std::isfinite(value)) return "a finite number";
  if (name == "beta1" || name == "beta2") return value >= 0 && value < 1 ? "" : "at least 0 and below 1";
  if (name == "alpha") return value >= 0 && value <= 1 ? "" : "from 0 to 1";
  return value >= 0 ? "" : "at least 0";
}

void check_range(const OptimizerEntry& entry, const std::string& name, double value, Diagnostics& diagnostics) {
  const std::string range = broken_range(name, value);
  if (range.empty()) return;
  Diagnostic& finding = diagnostics.add(ErrorCode::out_of_range, entry.place_of(name),
                                        fmt::format("[{}] `{}` is out of range", entry.type, name));
  finding.got = fmt::format("{}", value);
  finding.expected = range;
}

}  // namespace

const std::map<std::string, std::map<std::string, double>>& optimizer_types() {
  static const std::map<std::string, std::map<std::string, double>> types = {
      {"adam", {{"beta1", 0.9}, {"beta2", 0.999}, {"epsilon", 1e-8}, {"weight_decay", 0}}},
      {"adamw", {{"beta1", 0.9}, {"beta2", 0.999}, {"epsilon", 1e-8}, {"weight_decay", 0.01}}},
      {"adamax", {{"beta1", 0.9}, {"beta2", 0.999}, {"epsilon", 1e-8}, {"weight_decay", 0}}},
      {"sgd", {{"momentum", 0}, {"dampening", 0}, {"weight_decay", 0}, {"nesterov", 0}}},
      {"rmsprop", {{"alpha", 0.99}, {"epsilon", 1e-8}, {"weight_decay", 0}, {"momentum", 0}, {"centered", 0}}},
  };
  return types;
}

OptimizerOptions resolve_optimizer_options(const OptimizerEntry& entry, Diagnostics& diagnostics) {
  const auto type = optimizer_types().find(entry.type);
  if (type == optimizer_types().end()) {
    Diagnostic& finding = diagnostics.add(ErrorCode::out_of_range, entry.where, "unknown optimizer type");
    finding.got = entry.type;
    finding.expected = fmt::format("one of {}", fmt::join(keys_of(optimizer_types()), ", "));
    finding.suggestion = nearest_name(entry.type, keys_of(optimizer_types()));
    return {};
  }
  OptimizerOptions options = type->second;
  std::map<std::string, double> given = entry.options;
  if (entry.nesterov) given["nesterov"] = 1;
  if (entry.centered) given["centered"] = 1;
  for (const auto& [written, value] : given) {
    const std::string name = written == "eps" ? "epsilon" : written;
    const auto option = options.find(name);
    if (option == options.end()) {
      Diagnostic& finding = diagnostics.add(ErrorCode::unknown_option, entry.place_of(written),
                                            fmt::format("[{}] has no option `{}`", entry.type, written));
      finding.expected = fmt::format("lr, {}", fmt::join(keys_of(type->second), ", "));
      finding.suggestion = nearest_name(written, keys_of(type->second));
      continue;
    }
    check_range(entry, name, value, diagnostics);
    option->second = value;
  }
  if (entry.type == "sgd" && options["nesterov"] != 0 && (options["momentum"] <= 0 || options["dampening"] != 0)) {
    diagnostics
        .add(ErrorCode::out_of_range, entry.place_of("nesterov"),
             "[sgd] `nesterov` needs a momentum above 0 and no dampening")
        .expected = "momentum: 0.9, nesterov: true";
  }
  return options;
}

void check_optimizer(const OptimizerEntry& entry, Diagnostics& diagnostics) {
  resolve_optimizer_options(entry, diagnostics);
}

}  // namespace loom

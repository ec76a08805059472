#include "loom/check.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "io/npz.h"
#include "loom/error.h"

namespace loom::check {
namespace {

OptionValue option_of(const nlohmann::json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object()) {
    OptionMap map;
    for (const auto& [name, item] : value.items()) map.push_back({name, option_of(item)});
    return OptionValue(std::move(map));
  }
  std::vector<OptionValue> list;
  for (const nlohmann::json& item : value) list.push_back(option_of(item));
  return OptionValue(std::move(list));
}

// CASE/KIND/NAME -> [KIND][NAME], for one case.
std::map<std::string, Tensors> arrays_of(const Tensors& archive, const std::string& name) {
  std::map<std::string, Tensors> arrays;
  for (const auto& [key, tensor] : archive) {
    if (!key.starts_with(name + "/")) continue;
    const std::string rest = key.substr(name.size() + 1);
    const std::size_t slash = rest.find('/');
    arrays[rest.substr(0, slash)].emplace(slash == std::string::npos ? "" : rest.substr(slash + 1), tensor.clone());
  }
  return arrays;
}

void set_up(NodeTester& tester, std::map<std::string, Tensors>& arrays, const GoldenCheck& check) {
  const auto bytes = arrays.at("options").at("").values<std::uint8_t>();
  const auto options = nlohmann::json::parse(bytes.begin(), bytes.end());
  for (const auto& [option, value] : options.items()) {
    const auto renamed = check.option_names.find(option);
    tester.option(renamed == check.option_names.end() ? option : renamed->second, option_of(value));
  }
  for (const auto& [port, tensor] : arrays["in"]) tester.input(port, tensor.clone());
  for (const auto& [parameter, tensor] : arrays["param"]) tester.parameter(parameter, tensor.clone());
  for (const auto& [state, tensor] : arrays["state_before"]) tester.state(state, tensor.clone());
  if (arrays.contains("samples")) tester.samples(arrays.at("samples").at("").values<std::int32_t>().front());
  if (arrays.contains("eval")) tester.evaluation();
}

void compare_kind(Report& report, const std::string& what, const Tensors& got, const Tensors& expected,
                  double tolerance) {
  for (const auto& [name, tensor] : expected) {
    const auto it = got.find(name);
    const std::string place = fmt::format("{}/{}", what, name);
    if (it != got.end()) {
      compare(report, place, it->second, tensor, tolerance);
    } else {
      ++report.checks;
      report.failures.push_back(place + ": the node has no such tensor");
    }
  }
}

Report check_case(const Registry& registry, const std::string& type, const Tensors& archive, const std::string& name,
                  const GoldenCheck& check) {
  Report report;
  const auto own = check.case_tolerance.find(name);
  const double tolerance = own == check.case_tolerance.end() ? check.tolerance : own->second;
  std::map<std::string, Tensors> arrays = arrays_of(archive, name);
  NodeTester tester(registry, type);
  set_up(tester, arrays, check);
  const NodeResult result = tester.run(arrays["diff_out"]);
  const std::string prefix = fmt::format("{}: {}", type, name);
  compare_kind(report, prefix + "/out", result.outputs, arrays["out"], tolerance);
  compare_kind(report, prefix + "/diff_in", result.diff_inputs, arrays["diff_in"], tolerance);
  compare_kind(report, prefix + "/diff_param", result.diff_parameters, arrays["diff_param"], tolerance);
  compare_kind(report, prefix + "/state_after", result.states, arrays["state_after"], tolerance);
  for (const std::string& rule : result.broken_rules) report.failures.push_back(fmt::format("{}: {}", prefix, rule));
  return report;
}

}  // namespace

Report check_golden(const Registry& registry, const std::string& type, const std::string& path,
                    const GoldenCheck& check) {
  const Tensors archive = read_npz(path);
  std::set<std::string> names;
  for (const auto& [key, tensor] : archive) names.insert(key.substr(0, key.find('/')));
  Report report;
  for (const std::string& name : names) {
    try {
      report.add(check_case(registry, type, archive, name, check));
    } catch (const Error& problem) {
      ++report.checks;
      report.failures.push_back(fmt::format("{}: {}: {}", type, name, problem.what()));
    }
  }
  return report;
}

}  // namespace loom::check

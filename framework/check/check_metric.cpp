// The checks of a metric: it is repeatable, it declares all of its values, and they do not depend on the division into
// batches.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <sstream>
#include <vector>

#include "check/example_options.h"
#include "loom/metric.h"
#include "loom/random.h"
#include "run/executor.h"

namespace loom::check {
namespace {

using Result = CheckRow::Result;

constexpr std::int64_t kExtent = 12;  // extent of an axis without a fixed extent

// "[N, ...E, 3]" as [samples, 12, 3].
Shape example_shape(const std::string& pattern, std::int64_t samples) {
  std::vector<std::int64_t> extents;
  std::istringstream axes(pattern.substr(1, pattern.size() - 2));
  for (std::string axis; std::getline(axes, axis, ',');) {
    axis.erase(0, axis.find_first_not_of(' '));
    const bool number =
        !axis.empty() && std::ranges::all_of(axis, [](unsigned char c) { return std::isdigit(c) != 0; });
    extents.push_back(axis == "N" ? samples : number ? std::stoll(axis) : kExtent);
  }
  return Shape(extents);
}

Tensor metric_input(const PortDeclaration& port, const TypeCheck& settings, std::uint32_t number) {
  const auto given = settings.shapes.find(port.name);
  Tensor tensor(port.type,
                given != settings.shapes.end() ? given->second : example_shape(port.pattern, settings.samples));
  RandomStream stream(settings.seed, stream_of("metric"), number);
  if (port.type == DType::f32) {
    if (std::isfinite(port.minimum) && std::isfinite(port.maximum)) {
      stream.uniform(0, tensor.values());
      for (float& value : tensor.values())
        value = static_cast<float>(port.minimum + (port.maximum - port.minimum) * static_cast<double>(value));
    } else {
      stream.normal(0, tensor.values());
    }
    return tensor;
  }
  std::int64_t at = 0;
  for (std::int32_t& value : tensor.view().values<std::int32_t>())
    value = static_cast<std::int32_t>(stream.value(at++) % static_cast<std::uint64_t>(settings.classes));
  return tensor;
}

class MetricCheck {
 public:
  MetricCheck(const MetricType& type, const Options& options, const TypeCheck& settings, Executor& executor)
      : type_(type), options_(options), samples_(settings.samples), executor_(executor) {
    for (const PortDeclaration& port : type.contract.inputs())
      inputs_.push_back(metric_input(port, settings, static_cast<std::uint32_t>(inputs_.size())));
  }

  // The results of a pass whose first batch has `first` samples.
  std::vector<MetricResult> pass(std::int64_t first) const {
    const auto metric = type_.create(options_);
    metric->begin({.samples = samples_, .threads = &executor_});
    for (const auto& [from, count] : {std::pair{std::int64_t{0}, first}, std::pair{first, samples_ - first}}) {
      if (count == 0) continue;
      std::vector<TensorView> rows;
      for (std::size_t i = 0; i < inputs_.size(); ++i) {
        const bool batch = type_.contract.inputs()[i].pattern.starts_with("[N");  // otherwise a state
        rows.push_back(batch ? inputs_[i].view().rows(from, count) : inputs_[i].view());
      }
      metric->add(rows);
    }
    return metric->finish();
  }

 private:
  const MetricType& type_;
  const Options& options_;
  std::int64_t samples_;
  Executor& executor_;
  std::vector<Tensor> inputs_;
};

std::string text_of(const std::vector<MetricResult>& results) {
  std::string text;
  for (const MetricResult& result : results) text += fmt::format("{} {}; ", result.key, result.value.text());
  return text;
}

void check_results(const Contract& contract, const std::vector<MetricResult>& results, CheckTable& table) {
  if (results.empty()) table.add({"values", Result::noted, "no value for these inputs"});
  for (const MetricResult& result : results) {
    if (contract.find_value(result.key) == nullptr) {
      table.add({"values", Result::failed, fmt::format("it gives '{}', which it does not declare", result.key)});
    } else {
      table.add({"values", Result::passed, fmt::format("{} declared values", results.size())});
    }
    table.outputs.push_back(result.key);
  }
}

}  // namespace

CheckTable check_type(const std::shared_ptr<const MetricType>& type, const TypeCheck& settings) {
  const Contract& contract = type->contract;
  return check_with(*type, settings, [&](const Metric&, const Options& options, CheckTable& table) {
    Executor executor(2);
    const MetricCheck check(*type, options, settings, executor);
    const std::vector<MetricResult> whole = check.pass(settings.samples);
    check_results(contract, whole, table);
    const bool repeats = text_of(whole) == text_of(check.pass(settings.samples));
    table.add({"repeat", repeats ? Result::passed : Result::failed,
               repeats ? "the same pass gives the same values" : "the same pass gives different values"});
    if (contract.measured() != Measured::posteriors && contract.measured() != Measured::quantizers) return;
    const bool parts = text_of(whole) == text_of(check.pass(settings.samples / 2));
    table.add({"batches", parts ? Result::passed : Result::failed,
               parts ? "two batches give the same values as one" : "two batches give different values from one"});
  });
}

}  // namespace loom::check

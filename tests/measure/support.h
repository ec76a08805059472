// What the tests of measurements share: factors on a full grid, codes made from them.
#pragma once

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <functional>
#include <vector>

#include "check/standard_registry.h"
#include "loom/random.h"
#include "loom/tensor.h"
#include "run/executor.h"
#include "train/metric_set.h"

namespace loom::check {

// A standard metric with its default options, and what it gives: in parts, as a pass does.
inline std::vector<MetricValue> measured(const std::string& metric,
                                         const std::vector<std::map<std::string, TensorView>>& parts,
                                         MetricPass pass = {}) {
  static Executor executor(2);
  if (pass.threads == nullptr) pass.threads = &executor;
  Diagnostics findings;
  const std::vector<ChosenMetric> all = choose_metrics({}, standard_registry(), findings);
  findings.throw_if_any();
  const auto chosen = std::ranges::find_if(all, [&](const ChosenMetric& one) { return one.type->name == metric; });
  BOOST_REQUIRE(chosen != all.end());
  const Contract& contract = chosen->type->contract;
  const auto made = chosen->type->create(chosen->options);
  made->begin(pass);
  for (const auto& part : parts) {
    std::vector<TensorView> inputs;
    for (const PortDeclaration& input : contract.inputs())
      inputs.push_back(part.contains(input.name) ? part.at(input.name) : TensorView());
    made->add(inputs);
  }
  return described(contract, made->finish(), "", "");
}

// A number among values.
inline double number_at(const std::vector<MetricValue>& values, const std::string& key) {
  const MetricValue* value = find_value(values, key);
  BOOST_REQUIRE(value != nullptr);
  return number_of(*value).value();
}

// Every combination of factors of these sizes, `times` times: [M, F].
inline Tensor grid_of_factors(const std::vector<std::int64_t>& sizes, std::int64_t times = 1) {
  std::int64_t count = times;
  for (const std::int64_t size : sizes) count *= size;
  Tensor factors(DType::i32, {count, static_cast<std::int64_t>(sizes.size())});
  for (std::int64_t n = 0; n < count; ++n) {
    std::int64_t rest = n;
    for (std::size_t f = sizes.size(); f-- > 0;) {
      factors.view().operator[]<std::int32_t>(n)[f] = static_cast<std::int32_t>(rest % sizes[f]);
      rest /= sizes[f];
    }
  }
  return factors;
}

// code(row of factors, d), [M, width].
inline Tensor codes_from(const Tensor& factors, std::int64_t width,
                         const std::function<float(std::span<const std::int32_t>, std::int64_t)>& code) {
  Tensor codes(DType::f32, {factors.shape()[0], width});
  for (std::int64_t n = 0; n < codes.shape()[0]; ++n) {
    for (std::int64_t d = 0; d < width; ++d)
      codes.view()[n][static_cast<std::size_t>(d)] = code(factors.view().operator[]<std::int32_t>(n), d);
  }
  return codes;
}

inline Tensor noise(std::int64_t rows, std::int64_t width, std::uint64_t seed, float scale = 1) {
  Tensor values(DType::f32, {rows, width});
  RandomStream(seed, stream_of("tests/measure"), 0).normal(0, values.values());
  for (float& value : values.values()) value *= scale;
  return values;
}

}  // namespace loom::check

// Rules of initial values: their moments, and what is refused.
#include "graph/initial_values.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "check/standard_registry.h"
#include "document/document.h"
#include "document/rewrite.h"
#include "run/parameter_store.h"

using namespace loom;
using namespace loom::check;

namespace {

// The weight [units, inputs] of a linear node.
std::vector<float> weight(const std::string& init, int units = 64, int inputs = 48) {
  const std::string text = "nodes:\n  x: {type: input, shape: [" + std::to_string(inputs) +
                           "]}\n  a: {type: linear, in: x, units: " + std::to_string(units) + ", init: " + init + "}\n";
  const auto graph = build_checked(parse_document(text, "g.yaml", ".").nodes, standard_registry());
  const ParameterStore store(*graph, 7);
  const auto values = store.at(store.find("a.weight")).value.values();
  return {values.begin(), values.end()};
}

double mean(const std::vector<float>& v) {
  double sum = 0;
  for (const float x : v) sum += x;
  return sum / static_cast<double>(v.size());
}

double deviation(const std::vector<float>& v) {
  double sum = 0;
  for (const float x : v) sum += (x - mean(v)) * (x - mean(v));
  return std::sqrt(sum / static_cast<double>(v.size()));
}

std::string error_of(const std::string& node) {
  try {
    const std::string text =
        "nodes:\n  x: {type: input, shape: [4]}\n  b: {type: linear, in: x, units: 4}\n  a: " + node + "\n";
    build_checked(parse_document(text, "g.yaml", ".").nodes, standard_registry());
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(initial_values)

BOOST_AUTO_TEST_CASE(moments) {
  BOOST_TEST(weight("{weight: zeros}") == std::vector<float>(64 * 48, 0.0F));
  BOOST_TEST(weight("{weight: 0.5}") == std::vector<float>(64 * 48, 0.5F));
  BOOST_TEST(weight("{weight: {type: constant, value: 2, scale: -1}}")[5] == -2);
  const auto normal = weight("{weight: {type: normal, mean: 1, std: 0.5}}");
  BOOST_TEST(std::abs(mean(normal) - 1) < 0.03);
  BOOST_TEST(std::abs(deviation(normal) - 0.5) < 0.02);
  const auto uniform = weight("{weight: {type: uniform, low: 2, high: 4}}");
  BOOST_TEST(std::abs(mean(uniform) - 3) < 0.04);
  BOOST_TEST(*std::ranges::min_element(uniform) >= 2);
  BOOST_TEST(*std::ranges::max_element(uniform) <= 4);
  for (const std::string values : {"normal", "uniform"}) {
    const auto in = weight("{weight: {type: kaiming, gain: 2, values: " + values + "}}");
    BOOST_TEST(std::abs(deviation(in) - 2 / std::sqrt(48.0)) < 0.02);
    const auto out = weight("{weight: {type: kaiming, fan: out, values: " + values + "}}");
    BOOST_TEST(std::abs(deviation(out) - 1 / std::sqrt(64.0)) < 0.01);
    const auto xavier = weight("{weight: {type: xavier, values: " + values + "}}");
    BOOST_TEST(std::abs(deviation(xavier) - std::sqrt(2.0 / 112)) < 0.01);
  }
}

BOOST_AUTO_TEST_CASE(default_is_the_nodes_own_times_scale) {
  const auto own = weight("{bias: zeros}"), scaled = weight("{weight: {type: default, scale: 0.25}}");
  for (std::size_t i = 0; i < own.size(); ++i) BOOST_TEST(scaled[i] == 0.25F * own[i]);
}

BOOST_AUTO_TEST_CASE(orthogonal_rows_or_columns) {
  for (const auto& [units, inputs] : {std::pair{16, 40}, std::pair{40, 16}, std::pair{16, 16}}) {
    const auto w = weight("{weight: {type: orthogonal, gain: 3}}", units, inputs);
    const int count = std::min(units, inputs), length = std::max(units, inputs);
    const auto at = [&](int row, int k) {
      return static_cast<double>(w[static_cast<std::size_t>(units <= inputs ? row * inputs + k : k * inputs + row)]);
    };
    for (int i = 0; i < count; ++i) {
      for (int j = 0; j <= i; ++j) {
        double sum = 0;
        for (int k = 0; k < length; ++k) sum += at(i, k) * at(j, k);
        BOOST_TEST(std::abs(sum - (i == j ? 9 : 0)) < 1e-4);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(errors_have_their_places) {
  BOOST_TEST(has(error_of("{type: linear, in: x, units: 4, init: {wieght: zeros}}"), "g.yaml:4:53: error E202"));
  BOOST_TEST(has(error_of("{type: linear, in: x, units: 4, init: {wieght: zeros}}"), "did you mean 'weight'?"));
  BOOST_TEST(has(error_of("{type: linear, in: x, units: 4, init: {weight: zero}}"), "g.yaml:4:53: error E118"));
  BOOST_TEST(has(error_of("{type: linear, in: x, units: 4, init: {weight: {type: normal, sd: 1}}}"), "error E202"));
  BOOST_TEST(
      has(error_of("{type: linear, in: x, units: 4, init: {weight: {type: uniform, low: 2, high: 1}}}"), "error E106"));
  BOOST_TEST(has(error_of("{type: linear, in: x, units: 4, init: {bias: orthogonal}}"), "error E207"));
  BOOST_TEST(has(error_of("{type: linear, in: x, units: 4, bias: false, init: {bias: zeros}}"), "error E202"));
  BOOST_TEST(has(error_of("{type: linear, in: x, units: 4, weights: b, init: {bias: zeros}}"), "error E213"));
  BOOST_TEST(has(error_of("{type: linear, in: x, units: 4, init: {weight: [1]}}"), "error E105"));
}

BOOST_AUTO_TEST_SUITE_END()

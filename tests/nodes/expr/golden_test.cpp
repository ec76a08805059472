// Formulas against PyTorch's autograd, in double precision: tests/golden/make_expr_golden.py.
#include <nlohmann/json.hpp>

#include "io/npz.h"
#include "nodes/node_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

constexpr double kTolerance = 1e-5;

class RandomFormulas {
 public:
  RandomFormulas() : file_(read_npz(std::string(LOOM_SOURCE_DIR) + "/tests/golden/expr.npz")) {}

  nlohmann::json formulas() {
    const auto bytes = file_.at("formulas").values<std::uint8_t>();
    return nlohmann::json::parse(bytes.begin(), bytes.end());
  }

  // The next values of the file.
  Tensor take(const Shape& shape) {
    Tensor tensor(DType::f32, shape);
    std::ranges::copy(file_.at("expected").values().subspan(at_, static_cast<std::size_t>(tensor.count())),
                      tensor.values().begin());
    at_ += static_cast<std::size_t>(tensor.count());
    return tensor;
  }
  bool at_end() { return at_ == file_.at("expected").values().size(); }

  const Tensor& input(const std::string& name) { return file_.at("inputs/" + name); }
  Tensor weights(const Shape& shape) {
    Tensor tensor(DType::f32, shape);
    std::ranges::copy(file_.at("weights").values().first(static_cast<std::size_t>(tensor.count())),
                      tensor.values().begin());
    return tensor;
  }

 private:
  Tensors file_;
  std::size_t at_ = 0;
};

Shape with_samples(const std::vector<std::int64_t>& event, std::int64_t samples) {
  Shape shape{samples};
  for (const std::int64_t extent : event) shape.push_back(extent);
  return shape;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(expr_golden)

BOOST_AUTO_TEST_CASE(four_hundred_random_formulas_equal_pytorch) {
  RandomFormulas golden;
  const nlohmann::json formulas = golden.formulas();
  BOOST_TEST(formulas.size() == 400U);
  for (const nlohmann::json& one : formulas) {
    const auto text = one.at("y").get<std::string>();
    auto tester = node("expr");
    for (const char* name : {"a", "b", "c", "d", "e", "f", "s", "p", "q"})
      tester.input(name, golden.input(name).clone());
    tester.option("y", text);
    Report report;
    const Tensor expected = golden.take(with_samples(one.at("shape").get<std::vector<std::int64_t>>(), 3));
    Tensors upstream;
    upstream.emplace("y", golden.weights(expected.shape()));
    NodeResult result;
    try {
      result = tester.run(upstream);
    } catch (const Error& error) {
      BOOST_ERROR(text << ": " << error.what());
    }
    if (result.outputs.contains("y")) compare(report, text, result.outputs.at("y"), expected, kTolerance);
    for (const auto& name : one.at("gradients")) {
      const auto input = name.get<std::string>();
      const Tensor gradient = golden.take(golden.input(input).shape());
      const bool zero = std::ranges::all_of(gradient.values(), [](float g) { return g == 0; });
      const auto got = result.diff_inputs.find(input);
      if (got != result.diff_inputs.end())
        compare(report, text + ", gradient of " + input, got->second, gradient, kTolerance);
      else if (!zero)
        report.failures.push_back(text + ": no gradient of " + input);
    }
    for (const std::string& rule : result.broken_rules) report.failures.push_back(text + ": " + rule);
    expect_ok(report);
  }
  BOOST_TEST(golden.at_end());
}

BOOST_AUTO_TEST_SUITE_END()

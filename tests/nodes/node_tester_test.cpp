// The tester finds each way in which a node can break its contract, and says so in words.
#include "loom/node.h"
#include "loom/plugin.h"
#include "nodes/node_checks.h"

using namespace loom::check;

namespace {

enum class Fault {
  none,
  unwritten_output,
  unwritten_gradient,
  assigned_parameter,
  wrong_gradient,
  keeps_scratch,
  reads_neighbour
};

// y = weight x, with a fault.
template <Fault fault>
class Faulty final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("A scale that keeps to the contract but for one fault");
    c.input("x", "[N, C]", "values");
    c.output("y", "[N, C]", "weight x");
    c.parameter("weight", "[1]", loom::ones(), "factor");
    c.backward_reads({"x"});
  }
  explicit Faulty(const loom::Options&) {}
  void prepare(const loom::Prepare& p) override { p.reserve_scratch(sizeof(float)); }

  void forward(const loom::Forward& f) const override {
    const auto x = f.input(0).values(), y = f.output(0).values();
    for (std::size_t i = 0; i < y.size(); ++i) {
      if (fault == Fault::unwritten_output && i == 1) continue;
      y[i] = f.parameter("weight").data()[0] * x[i];
    }
    if (fault == Fault::keeps_scratch) f.scratch<float>()[0] = 1;
    if (fault == Fault::reads_neighbour && f.first_sample > 0) y[0] += 1;
  }

  void backward(const loom::Backward& b) const override {
    const auto x = b.input(0).values(), diff_y = b.diff_output(0).values(), diff_x = b.diff_input(0).values();
    float* diff_weight = b.diff_parameter("weight").data();
    float sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (fault == Fault::unwritten_gradient && i == 1) continue;
      diff_x[i] = b.parameter("weight").data()[0] * diff_y[i] * (fault == Fault::wrong_gradient ? 1.1F : 1.0F);
      sum += x[i] * diff_y[i];
    }
    if (fault == Fault::keeps_scratch) sum *= b.scratch<float>()[0];
    diff_weight[0] = fault == Fault::assigned_parameter ? sum : diff_weight[0] + sum;
  }
};

template <Fault fault>
Report report_of() {
  loom::Registry registry;
  registry.add(loom::detail::make_type<loom::NodeType, Faulty<fault>>("faulty"));
  NodeTester tester(registry, "faulty");
  return tester.random_input("x", {4, 3}).check();
}

template <Fault fault>
void expect_found(const std::string& words) {
  const Report report = report_of<fault>();
  BOOST_TEST(!report.ok());
  BOOST_TEST(report.text().find(words) != std::string::npos, "expected \"" << words << "\" in: " << report.text());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(node_tester)

BOOST_AUTO_TEST_CASE(passes_a_good_node) { expect_ok(report_of<Fault::none>()); }

BOOST_AUTO_TEST_CASE(finds_faults) {
  expect_found<Fault::unwritten_output>("leaves elements of output 'y' unwritten");
  expect_found<Fault::unwritten_gradient>("leaves elements of diff_input 'x' unwritten");
  expect_found<Fault::assigned_parameter>("does not add the same gradient");
  expect_found<Fault::wrong_gradient>("gradient of input 'x'");
  expect_found<Fault::keeps_scratch>("'weight'");
  expect_found<Fault::reads_neighbour>("16 shards at once: output 'y'");
}

BOOST_AUTO_TEST_CASE(finds_inputs_by_itself) {
  for (const char* type : {"bernoulli_nll", "categorical_nll", "gaussian_kl", "gaussian_sampler", "multiply"}) {
    auto tester = node(type);
    expect_ok(tester.random_inputs().check());
  }
  auto conv = node("conv");
  expect_ok(conv.option("filters", 3).option("kernel", 3).random_inputs().check());
}

BOOST_AUTO_TEST_CASE(names_an_unknown_type) {
  BOOST_CHECK_EXCEPTION(node("liner"), loom::Error, [](const loom::Error& e) {
    return std::string(e.what()).find("'linear'") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(a_comparison_names_the_worst_element) {
  Report report;
  compare(report, "y", tensor_of({2, 2}, std::vector<float>{1, 2, 3, 5}),
          tensor_of({2, 2}, std::vector<float>{1, 2, 3, 4}), 1e-5);
  BOOST_TEST(report.text().find("[1, 1]") != std::string::npos, report.text());
}

BOOST_AUTO_TEST_SUITE_END()

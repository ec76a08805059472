// NaN stays NaN: a node that is given it either gives it on or says which sample it was in, in training and evaluation.
#include <limits>

#include "check/example.h"
#include "check/node_call.h"
#include "nodes/node_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr std::int64_t kSample = 1;

// What became of NaN in one input: it is in a result of the same sample, or an error names the sample; "" for either.
std::string fate(const NodeSetup& setup) {
  try {
    const CallResult result = NodeCalls(setup, 1, false).run({});
    for (const Tensor& output : result.outputs) {
      if (!there(output) || output.dtype() != DType::f32) continue;
      const bool whole = setup.contract().is_whole_batch(setup.options, setup.training);
      const std::int64_t rows = output.shape()[0] / setup.samples;
      for (std::int64_t n = 0; rows > 0 && n < output.shape()[0]; ++n) {
        if (!whole && n / rows != kSample) continue;
        for (const float value : output.view()[n])
          if (std::isnan(value)) return "";
      }
    }
    return "it is lost";
  } catch (const Error& error) {
    const bool named = error.code() == ErrorCode::not_finite &&
                       std::string(error.what()).find(fmt::format("sample {}", kSample)) != std::string::npos;
    return named ? "" : error.what();
  }
}

// A small use of a type; samples is 0 where an option has no value that a declaration can give (a path).
NodeSetup setup_of(const std::shared_ptr<const NodeType>& type, bool training) {
  try {
    return find_example(type, {.training = training}, false).tester.setup();
  } catch (const Error&) {
    return {};
  }
}

bool takes_nan(const NodeSetup& setup, std::size_t input) {
  const Tensor& tensor = setup.inputs[input];
  return there(tensor) && tensor.dtype() == DType::f32 && setup.samples > kSample &&
         tensor.shape()[0] % setup.samples == 0;
}

// NaN in all values of one sample of an input.
std::string fate_of_sample(NodeSetup setup, std::size_t input) {
  const std::int64_t rows = setup.inputs[input].shape()[0] / setup.samples;
  for (std::int64_t n = kSample * rows; n < (kSample + 1) * rows; ++n)
    std::ranges::fill(setup.inputs[input].view()[n], kNaN);
  return fate(setup);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(not_a_number)

BOOST_AUTO_TEST_CASE(of_every_standard_node_in_every_input) {
  int checked = 0;
  for (const RegisteredType& registered : standard_registry().types()) {
    const auto type = standard_registry().node(registered.name);
    if (!type || type->contract.role() == Role::gradient) continue;  // a gradient is computed by other nodes
    for (const bool training : {true, false}) {
      const std::size_t inputs = setup_of(type, training).inputs.size();
      for (std::size_t i = 0; i < inputs; ++i) {
        NodeSetup setup = setup_of(type, training);
        if (!takes_nan(setup, i)) continue;
        const std::string port = setup.contract().input_name(static_cast<int>(i));
        const std::string found = fate_of_sample(std::move(setup), i);
        ++checked;
        BOOST_TEST(found.empty(), registered.name << ", input '" << port << "', "
                                                  << (training ? "training" : "evaluation") << ": " << found);
      }
    }
  }
  BOOST_TEST(checked > 80);
}

// One value that is not a number: it must not hide behind the others of its window, its row or its vector.
BOOST_AUTO_TEST_CASE(of_one_value_among_others) {
  struct Case {
    const char* type;
    std::map<std::string, OptionValue> options;
    const char* port;
    Shape shape;
  };
  std::vector<Case> cases;
  for (const char* function : {"relu", "leaky_relu", "elu", "gelu", "gelu_tanh", "silu", "tanh", "sigmoid", "softplus",
                               "exp", "hardtanh", "softsign", "mish"}) {
    const OptionValue name(function);
    cases.push_back({"activation", {{"function", name}}, "x", {3, 37}});
    for (const int units : {1, 8, 21})
      cases.push_back({"linear", {{"units", units}, {"activation", name}}, "x", {3, 5, 12}});
    for (const int kernel : {1, 3}) {
      for (const int filters : {3, 16, 32}) {
        cases.push_back({"conv", {{"filters", filters}, {"kernel", kernel}, {"activation", name}}, "x", {3, 9, 7, 16}});
        cases.push_back({"conv_transpose",
                         {{"filters", filters}, {"kernel", kernel + 1}, {"stride", 2}, {"activation", name}},
                         "x",
                         {3, 5, 4, 16}});
      }
    }
  }
  for (const int kernel : {2, 3}) {
    for (const char* kind : {"max", "average"}) {
      cases.push_back({"pool", {{"kind", kind}, {"kernel", kernel}}, "x", {3, 6, 6, 19}});
      cases.push_back({"pool", {{"kind", kind}, {"kernel", kernel}, {"stride", 1}, {"padding", 1}}, "x", {3, 12, 5}});
    }
  }
  for (const bool log : {true, false}) cases.push_back({"softmax", {{"log", log}}, "x", {3, 4, 11}});
  cases.push_back({"bernoulli_sampler", {}, "logits", {3, 19}});
  cases.push_back({"categorical_sampler", {}, "logits", {3, 4, 9}});
  cases.push_back({"categorical_sampler", {{"temperature", 0.0}}, "logits", {3, 4, 9}});
  cases.push_back({"categorical_sampler", {{"top_k", 3}}, "logits", {3, 4, 9}});
  cases.push_back({"levels_encode", {{"levels", 4}}, "x", {3, 19}});
  cases.push_back({"mu_law_encode", {}, "x", {3, 19}});
  cases.push_back({"gaussian_parameters", {{"dim", 3}, {"min_logvar", -1.0}, {"max_logvar", 1.0}}, "x", {3, 8}});
  for (const char* distance : {"euclidean", "cosine"})
    cases.push_back({"vector_quantizer", {{"codes", 5}, {"distance", distance}}, "x", {3, 70, 4}});
  for (const Case& one : cases) {
    for (const bool training : {true, false}) {
      for (const double place : {0.0, 0.5, 0.999}) {
        auto tester = node(one.type);
        for (const auto& [name, value] : one.options) tester.option(name, value);
        if (!training) tester.evaluation();
        Tensor x = random_tensor(one.shape, 5);
        const std::span<float> sample = x.view()[kSample];
        sample[static_cast<std::size_t>(place * static_cast<double>(sample.size()))] = kNaN;
        const NodeSetup setup = tester.input(one.port, std::move(x)).setup();
        BOOST_TEST_CONTEXT(one.type << (training ? " in training" : " in evaluation")) {
          for (const auto& [name, value] : one.options) BOOST_TEST_MESSAGE(name + " " + value.text());
          BOOST_TEST(fate(setup) == "");
        }
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

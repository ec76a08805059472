// Options of nodes that follow a schedule: the value is that of the step, in training, evaluation and after a resume.
#include <boost/test/unit_test.hpp>

#include "document/rewrite.h"
#include "models/document_error.h"
#include "train/session.h"

using namespace loom;
using namespace loom::check;

namespace {

// The loss is clip * sum of squares: huber-like nodes are not needed, leaky_relu's slope is an option of a number.
std::string graph_with(const std::string& option) {
  return "version: 1\ndata: {type: gaussian, features: 4}\nnodes:\n  x: {type: input, shape: [4]}\n"
         "  h: {type: linear, in: x, units: 4}\n  d: {type: dropout, in: h, " +
         option + "}\nlosses: {l: {type: squared_error, in: {x: d, target: x}}}\n";
}

std::vector<float> weights_after(const std::string& option, int steps, int lanes = 0) {
  Session session(parse_document(graph_with(option), "g.yaml", "."), standard_registry(),
                  {.batch = 24, .threads = 2, .lanes = lanes});
  for (int i = 0; i < steps; ++i) session.step();
  ParameterStore& store = session.parameters();
  const auto values = store.at(store.find("h.weight")).value.values();
  return {values.begin(), values.end()};
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(scheduled_options)

BOOST_AUTO_TEST_CASE(a_constant_schedule_changes_no_bit) {
  BOOST_TEST(weights_after("rate: 0.25", 6) == weights_after("rate: {type: constant, from: 0.25}", 6));
}

BOOST_AUTO_TEST_CASE(each_step_has_its_value) {
  // 0.5 in the first step and 0 from the second one on
  const std::string falls = "rate: {from: 0.5, to: 0, over: 1}";
  BOOST_TEST(weights_after(falls, 1) == weights_after("rate: 0.5", 1));
  BOOST_TEST(weights_after(falls, 2) != weights_after("rate: 0.5", 2));
  BOOST_TEST(weights_after(falls, 2) != weights_after("rate: 0", 2));
  const std::string rises = "rate: {from: 0, to: 0.5, over: 1, after: 2}";
  BOOST_TEST(weights_after(rises, 3) == weights_after("rate: 0", 3));
  BOOST_TEST(weights_after(rises, 4) != weights_after("rate: 0", 4));
}

// A node that works in evaluation, too, has the value of the last step.
BOOST_AUTO_TEST_CASE(evaluation_has_the_value_of_the_step) {
  const auto text = [](const std::string& margin) {
    return "version: 1\ndata: {type: gaussian, features: 4}\nnodes:\n  x: {type: input, shape: [4]}\n  h: {type: "
           "linear, in: "
           "x, units: 4, frozen: true}\n  b: {type: linear, in: x, units: 4}\n"
           "  e: {type: gaussian_sampler, in: {mu: b, logvar: h}}\nlosses:\n  l: {type: squared_error, in: {x: b, "
           "target: x}, "
           "weight: 0}\n  n: {type: student_t_nll, in: {mean: h, target: x}, nu: " +
           margin + ", when: eval}\n  m: {type: squared_error, in: {x: b, target: x}}\n";
  };
  const auto loss = [&](const std::string& nu) {
    Session session(parse_document(text(nu), "g.yaml", "."), standard_registry(), {.batch = 8, .threads = 1});
    for (int i = 0; i < 3; ++i) session.step();
    return session.evaluate().number("n").value_or(-1);
  };
  if (!standard_registry().node("student_t_nll")) return;
  BOOST_TEST(loss("{from: 3, to: 7, over: 2}") == loss("7"));
  BOOST_TEST(loss("{from: 3, to: 7, over: 4}") == loss("5"));
}

BOOST_AUTO_TEST_CASE(lanes_change_no_value) {
  const std::string option = "rate: {from: 0.6, to: 0.1, over: 5}";
  BOOST_TEST(weights_after(option, 5, 2) == weights_after(option, 5, 2));
}

BOOST_AUTO_TEST_CASE(what_sizes_things_is_refused_with_its_place) {
  const std::string range = error_of(graph_with("rate: {from: 0.5, to: 2, over: 10}"));
  BOOST_TEST(has(range, "g.yaml:6:35: error E106"), range);
  BOOST_TEST(has(range, "at step 4"), range);
  const std::string nodes = "version: 1\nnodes:\n  x: {type: input, shape: [4]}\n  h: ";
  const std::string units = error_of(nodes + "{type: linear, in: x, units: {from: 1, to: 2, over: 10}}\n");
  BOOST_TEST(has(units, "g.yaml:4:35: error E105"), units);
  BOOST_TEST(has(units, "an integer counts or sizes"), units);
  const std::string key = error_of(graph_with("rate: {from: 0.5, too: 2, over: 10}"));
  BOOST_TEST(has(key, "g.yaml:6:52: error E202"), key);
  const std::string type = error_of(graph_with("rate: {type: sin, from: 0.5}"));
  BOOST_TEST(has(type, "there is no schedule 'sin'"), type);
  const std::string missing = error_of(graph_with("rate: {from: 0.5}"));
  BOOST_TEST(has(missing, "error E204"), missing);
}

BOOST_AUTO_TEST_SUITE_END()

// Steps of several batches, bounds of gradients, objectives with a first and a last step, averages of weights, and initial values.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "document/rewrite.h"
#include "models/document_error.h"
#include "train/session.h"

using namespace loom;
using namespace loom::check;

namespace {

constexpr const char* kNodes =
    "version: 1\ndata: {type: gaussian, features: 6, count: 96}\nnodes:\n  x: {type: input, shape: [6]}\n"
    "  a: {type: linear, in: x, units: 5, activation: tanh}\n  b: {type: linear, in: a, units: 6}\n";
constexpr const char* kLoss = "losses: {l: {type: squared_error, in: {x: b, target: x}}}\n";

using Values = std::vector<float>;

Values value(Session& session, const std::string& path) {
  const auto values = session.parameters().at(session.parameters().find(path)).value.values();
  return {values.begin(), values.end()};
}

std::unique_ptr<Session> session_of(const std::string& text, std::int64_t batch = 16) {
  return std::make_unique<Session>(parse_document(text, "g.yaml", "."), standard_registry(),
                                   SessionSettings{.batch = batch, .threads = 1});
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

double distance(const Values& a, const Values& b) {
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(static_cast<double>(a[i]) - b[i]));
  return most;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(accumulate)

// Batches follow each other in the order of the data: k of them are one of k times the size.
BOOST_AUTO_TEST_CASE(a_step_of_k_batches_is_one_of_a_larger_batch) {
  const std::string sgd = "train: {optimizer: {type: sgd, lr: 0.01}";
  const auto small = session_of(std::string(kNodes) + kLoss + sgd + ", accumulate: 3}\n", 8);
  const auto large = session_of(std::string(kNodes) + kLoss + sgd + "}\n", 24);
  for (int i = 0; i < 3; ++i) {  // of the first epoch
    const double one = small->step().loss, other = large->step().loss;
    BOOST_TEST(std::abs(one - other) < 1e-4 * other, one << " and " << other);
    BOOST_TEST(distance(value(*small, "a.weight"), value(*large, "a.weight")) < 1e-5);
  }
  BOOST_TEST(small->steps_done() == 3);
}

BOOST_AUTO_TEST_CASE(the_noise_of_its_batches_differs) {
  const std::string noisy = std::string(kNodes) + "  d: {type: dropout, in: a, rate: 0.5}\n" +
                            "losses: {l: {type: squared_error, in: {x: d, target: a}}}\ntrain: {accumulate: 2}\n";
  const auto twice = session_of(noisy, 96);  // both batches hold all items, in another order
  BOOST_TEST(twice->step().norms[0] > 0);
}

BOOST_AUTO_TEST_CASE(clip_value_bounds_each_element) {
  const std::string sgd = "train: {optimizer: {type: sgd, lr: 1}, clip_value: 0.001}\n";
  const auto session = session_of(std::string(kNodes) + kLoss + sgd);
  const Values before = value(*session, "b.weight");
  session->step();
  const double moved = distance(before, value(*session, "b.weight"));
  BOOST_TEST(moved <= 0.001001);
  BOOST_TEST(moved > 0.0009);
}

BOOST_AUTO_TEST_CASE(an_objective_has_a_first_and_a_last_step) {
  const std::string objectives =
      "objectives:\n  one: {losses: [l], parameters: [a], from: 2, stop: 4}\n  two: {losses: [l], parameters: {except: "
      "a}}\n";
  const auto session = session_of(std::string(kNodes) + kLoss + objectives);
  for (int step = 0; step < 6; ++step) {
    const Values a = value(*session, "a.weight"), b = value(*session, "b.weight");
    session->step();
    BOOST_TEST((a != value(*session, "a.weight")) == (step >= 2 && step < 4), "step " << step);
    BOOST_TEST((b != value(*session, "b.weight")), "step " << step);
  }
  const std::string wrong = "objectives: {one: {losses: [l], from: 5, stop: 5}}\n";
  BOOST_TEST(has(error_of(std::string(kNodes) + kLoss + wrong), "stops before it begins"));
  const std::string alone = "objectives: {one: {losses: [l], from: 2}}\n";
  const auto late = session_of(std::string(kNodes) + kLoss + alone);
  const Values a = value(*late, "a.weight");
  late->step();
  BOOST_TEST(a == value(*late, "a.weight"));
}

BOOST_AUTO_TEST_CASE(exclusions_leave_the_rest) {
  for (const std::string patterns : {"['!a']", "{except: [a]}", "{except: a}", "[b, '!a']"}) {
    const auto session =
        session_of(std::string(kNodes) + kLoss + "objectives: {one: {losses: [l], parameters: " + patterns + "}}\n");
    const Values a = value(*session, "a.weight"), b = value(*session, "b.weight");
    session->step();
    BOOST_TEST(a == value(*session, "a.weight"), patterns);
    BOOST_TEST(b != value(*session, "b.weight"), patterns);
  }
  const auto wrong = [](const std::string& patterns) {
    return error_of(std::string(kNodes) + kLoss + "objectives: {one: {losses: [l], parameters: " + patterns + "}}\n");
  };
  BOOST_TEST(has(wrong("['!c']"), "g.yaml:8:46: error E214"), wrong("['!c']"));
  BOOST_TEST(has(wrong("{except: [c]}"), "error E214"), wrong("{except: [c]}"));
  BOOST_TEST(has(wrong("{excep: [a]}"), "error E103"), wrong("{excep: [a]}"));
}

BOOST_AUTO_TEST_CASE(an_average_follows_after_each_step) {
  const std::string teacher = "  t: {average: {of: a, decay: 0.75}, in: x}\n  s: {type: stop_gradient, in: t}\n";
  const std::string losses =
      "losses:\n  l: {type: squared_error, in: {x: b, target: x}}\n  m: {type: squared_error, in: {x: a, target: s}}\n";
  const auto session = session_of(std::string(kNodes) + teacher + losses);
  Values expected = value(*session, "a.weight");
  BOOST_TEST(value(*session, "t.weight") == expected);
  for (int i = 0; i < 4; ++i) {
    session->step();
    const Values now = value(*session, "a.weight");
    for (std::size_t k = 0; k < now.size(); ++k) expected[k] += 0.25F * (now[k] - expected[k]);
    BOOST_TEST(distance(value(*session, "t.weight"), expected) < 1e-6);
  }
  BOOST_TEST(session->plan().unreached.empty());
  const std::string shape = "  t: {type: linear, in: x, units: 4, average: {of: a}}\n";
  BOOST_TEST(has(error_of(std::string(kNodes) + shape), "error E213"));
  const std::string unknown = "  t: {type: linear, in: x, units: 4, average: {of: c}}\n";
  BOOST_TEST(has(error_of(std::string(kNodes) + unknown), "there is no such node"));
  const std::string circle =
      "  t: {type: linear, in: x, units: 4, average: {of: u}}\n  u: {type: linear, in: x, units: 4, average: {of: "
      "t}}\n";
  BOOST_TEST(has(error_of(std::string(kNodes) + circle), "the average of itself"));
}

// Applied again, a decoder has the sum of both gradients.
BOOST_AUTO_TEST_CASE(a_call_shares_weights_and_gradients_add_up) {
  const std::string call = "  c: {call: b, in: a}\n";
  const std::string losses =
      "losses:\n  l: {type: squared_error, in: {x: b, target: x}}\n  m: {type: squared_error, in: {x: c, "
      "target: x}}\n";
  const std::string sgd = "train: {optimizer: {type: sgd, lr: 0.01}}\n";
  const auto both = session_of(std::string(kNodes) + call + losses + sgd);
  const auto one =
      session_of(std::string(kNodes) + "losses: {l: {type: squared_error, in: {x: b, target: x}, weight: 2}}\n" + sgd);
  both->step();
  one->step();
  BOOST_TEST(distance(value(*both, "b.weight"), value(*one, "b.weight")) < 1e-6);
  BOOST_TEST(both->parameters().find("c.weight") == -1);
}

BOOST_AUTO_TEST_SUITE_END()

// What follows the steps of a training (schedules of options, steps of several batches, averages of weights) is the same after
// a resume and after a live change.
#include <boost/test/unit_test.hpp>

#include "check/standard_registry.h"
#include "train/scratch_folder.h"
#include "train/session.h"

using namespace loom;
using namespace loom::check;

namespace {

std::string graph_with(const std::string& rate, const std::string& more = "") {
  return "version: 1\ndata: {type: gaussian, features: 6, count: 90}\nnodes:\n  x: {type: input, shape: [6]}\n"
         "  a: {type: linear, in: x, units: 6, activation: tanh}\n  d: {type: dropout, in: a, rate: " +
         rate + "}\n  b: {type: linear, in: d, units: 6}\n" + more +
         "losses: {l: {type: squared_error, in: {x: b, target: x}}}\n";
}

const std::string kRich =
    graph_with("{type: cyclical, from: 0.1, to: 0.6, over: 3, every: 4}",
               "  t: {average: {of: a, decay: 0.9}, in: x}\n") +
    "train: {accumulate: 2, clip_value: 0.5, average: 0.9}\nobjectives: {o: {losses: [l], from: 2, stop: 9}}\n";

std::unique_ptr<Session> session_of(const std::string& text, int threads = 2) {
  return std::make_unique<Session>(parse_document(text, "g.yaml", "."), standard_registry(),
                                   SessionSettings{.batch = 12, .threads = threads, .lanes = 2});
}

std::vector<float> values_of(Session& session) {
  std::vector<float> values;
  for (const Parameter& item : session.parameters().items()) {
    const auto own = item.value.values();
    values.insert(values.end(), own.begin(), own.end());
  }
  return values;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(parts_resume)

BOOST_AUTO_TEST_CASE(a_resumed_training_has_the_same_bits) {
  const auto whole = session_of(kRich, 1);
  for (int i = 0; i < 11; ++i) whole->step();
  const ScratchFolder folder;
  const std::string path = folder.file("run");
  {
    const auto first = session_of(kRich);
    const RunFolder run = RunFolder::create(path, first->document().resolved, first->run_settings());
    first->attach(run);
    for (int i = 0; i < 5; ++i) first->step();
    first->save_checkpoint();
  }
  const auto second = std::make_unique<Session>(load_document(path + "/graph.yaml"), standard_registry(),
                                                settings_of(RunFolder::open(path, false).settings(), {}));
  const RunFolder run = RunFolder::open(path, true);
  second->attach(run);
  BOOST_TEST(second->resume());
  BOOST_TEST(second->parameters().step() == 4);
  for (int i = 5; i < 11; ++i) second->step();
  BOOST_TEST(values_of(*whole) == values_of(*second));
  BOOST_TEST(whole->evaluate().loss == second->evaluate().loss);
}

// The new schedule is at the step of the training, not at its own start.
BOOST_AUTO_TEST_CASE(a_live_change_of_a_schedule_begins_at_the_step) {
  const auto after = [](const std::string& rate) {
    const auto running = session_of(graph_with("0.5"));
    for (int i = 0; i < 3; ++i) running->step();
    const auto changed = session_of(graph_with(rate));
    changed->adopt(*running);
    changed->step();
    return values_of(*changed);
  };
  BOOST_TEST(after("{from: 0.5, to: 0, over: 1, after: 2}") == after("0"));
  BOOST_TEST(after("{from: 0.5, to: 0, over: 1, after: 3}") == after("0.5"));
}

// A teacher that a change adds begins as what it follows is now.
BOOST_AUTO_TEST_CASE(an_added_average_starts_at_the_present_weights) {
  const auto running = session_of(graph_with("0.5"));
  for (int i = 0; i < 4; ++i) running->step();
  const auto changed = session_of(graph_with("0.5", "  t: {average: {of: a}, in: x}\n"));
  changed->adopt(*running);
  const auto value = [&](const char* path) {
    const auto values = changed->parameters().at(changed->parameters().find(path)).value.values();
    return std::vector<float>(values.begin(), values.end());
  };
  BOOST_TEST(value("t.weight") == value("a.weight"));
}

BOOST_AUTO_TEST_SUITE_END()

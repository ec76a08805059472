// Which evaluation is the best, and from which step on evaluations count.
#include "train/selection.h"

#include "train/toy_session.h"

using namespace loom;
using namespace loom::check;

namespace {

ScheduleEntry ramp(double from, double to, std::int64_t over) {
  ScheduleEntry entry;
  entry.schedule.type = "linear";
  entry.schedule.options = {
      {"from", {OptionValue(from), {}}}, {"to", {OptionValue(to), {}}}, {"over", {OptionValue(over), {}}}};
  return entry;
}

Document with_weight(ScheduleEntry weight, std::int64_t steps) {
  Document document = toy_document();
  document.losses[1].weight = std::move(weight);
  document.train.steps = steps;
  document.train.eval_every = 2;
  return document;
}

Selection selection_of(const Document& document) {
  return Session(document, toy_session_registry(), {}).plan().selection;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(selection)

BOOST_AUTO_TEST_CASE(weights_are_those_of_the_last_step) {
  const Selection constant = selection_of(with_weight(ScheduleEntry::constant(0.5), 20));
  BOOST_TEST(constant.from == 0);
  BOOST_TEST((constant.weights == std::vector<double>{1, 0.5}));
  BOOST_TEST(selection_of(with_weight(ramp(0, 4, 10), 20)).weights[1] == 4);
  BOOST_TEST(selection_of(with_weight(ramp(0, 4, 10), 6)).weights[1] == 2);  // step 5 of 10: not at its end
}

// The step with number k, the first being 0, leaves k + 1 finished steps.
BOOST_AUTO_TEST_CASE(evaluations_count_once_the_weights_have_settled) {
  for (const std::int64_t over : {1, 7, 10}) {
    const Selection selection = selection_of(with_weight(ramp(0, 4, over), 20));
    BOOST_TEST(selection.from == over + 1, "over " << over);
    BOOST_TEST(!selection.counts(over));
    BOOST_TEST(selection.counts(over + 1));
  }
  BOOST_TEST(selection_of(with_weight(ramp(0, 4, 100), 20)).from == 20);  // still rising: the last one alone
  BOOST_TEST(selection_of(with_weight(ramp(3, 3, 100), 20)).from == 0);   // rises by nothing
  Document rates = with_weight(ScheduleEntry::constant(1), 20);
  rates.objectives = {objective("main", {"fit", "size"}, {})};
  rates.objectives[0].optimizer.learning_rate = ramp(0.1, 0, 20);
  BOOST_TEST(selection_of(rates).from == 0);
}

// A cyclical weight never rests: it counts after its first cycle, at its greatest value.
BOOST_AUTO_TEST_CASE(a_cyclical_weight_has_settled_after_its_first_cycle) {
  ScheduleEntry cycles = ramp(0, 3, 4);
  cycles.schedule.type = "cyclical";
  cycles.schedule.options["every"] = {OptionValue(6), {}};
  const Selection selection = selection_of(with_weight(cycles, 40));
  BOOST_TEST(selection.from == 7);
  BOOST_TEST(selection.weights[1] == 3);
  cycles.schedule.options["after"] = {OptionValue(5), {}};
  BOOST_TEST(selection_of(with_weight(cycles, 40)).from == 12);
  BOOST_TEST(selection_of(with_weight(cycles, 8)).from == 8);  // within its first cycle: the last evaluation alone
}

BOOST_AUTO_TEST_CASE(a_game_has_no_best) {
  Document document = with_weight(ScheduleEntry::constant(0.5), 20);
  document.losses[1].role = "adversarial";
  const Selection game = selection_of(document);
  BOOST_TEST(game.opponent == document.losses[1].name);
  BOOST_TEST(!game.counts(20));
  document.train.monitor.metric = document.losses[0].name;
  BOOST_TEST(selection_of(document).counts(20));
  document.train.monitor.metric.clear();
  document.losses[1].weight = ScheduleEntry::constant(0);
  BOOST_TEST(selection_of(document).counts(20));
}

BOOST_AUTO_TEST_CASE(patience_in_a_game_is_an_error) {
  Document document = with_weight(ScheduleEntry::constant(0.5), 20);
  document.losses[1].role = "adversarial";
  document.train.early_stopping = 3;
  Session session(document, toy_session_registry(), {});
  BOOST_CHECK_EXCEPTION(session.prepare_training(), Error, [](const Error& error) {
    return std::string(error.what()).find("train.early_stopping") != std::string::npos;
  });
  document.train.monitor.metric = document.losses[0].name;
  BOOST_TEST(selection_of(document).counts(20));
}

BOOST_AUTO_TEST_CASE(the_best_and_patience_wait_for_the_weights) {
  Document document = with_weight(ramp(0, 50, 11), 20);  // the loss rises with the weight
  document.train.early_stopping = 2;
  const auto session =
      std::make_unique<Session>(document, toy_session_registry(), SessionSettings{.lanes = 2, .shard = 3});
  std::vector<std::int64_t> bests;
  TrainObserver observer;
  observer.evaluation = [&](const Evaluation&) {
    const TrainProgress& progress = session->state().progress();
    if (progress.best_value && progress.best_step == progress.step) bests.push_back(progress.step);
    if (progress.step < 12) BOOST_TEST(progress.evaluations_without_improvement == 0);
  };
  session->train(observer);
  BOOST_REQUIRE(!bests.empty());
  BOOST_TEST(bests.front() == 12);
}

BOOST_AUTO_TEST_CASE(a_metric_can_be_named) {
  Document document = with_weight(ScheduleEntry::constant(1), 4);
  document.train.monitor.metric = "size";
  Session session(document, toy_session_registry(), {.lanes = 2, .shard = 3});
  const Evaluation evaluation = session.evaluate();
  BOOST_TEST(session.plan().selection.value(evaluation) == evaluation.terms()[1].second);
  document.train.monitor = {"size", "max", "train"};
  const Selection greatest = selection_of(document);
  BOOST_TEST(greatest.is_better(2, 1));
  BOOST_TEST(!greatest.is_better(1, 1));
  BOOST_TEST(greatest.name() == "size, the greatest, split train");
  document.train.monitor.metric = "perplexity";  // no quantizer
  try {
    selection_of(document).value(evaluation);
    BOOST_ERROR("no error");
  } catch (const Error& error) {
    BOOST_TEST((error.code() == ErrorCode::not_supported));
    BOOST_TEST(std::string(error.what()).find("fit, size") != std::string::npos, error.what());
  }
}

BOOST_AUTO_TEST_SUITE_END()

// Sessions: the same bits, whatever threads do and wherever they were cut off.
#include "train/session.h"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstring>
#include <limits>

#include "io/atomic_file.h"
#include "run/algorithms.h"
#include "train/scratch_folder.h"
#include "train/toy_session.h"

using namespace loom;
using namespace loom::check;

namespace {

std::unique_ptr<Session> session_of(Document document, SessionSettings settings = {}) {
  if (settings.lanes == 0) settings.lanes = 2;
  if (settings.shard == 0) settings.shard = 3;
  return std::make_unique<Session>(std::move(document), toy_session_registry(), std::move(settings));
}

Document rich_document() {
  Document document = toy_document();
  document.objectives = {objective("encoder", {"fit", "size"}, {"enc"}), objective("decoder", {"fit"}, {"dec"})};
  TypedEntry& rate = document.objectives[0].optimizer.learning_rate.schedule;
  rate.type = "linear";
  rate.options = {{"from", {OptionValue(0.1), {}}}, {"to", {OptionValue(0.01), {}}}, {"over", {OptionValue(10), {}}}};
  document.objectives[1].every = 3;
  document.objectives[1].optimizer.type = "sgd";
  document.objectives[1].optimizer.options["momentum"] = {OptionValue(0.9), {}};
  document.train.clip_norm = 1;
  document.train.average = 0.9;
  document.train.eval_every = 5;
  document.train.spike_factor = 100;
  return document;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Trains in a run folder until `stop_after` steps are done; the final checkpoint's bytes where it came to the end.
std::string train_in(const std::string& path, const Document& document, std::int64_t stop_after, int threads = 2) {
  const bool fresh = !is_run_folder(path);
  SessionSettings settings{.threads = threads, .lanes = 2, .shard = 3};
  if (!fresh) settings = settings_of(RunFolder::open(path, false).settings(), {.threads = threads});
  const auto session = session_of(document, settings);
  const RunFolder run =
      fresh ? RunFolder::create(path, document.resolved, session->run_settings()) : RunFolder::open(path, true);
  session->attach(run);
  if (!fresh) session->resume();
  const TrainEnd end = session->train({}, [&] { return session->steps_done() >= stop_after; });
  if (end != TrainEnd::completed) return "";
  return read_text_file(run.checkpoints_path() + "/" + checkpoint_name(session->steps_done()));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(session)

BOOST_AUTO_TEST_CASE(threads_change_no_bit) {
  const auto train = [](int threads) {
    const auto session = session_of(rich_document(), {.threads = threads});
    session->train();
    return all_values(*session);
  };
  const std::vector<float> one = train(1);
  for (const int threads : {2, 4}) {
    for (int repeat = 0; repeat < 3; ++repeat) BOOST_TEST(same_bits(train(threads), one), threads << " threads");
  }
}

BOOST_AUTO_TEST_CASE(a_step_minimizes_and_reports) {
  Document document = toy_document();
  document.objectives = {objective("main", {"fit", "size"}, {})};
  document.objectives[0].optimizer.learning_rate = ScheduleEntry::constant(0.05);
  const auto session = session_of(document, {.steps = 60});
  double first = 0;
  StepReport report;
  for (int i = 0; i < 60; ++i) {
    report = session->step();
    if (i == 0) first = report.loss;
    BOOST_TEST(report.step == i + 1);
    BOOST_TEST(report.loss == report.terms[0] + 0.5 * report.terms[1], boost::test_tools::tolerance(1e-12));
    BOOST_TEST(report.norms[0] > 0);
    BOOST_TEST(!report.skipped);
  }
  BOOST_TEST(report.loss < 0.8 * first);
  BOOST_TEST(report.learning_rate == 0.05);
}

BOOST_AUTO_TEST_CASE(resumed_is_uninterrupted_to_the_byte) {
  const ScratchFolder folder;
  const Document document = rich_document();
  const std::string whole = train_in(folder.file("whole"), document, 1000);
  BOOST_TEST(!whole.empty());
  for (const std::int64_t cut : {1, 4, 5, 7, 11}) {
    const std::string path = folder.file("cut-" + std::to_string(cut));
    BOOST_TEST(train_in(path, document, cut, 1).empty());
    BOOST_TEST((train_in(path, document, 1000, 2) == whole), "cut after step " << cut);
    Metrics curves(path + "/metrics.sqlite", 1, true), expected(folder.file("whole/metrics.sqlite"), 1, true);
    for (const auto& [name, split] : expected.curves()) {
      const auto got = curves.read(name, split), wanted = expected.read(name, split);
      BOOST_REQUIRE(got.size() == wanted.size());
      for (std::size_t i = 0; i < got.size(); ++i)
        BOOST_TEST((got[i].step == wanted[i].step && got[i].value == wanted[i].value), name << " at " << got[i].step);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_kill_falls_back_to_the_last_checkpoint) {
  const ScratchFolder folder;
  const Document document = rich_document();
  const std::string whole = train_in(folder.file("whole"), document, 1000);
  const std::string path = folder.file("run");
  {  // steps 9 and 10 are lost; so is the newest checkpoint, half-written
    const auto session = session_of(document, {.lanes = 2, .shard = 3});
    const RunFolder run = RunFolder::create(path, document.resolved, session->run_settings());
    session->attach(run);
    for (int i = 0; i < 10; ++i) {
      session->step();
      if (i == 3) session->save_checkpoint();
      if (i == 7) session->save_checkpoint();
    }
  }
  const std::string newest = path + "/checkpoints/" + checkpoint_name(8);
  std::filesystem::resize_file(newest, std::filesystem::file_size(newest) / 2);
  // Evaluations were not made on the way here, so only the weights can be compared.
  const auto session = session_of(document, settings_of(RunFolder::open(path, false).settings()));
  const RunFolder run = RunFolder::open(path, true);
  session->attach(run);
  BOOST_TEST(session->resume());
  BOOST_TEST(session->steps_done() == 4);
  session->train();
  const auto reference = session_of(document);
  reference->train();
  BOOST_TEST(same_bits(all_values(*session), all_values(*reference)));
}

BOOST_AUTO_TEST_CASE(an_item_that_cannot_be_read_loses_no_step) {
  const ScratchFolder folder;
  const Document document = rich_document();
  const std::string path = folder.file("run");
  std::int64_t kept = 0;
  for (std::int64_t item = 0; kept < 2; ++item) {  // one that is not met in the first two steps
    std::filesystem::remove_all(path);
    Document damaged = document;
    damaged.data.options["fail_at"] = {OptionValue(item), {}};
    const auto session = session_of(damaged);
    const RunFolder run = RunFolder::create(path, document.resolved, session->run_settings());
    session->attach(run);
    BOOST_CHECK_THROW(session->train(), Error);
    kept = session->steps_done();
    if (kept > 0) BOOST_TEST(std::filesystem::exists(run.checkpoints_path() + "/" + checkpoint_name(kept)));
  }
  SessionSettings repaired = settings_of(RunFolder::open(path, false).settings());
  repaired.data->options.erase("fail_at");
  const auto session = session_of(document, repaired);
  const RunFolder run = RunFolder::open(path, true);
  session->attach(run);
  BOOST_TEST(session->resume());
  BOOST_TEST(session->steps_done() == kept);
  session->train();
  const auto reference = session_of(document);
  reference->train();
  BOOST_TEST(same_bits(all_values(*session), all_values(*reference)));
}

BOOST_AUTO_TEST_CASE(a_run_without_a_checkpoint_starts_again) {
  const ScratchFolder folder;
  const Document document = rich_document();
  const std::string path = folder.file("run");
  {
    const auto session = session_of(document);
    const RunFolder run = RunFolder::create(path, document.resolved, session->run_settings());
    session->attach(run);
    session->step();
  }
  BOOST_TEST((train_in(path, document, 1000) == train_in(folder.file("whole"), document, 1000)));
}

BOOST_AUTO_TEST_CASE(other_settings_do_not_resume) {
  const ScratchFolder folder;
  const std::string path = folder.file("run");
  train_in(path, toy_document(), 4);
  SessionSettings other{.lanes = 3, .shard = 3};
  other.seed = 99;
  const auto session = session_of(toy_document(), other);
  const RunFolder run = RunFolder::open(path, true);
  session->attach(run);
  BOOST_CHECK_EXCEPTION(session->resume(), Error, [](const Error& error) {
    const std::string text = error.what();
    return error.code() == ErrorCode::checkpoint_mismatch && text.find("a different seed") != std::string::npos &&
           text.find("a different number of lanes") != std::string::npos;
  });
}

// As of another version, or of a processor of the other kind.
BOOST_AUTO_TEST_CASE(another_table_of_algorithms_does_not_resume) {
  const ScratchFolder folder;
  const std::string path = folder.file("run");
  {
    const auto session = session_of(toy_document(), {.algorithms = "transformed 00000000"});
    const RunFolder run = RunFolder::create(path, toy_document().resolved, session->run_settings());
    session->attach(run);
    session->train({}, [&] { return session->steps_done() >= 4; });
  }
  const RunFolder run = RunFolder::open(path, true);
  const auto session = session_of(toy_document(), settings_of(run.settings(), {}));
  session->attach(run);
  BOOST_CHECK_EXCEPTION(session->resume(), Error, [](const Error& error) {
    const std::string text = error.what();
    return error.code() == ErrorCode::checkpoint_mismatch &&
           text.find("a different table of algorithms") != std::string::npos &&
           text.find("transformed 00000000") != std::string::npos &&
           text.find(recorded_algorithms("transformed")) != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(zero_steps_write_the_initial_weights) {
  const ScratchFolder folder;
  Document document = toy_document();
  document.train.steps = 0;
  train_in(folder.file("run"), document, 1000);
  const auto session = session_of(document);
  const SafetensorsFile file(folder.file("run/checkpoints/step-000000.safetensors"));
  BOOST_TEST(file.read("enc/a.weight").values()[0] == session->parameters().at(0).value.values()[0]);
}

BOOST_AUTO_TEST_CASE(a_bad_step_is_skipped_and_leaves_nothing_behind) {
  Document document = toy_document();
  document.data.options["nan_at"] = {17, {}};
  document.data.options["count"] = {64, {}};
  const auto session = session_of(document);
  std::int64_t skipped = 0;
  for (int i = 0; i < 8; ++i) {  // two epochs of four batches: item 17 comes twice
    const std::vector<float> before = all_values(*session);
    const StepReport report = session->step();
    if (!report.skipped) continue;
    ++skipped;
    BOOST_TEST(!std::isfinite(report.loss));
    BOOST_TEST(same_bits(all_values(*session), before));  // state too
  }
  BOOST_TEST(skipped == 2);
  BOOST_TEST(session->state().guard().state().skipped == 2);
  for (const float value : all_values(*session)) BOOST_TEST(std::isfinite(value));
}

BOOST_AUTO_TEST_CASE(too_many_bad_steps_name_what_was_bad) {
  Document document = toy_document();
  document.train.skip_limit = 3;
  const auto session = session_of(document);
  session->step();
  session->parameters().at(session->parameters().find("dec/b.weight")).value.values()[0] =
      std::numeric_limits<float>::quiet_NaN();
  session->step();
  session->step();
  BOOST_CHECK_EXCEPTION(session->step(), Error, [](const Error& error) {
    const std::string text = error.what();
    return error.code() == ErrorCode::not_finite && text.find("loss 'fit' is nan") != std::string::npos &&
           text.find("the gradient of 'enc/a.weight'") != std::string::npos &&
           text.find("at step 4") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(objectives_update_what_is_theirs_when_it_is_their_turn) {
  const auto session = session_of(rich_document());
  const auto weight = [&](const std::string& path) {
    return session->parameters().at(session->parameters().find(path)).value.values()[0];
  };
  for (int step = 0; step < 7; ++step) {
    const float encoder = weight("enc/a.weight"), decoder = weight("dec/b.weight");
    const StepReport report = session->step();
    BOOST_TEST(weight("enc/a.weight") != encoder);
    BOOST_TEST((weight("dec/b.weight") != decoder) == (step % 3 == 0), "step " << step);
    BOOST_TEST((report.norms[1] >= 0) == (step % 3 == 0));
    BOOST_TEST(report.learning_rate == 0.1 - 0.009 * step, boost::test_tools::tolerance(1e-9));
  }
}

BOOST_AUTO_TEST_CASE(evaluation_is_deterministic_and_worked_out_by_hand) {
  Document document = toy_document();
  document.nodes[5] = entry("d", "reshape", {"c"}, {{"shape", list({6})}});  // no noise
  document.losses[1].when = When::training;
  const auto session = session_of(document, {.threads = 2});
  const Evaluation evaluation = session->evaluate();
  BOOST_TEST(evaluation.split == "test");
  BOOST_TEST(evaluation.samples == 100);
  BOOST_REQUIRE(evaluation.terms().size() == 1U);
  BOOST_TEST(evaluation.terms()[0].second == evaluation.number("reconstruction").value());
  BOOST_TEST(evaluation.number("reconstruction").value() == session->evaluate().number("reconstruction").value());
  BOOST_TEST(session->evaluate({.limit = 10}).samples == 10);
  // One sample alone is its own mean: the batch norm of this toy leaves nothing.
  BOOST_TEST(session->evaluate({.limit = 1}).number("reconstruction").value() == 0.0);
  const Evaluation single = session->evaluate({.limit = 1});
  BOOST_TEST(find_value(single.values, "reconstruction")->standard_error.value() == 0.0);
  BOOST_TEST(session->evaluate({.split = "train"}).number("reconstruction").value() !=
             evaluation.number("reconstruction").value());
}

BOOST_AUTO_TEST_CASE(early_stopping_keeps_the_best) {
  const ScratchFolder folder;
  Document document = toy_document();
  document.train.steps = 100;
  document.train.eval_every = 2;
  document.train.early_stopping = 3;
  document.train.monitor.metric = "fit";
  ObjectiveEntry worse = objective("main", {"fit"}, {});
  worse.losses[0].second = ScheduleEntry::constant(-1);  // climbs: the first evaluation stays the best
  worse.optimizer.learning_rate = ScheduleEntry::constant(0.1);
  document.objectives = {worse};
  const auto session = session_of(document);
  const RunFolder run = RunFolder::create(folder.file("run"), document.resolved, session->run_settings());
  session->attach(run);
  int evaluations = 0;
  TrainObserver observer;
  observer.evaluation = [&](const Evaluation&) { ++evaluations; };
  BOOST_TEST((session->train(observer) == TrainEnd::early));
  BOOST_TEST(evaluations == 4);
  BOOST_TEST(session->steps_done() == 8);
  BOOST_TEST(session->state().progress().best_step == 2);
  const CheckpointInfo best =
      CheckpointInfo::from_metadata(SafetensorsFile(run.checkpoints_path() + "/best.safetensors").metadata(), "");
  BOOST_TEST(best.step == 2);
  BOOST_TEST(*best.best_value == *session->state().progress().best_value);
  BOOST_TEST((session->train() == TrainEnd::early));  // a resumed one stays stopped
  BOOST_TEST(session->steps_done() == 8);
}

BOOST_AUTO_TEST_CASE(averages_stand_in_for_the_weights_in_evaluation) {
  Document document = rich_document();
  document.nodes[5] = entry("d", "reshape", {"c"}, {{"shape", list({6})}});
  const auto session = session_of(document);
  for (int i = 0; i < 6; ++i) session->step();
  const std::vector<float> weights = all_values(*session);
  const double averaged = session->evaluate().number("reconstruction").value();
  BOOST_TEST(same_bits(all_values(*session), weights));
  {
    const AveragedWeights swapped(session->state().average());
    BOOST_TEST(!same_bits(all_values(*session), weights));
  }
  document.train.average = 0;
  const auto plain = session_of(document);
  for (int i = 0; i < 6; ++i) plain->step();
  BOOST_TEST(plain->evaluate().number("reconstruction").value() != averaged);
}

BOOST_AUTO_TEST_CASE(data_that_does_not_fit_is_explained) {
  Document document = toy_document();
  document.nodes[0] = entry("image", "input", {}, {{"shape", list({6})}});  // the only input: takes column x
  document.nodes[1] = entry("enc/a", "scale", {"image"});
  session_of(document)->prepare_training();
  document.nodes.push_back(entry("lable", "input", {}, {{"shape", list({6})}}));
  document.nodes.push_back(entry("losses/third", "loss", {"lable"}));
  document.losses.push_back({"third", "losses/third", "", ScheduleEntry::constant(1), When::always, {}});
  BOOST_CHECK_EXCEPTION(session_of(document)->prepare_training(), Error, [](const Error& error) {
    return error.code() == ErrorCode::bad_feed &&
           std::string(error.what()).find("did you mean 'label'?") != std::string::npos;
  });
}

BOOST_AUTO_TEST_SUITE_END()

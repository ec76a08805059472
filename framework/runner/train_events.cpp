#include "runner/train_events.h"

#include <algorithm>

#include "run/algorithms.h"
#include "runner/console.h"
#include "train/metric_json.h"

namespace loom::runner {
namespace {

using Json = nlohmann::ordered_json;

}  // namespace

void TrainEvents::write(const char* event, Json json) const {
  Json line = {{"event", event}};
  line.update(json);
  print_json_line(line);
  flush_out();
}

void TrainEvents::started(Session& session, const std::string& run) {
  set_session(session);
  if (!on_) return;
  const TrainingPrograms& programs = session.prepare_training();
  write("started", {{"run", run},
                    {"graph", session.document().name},
                    {"data", session.data().type},
                    {"items", session.training_data().source()->size()},
                    {"parameters", session.parameters().trainable_count()},
                    {"batch", session.batch()},
                    {"lanes", programs.lanes()},
                    {"shard", programs.shard()},
                    {"precision", session.settings().precision},
                    {"algorithms", algorithms_word(session.settings().algorithms)},
                    {"threads", session.executor().threads()},
                    {"seed", session.seed()},
                    {"step", session.steps_done()},
                    {"steps", session.settings().steps}});
}

void TrainEvents::set_session(const Session& session) {
  std::vector<ShownTerm> terms = shown_terms(session);
  const bool same = std::ranges::equal(terms, terms_, {}, &ShownTerm::name, &ShownTerm::name);
  terms_ = std::move(terms);
  if (!same) means_ = StepMeans(terms_.size());
}

void TrainEvents::step(const Session& session, const StepReport& report) {
  if (!on_) return;
  means_.add(report);
  const std::int64_t left = session.settings().steps - report.step;
  if (left > 0 && means_.seconds() < every_seconds_) return;
  Json terms = Json::object();
  for (std::size_t t = 0; t < terms_.size(); ++t)
    terms[terms_[t].name] = {{"value", json_number(means_.term(t))},
                             {"weight", json_number(terms_[t].weight(report.step - 1))}};
  const double rate = means_.steps_per_second();
  write("step", {{"step", report.step},
                 {"loss", json_number(means_.loss())},
                 {"terms", terms},
                 {"learning_rate", json_number(report.learning_rate)},
                 {"samples_per_s", rate * static_cast<double>(session.batch())},
                 {"seconds_left", rate > 0 ? json_number(static_cast<double>(left) / rate) : Json(nullptr)},
                 {"skipped", means_.steps() - means_.applied()}});
  means_.restart();
}

void TrainEvents::evaluation(const Session& session, const Evaluation& evaluation, bool best) {
  if (!on_) return;
  write("evaluation", {{"step", session.steps_done()},
                       {"split", evaluation.split},
                       {"samples", evaluation.samples},
                       {"loss", json_number(evaluation.loss)},
                       {"best", best},
                       {"metrics", loom::to_json(evaluation.values)}});
}

void TrainEvents::checkpoint(std::int64_t step, const std::string& path) {
  if (on_) write("checkpoint", {{"step", step}, {"path", path}});
}

void TrainEvents::message(const std::string& text) {
  if (on_) write("message", {{"text", text}});
}

void TrainEvents::finished(Json result) {
  if (on_) write("finished", std::move(result));
}

}  // namespace loom::runner

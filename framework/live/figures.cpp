#include "live/figures.h"

#include <cmath>

#include "train/metric_json.h"

namespace loom {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kWindowSeconds = 5;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

}  // namespace

TrainObserver Figures::observing(const Session& session, TrainObserver observer) {
  std::vector<std::string> names;
  for (const LossTerm& term : session.plan().terms) names.push_back(term.name);
  if (names != names_) {
    names_ = std::move(names);
    means_ = StepMeans(names_.size());
    last_.reset();
  }
  observer.step = [this, next = std::move(observer.step)](const StepReport& report) {
    add(report);
    if (next) next(report);
  };
  observer.evaluation = [this, &session, next = std::move(observer.evaluation)](const Evaluation& evaluation) {
    evaluation_ = {{"step", session.steps_done()},
                   {"split", evaluation.split},
                   {"loss", number(evaluation.loss)},
                   {"metrics", loom::to_json(evaluation.values)}};
    if (next) next(evaluation);
  };
  return observer;
}

void Figures::add(const StepReport& report) {
  means_.add(report);
  learning_rate_ = report.learning_rate;
  if (means_.seconds() < kWindowSeconds) return;
  last_.reset();
  last_ = window();
  means_.restart();
}

Figures::Window Figures::window() const {
  if (last_) return *last_;
  Window now{means_.loss(), means_.steps_per_second(), {}};
  for (std::size_t t = 0; t < means_.terms(); ++t) now.terms.push_back(means_.term(t));
  return now;
}

Json Figures::to_json(const Session& session) const {
  Json json = {{"loss", nullptr},
               {"terms", nullptr},
               {"learning_rate", nullptr},
               {"samples_per_s", nullptr},
               {"seconds_left", nullptr}};
  if (last_ || means_.steps() > 0) {
    const Window now = window();
    json["loss"] = number(now.loss);
    json["terms"] = Json::object();
    for (std::size_t t = 0; t < now.terms.size() && t < names_.size(); ++t)
      json["terms"][names_[t]] = number(now.terms[t]);
    json["learning_rate"] = number(learning_rate_);
    json["samples_per_s"] = now.steps_per_second * static_cast<double>(session.batch());
    if (now.steps_per_second > 0)
      json["seconds_left"] =
          static_cast<double>(session.settings().steps - session.steps_done()) / now.steps_per_second;
  }
  json["evaluation"] = evaluation_;
  const TrainProgress& done = session.state().progress();
  json["best"] = done.best_value ? Json({{"step", done.best_step},
                                         {"value", number(*done.best_value)},
                                         {"of", session.plan().selection.name()}})
                                 : Json(nullptr);
  return json;
}

}  // namespace loom

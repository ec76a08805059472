#include "train/recorder.h"

#include <algorithm>
#include <cmath>

#include "train/advice.h"
#include "train/metric_json.h"

namespace loom {
namespace {

constexpr double kFlushSeconds = 2;  // a reader of the metrics sees steps after at most this time

}  // namespace

void Recorder::attach(std::shared_ptr<Metrics> metrics) {
  metrics_ = std::move(metrics);
  if (!metrics_) return;
  since_attach_.restart();
  seconds_before_ = -1;
  curves_ = {};  // curves of a run: total_loss, learning_rate, gradient_norm and the losses by their names
  curves_.loss = metrics_->curve("total_loss", "train");
  curves_.learning_rate = metrics_->curve("learning_rate", "train");
  for (const LossTerm& term : plan_.terms)
    curves_.terms.push_back(term.in_training ? metrics_->curve(term.name, "train") : -1);
  for (const Objective& objective : plan_.objectives) {
    const bool alone = plan_.objectives.size() == 1;
    curves_.norms.push_back(metrics_->curve(alone ? "gradient_norm" : "gradient_norm/" + objective.name, "train"));
  }
  for (const QuantizerStates& quantizer : quantizers_) {
    const std::string prefix = quantizers_.size() > 1 ? quantizer.path + "." : "";
    for (const char* name : {"perplexity", "used_codes", "oldest_code"})
      curves_.codebooks.push_back(metrics_->curve(prefix + name, "train"));
  }
}

void Recorder::flush() {
  if (metrics_) metrics_->flush();
}

// The first time the clock is read: what lies after the step that a run resumes from has been removed by then.
void Recorder::record_time(std::int64_t step) {
  if (seconds_before_ < 0) {
    const std::vector<MetricRow> clock = metrics_->clock();
    seconds_before_ = clock.empty() ? 0 : clock.back().value;
  }
  metrics_->add_time(step, seconds_before_ + since_attach_.seconds());
}

void Recorder::record(const StepReport& report, std::int64_t window) {
  if (!metrics_) return;
  metrics_->add(report.step, curves_.loss, report.loss);
  metrics_->add(report.step, curves_.learning_rate, report.learning_rate);
  for (std::size_t t = 0; t < report.terms.size(); ++t) {
    if (curves_.terms[t] >= 0) metrics_->add(report.step, curves_.terms[t], report.terms[t]);
  }
  for (std::size_t o = 0; o < report.norms.size(); ++o) {
    if (report.norms[o] >= 0 || std::isnan(report.norms[o]))
      metrics_->add(report.step, curves_.norms[o], report.norms[o]);
  }
  for (std::size_t q = 0; q < quantizers_.size(); ++q) {
    const CodebookHealth health = health_of(store_, quantizers_[q], std::min(report.step, window));
    metrics_->add(report.step, curves_.codebooks[3 * q], health.perplexity);
    metrics_->add(report.step, curves_.codebooks[3 * q + 1], health.used_codes);
    metrics_->add(report.step, curves_.codebooks[3 * q + 2], health.oldest_code);
  }
  if (since_flush_.seconds() < kFlushSeconds) return;
  record_time(report.step);
  metrics_->flush();
  since_flush_.restart();
}

void Recorder::record(const Evaluation& evaluation, std::int64_t step) {
  if (!metrics_) return;
  const std::string split = evaluation.split.empty() ? "all" : evaluation.split;
  metrics_->add(step, "total_loss", split, evaluation.loss);
  for (const auto& [name, value] : curves_of(evaluation.values)) metrics_->add(step, name, split, value);
  metrics_->set_info("evaluation", to_json(evaluation.values).dump());
  metrics_->set_info("findings", findings_text(evaluation.values));
  record_time(step);
  metrics_->flush();
}

}  // namespace loom

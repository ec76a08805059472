// Making a session ready, and its single step.
#include "train/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "loom/error.h"
#include "loom/math.h"
#include "train/advice.h"
#include "train/weight_sources.h"

namespace loom {
namespace {

Document with_settings(Document document, const SessionSettings& settings) {
  if (settings.steps) document.train.steps = *settings.steps;
  if (settings.batch) document.train.batch = *settings.batch;
  if (settings.seed) document.train.seed = *settings.seed;
  const auto check = [](const char* what, std::int64_t got, std::int64_t least, std::int64_t most) {
    if (got >= least && got <= most) return;
    Diagnostic finding{};
    finding.code = ErrorCode::out_of_range;
    finding.message = fmt::format("{} of the training is out of range", what);
    finding.got = fmt::format("{}", got);
    finding.expected = fmt::format("{} to {}", least, most);
    throw Error(std::move(finding));
  };
  check("the batch", document.train.batch, 1, kMaxBatch);
  check("the number of steps", document.train.steps, 0, kMaxSteps);
  check("the number of lanes", settings.lanes, 0, kMaxLanes);
  check("the shard", settings.shard, 0, kMaxBatch);
  return document;
}

std::shared_ptr<const Graph> make_graph(const Document& document, const Registry& registry) {
  Diagnostics diagnostics;
  auto graph = build_graph(document.nodes, registry, diagnostics);
  diagnostics.throw_if_any();
  return graph;
}

std::vector<Port> training_terms(const TrainingPlan& plan) {
  std::vector<Port> ports;
  for (const LossTerm& term : plan.terms) {
    if (term.in_training) ports.push_back(term.port);
  }
  return ports;
}

}  // namespace

Session::Session(Document document, const Registry& registry, SessionSettings settings)
    : document_(with_settings(std::move(document), settings)),
      registry_(registry),
      settings_(std::move(settings)),
      data_(settings_.data ? *settings_.data : document_.data),
      seed_(document_.train.seed),
      graph_(make_graph(document_, registry)),
      executor_(settings_.threads),
      store_(*graph_, seed_),
      plan_(plan_training(document_, *graph_, store_, registry_, plan_findings_)),
      guard_(document_.train, plan_.objectives.size()) {
  loaded_ = load_weight_sources(document_, store_);
  for (int i = 0; i < static_cast<int>(store_.items().size()); ++i) {
    if (store_.at(i).is_state || store_.at(i).set_by_node) states_.push_back(i);
  }
  quantizers_ = find_quantizer_states(*graph_, store_);
}

Session::~Session() = default;

const DataSource& Session::data_source() {
  if (!source_) source_ = std::make_shared<DataSource>(registry_, data_);
  return *source_;
}

const std::string& Session::data_hash() {
  if (data_hash_.empty()) data_hash_ = data_source().hash();
  return data_hash_;
}

const TrainingPrograms& Session::programs() {
  prepare_training();
  return *programs_;
}

void Session::prepare_training() {
  if (programs_) return;
  plan_findings_.throw_if_any();
  feeds_ = plan_front_feeds(*graph_, store_, training_terms(plan_), true, data_source(), settings_.cache);
  check_requests(feeds_, source_);
  updater_ = std::make_unique<Updater>(store_, plan_, document_.train, executor_);
  auto programs = std::make_unique<TrainingPrograms>(graph_, store_, executor_, plan_, feeds_.ports,
                                                     TrainingPrograms::Size{batch(), settings_.shard, settings_.lanes});
  for (const Parameter& item : store_.items()) tensors_.push_back({item.path, item.value.view()});
  const std::vector<NamedTensor> more = updater_->tensors();
  tensors_.insert(tensors_.end(), more.begin(), more.end());
  for (const int state : states_) kept_states_.push_back(store_.at(state).value.clone());
  means_.resize(plan_.terms.size());
  norms_.resize(plan_.objectives.size());
  losses_.resize(plan_.objectives.size());
  programs_ = std::move(programs);
}

// Not before the first step: a resumed run has its weights only then.
void Session::open_batches() {
  if (batches_) return;
  batches_ = std::make_unique<Batches>(open_front(feeds_, {graph_, store_, executor_}, source_, data_, settings_.cache),
                                       feeds_.requests(), batch(), seed_, true);
  batches_->seek(step_);
}

void Session::forget_front() {
  batches_.reset();
  evaluator_.reset();
}

void Session::keep_states() {
  for (std::size_t i = 0; i < states_.size(); ++i)
    std::ranges::copy(store_.at(states_[i]).value.values(), kept_states_[i].values().begin());
}

void Session::restore_states() {
  for (std::size_t i = 0; i < states_.size(); ++i)
    std::ranges::copy(kept_states_[i].values(), store_.at(states_[i]).value.values().begin());
  store_.touch();
}

StepReport Session::step() {
  prepare_training();
  open_batches();
  const std::int64_t number = step_;
  StepReport report;
  keep_states();
  try {
    const Stopwatch waited;
    const Batches::View batch = batches_->next();
    report.data_seconds = waited.seconds();
    programs_->run(number, batch.columns, batch.samples, seed_);
    report.skipped = !update(number);
  } catch (...) {
    restore_states();
    batches_->seek(number);
    throw;
  }
  ++step_;
  report.step = step_;
  report.loss = losses_.front();
  report.terms = means_;
  report.norms = norms_;
  report.learning_rate = updater_->learning_rate(0, number);
  record(report);
  return report;
}

bool Session::update(std::int64_t number) {
  for (std::size_t t = 0; t < means_.size(); ++t) means_[t] = programs_->term_mean(t);
  for (std::size_t o = 0; o < norms_.size(); ++o) {
    losses_[o] = programs_->objective_loss(o);
    norms_[o] = programs_->is_active(o) ? updater_->norm(programs_->gradients(o)) : -1;
  }
  const Guard::Verdict verdict = guard_.judge(losses_, norms_);
  if (verdict != Guard::Verdict::good) {
    guard_.reject(verdict, number + 1, describe_bad_step());
    restore_states();
    return false;
  }
  for (std::size_t o = 0; o < norms_.size(); ++o) {
    if (programs_->is_active(o)) updater_->apply(o, number, programs_->gradients(o), norms_[o]);
  }
  updater_->finish_step();
  guard_.accept(norms_);
  return true;
}

// The terms and the first parameter that are not finite, else the norms.
std::string Session::describe_bad_step() const {
  std::vector<std::string> parts;
  for (std::size_t t = 0; t < means_.size(); ++t) {
    if (plan_.terms[t].in_training && !std::isfinite(means_[t]))
      parts.push_back(fmt::format("loss '{}' is {}", plan_.terms[t].name, means_[t]));
  }
  for (std::size_t o = 0; o < norms_.size(); ++o) {
    if (!programs_->is_active(o) || std::isfinite(norms_[o])) continue;
    const auto gradients = programs_->gradients(o);
    const auto bad = std::ranges::find_if(gradients, [](std::span<float> gradient) {
      return !math::all_finite(gradient.data(), static_cast<std::int64_t>(gradient.size()));
    });
    if (bad == gradients.end()) continue;
    const int parameter = plan_.objectives[o].parameters[static_cast<std::size_t>(bad - gradients.begin())];
    parts.push_back(fmt::format("the gradient of '{}' is not finite", store_.at(parameter).path));
    break;
  }
  for (std::size_t o = 0; parts.empty() && o < norms_.size(); ++o) {
    if (programs_->is_active(o))
      parts.push_back(fmt::format("objective '{}' has a gradient norm of {:.4g} with a mean of {:.4g}",
                                  plan_.objectives[o].name, norms_[o], guard_.state().norms[o].mean));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

std::vector<double> Session::evaluation_weights() const {
  std::vector<double> weights(plan_.terms.size());
  if (plan_.objectives.empty()) return weights;
  const Objective& first = plan_.objectives.front();
  for (std::size_t t = 0; t < first.terms.size(); ++t)
    weights[static_cast<std::size_t>(first.terms[t])] += first.weight(t, std::max<std::int64_t>(0, step_ - 1));
  return weights;
}

Evaluation Session::evaluate(const EvaluationOptions& options) {
  if (!evaluator_) {
    Diagnostics findings;
    const std::vector<ChosenMetric> metrics = choose_metrics(document_, registry_, findings);
    findings.throw_if_any();
    const int lanes = programs_ ? programs_->lanes() : settings_.lanes;
    evaluator_ = std::make_unique<Evaluator>(graph_, store_, executor_, registry_, plan_.terms,
                                             Evaluator::Setting{.data = data_,
                                                                .entries = document_.nodes,
                                                                .batch = batch(),
                                                                .lanes = lanes,
                                                                .seed = seed_,
                                                                .cache = settings_.cache,
                                                                .metrics = metrics});
  }
  const AveragedWeights averages(updater_ ? updater_->average() : nullptr);
  Evaluation evaluation = evaluator_->run(options, evaluation_weights());
  if (options.metrics) add_findings(document_, plan_, *graph_, evaluation.values);
  return evaluation;
}

}  // namespace loom

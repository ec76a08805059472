#include "train/stepper.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/clock.h"
#include "core/plain_nan.h"
#include "loom/error.h"
#include "loom/math.h"
#include "run/algorithms.h"
#include "train/data_init.h"
#include "train/first_not_finite.h"

namespace loom {
namespace {

std::vector<Port> training_terms(const TrainingPlan& plan) {
  std::vector<Port> ports;
  for (const LossTerm& term : plan.terms) {
    if (term.in_training) ports.push_back(term.port);
  }
  return ports;
}

}  // namespace

bool StepReport::is_finite() const {
  return std::isfinite(loss) && std::ranges::all_of(norms, [](double norm) { return std::isfinite(norm); });
}

Stepper::Stepper(TrainingState& state, const RunSettings& settings, TrainingData& data)
    : state_(state), settings_(settings), data_(data) {
  require_precision(settings_.precision);
  state_.prepare();
  const auto& [graph, store, executor] = state_.bound();
  const TrainingPlan& plan = state_.plan();
  parts_ = state_.batches_of_step();
  feeds_ = plan_front_feeds(*graph, store, training_terms(plan), true, *data_.source(), settings_.cache);
  check_requests(feeds_, data_.source());
  programs_ =
      std::make_unique<TrainingPrograms>(graph, store, executor, plan, feeds_.ports,
                                         TrainingPrograms::Size{.batch = settings_.batch,
                                                                .shard = settings_.shard,
                                                                .lanes = settings_.lanes,
                                                                .transformed = are_transformed(settings_.algorithms),
                                                                .bf16 = settings_.precision == kBf16});
  for (int i = 0; i < static_cast<int>(store.items().size()); ++i) {
    if (!store.at(i).is_state && !store.at(i).set_by_node) continue;
    states_.push_back(i);
    kept_states_.push_back(store.at(i).value.clone());
  }
  means_.resize(plan.terms.size());
  norms_.resize(plan.objectives.size());
  losses_.resize(plan.objectives.size());
}

// Not earlier than the first step: a resumed run does not have its weights before.
void Stepper::open_batches() {
  if (batches_) return;
  batches_ =
      std::make_unique<Batches>(open_front(feeds_, state_.bound(), data_.source(), settings_.data, settings_.cache),
                                feeds_.requests(), settings_.batch, settings_.seed, true);
  batches_->seek(state_.batch_number());
}

void Stepper::keep_states() {
  for (std::size_t i = 0; i < states_.size(); ++i)
    std::ranges::copy(state_.parameters().at(states_[i]).value.values(), kept_states_[i].values().begin());
}

void Stepper::restore_states() {
  for (std::size_t i = 0; i < states_.size(); ++i)
    std::ranges::copy(kept_states_[i].values(), state_.parameters().at(states_[i]).value.values().begin());
  state_.parameters().touch();
}

Batches::View Stepper::next_batch(StepReport& report) {
  const TraceSpan span(state_.bound().executor.trace(), "data");
  const Stopwatch waited;
  const Batches::View batch = batches_->next();
  report.data_seconds += waited.seconds();
  return batch;
}

Stepper::DataInit Stepper::init_by_first_batch(const std::vector<std::string>& patterns) {
  if (!state_.is_untouched()) return {};
  const Graph& graph = *state_.graph();
  const std::vector<int> nodes = nodes_with_data_init(graph, patterns, training_terms(state_.plan()));
  state_.touch();
  DataInit done;
  if (nodes.empty()) return done;
  open_batches();
  const Batches::View batch = batches_->next();
  const std::vector<int> constant = init_from_data(
      state_.bound(), nodes,
      {.feeds = feeds_.ports, .columns = batch.columns, .samples = batch.samples, .seed = settings_.seed});
  if (MovingAverage* average = state_.average()) average->restart();
  batches_->seek(state_.batch_number());
  for (const int node : nodes) {
    const bool stays = std::ranges::find(constant, node) != constant.end();
    (stays ? done.constant : done.nodes).push_back(graph.node(node).path);
  }
  return done;
}

StepReport Stepper::step() {
  open_batches();
  const std::int64_t number = state_.progress().step;
  StepReport report;
  keep_states();
  try {
    report.skipped = !make_step(number, report);
  } catch (...) {
    restore_states();
    batches_->seek(state_.batch_number());
    throw;
  }
  state_.finish_step();
  if (report.skipped && parts_ > 1) batches_->seek(state_.batch_number());  // the step may have ended early
  report.step = number + 1;
  report.loss = losses_.front();
  report.terms = means_;
  report.norms = norms_;
  report.learning_rate = state_.updater().learning_rate(0, number);
  return report;
}

// The batches of the step, and the update. A batch that is not finite ends the step, and is the one that is looked at.
bool Stepper::make_step(std::int64_t number, StepReport& report) {
  replaced_.clear();
  for (std::int64_t part = 0;; ++part) {
    const Batches::View batch = next_batch(report);
    if (!compute(number, batch, part)) return false;
    const bool finite = std::ranges::all_of(state_.plan().terms, [&](const LossTerm& term) {
      const auto index = static_cast<std::size_t>(&term - state_.plan().terms.data());
      return !term.in_training || std::isfinite(programs_->term_mean(index));
    });
    const std::span<const ReplacedValues> replaced = programs_->replaced();
    replaced_.insert(replaced_.end(), replaced.begin(), replaced.end());
    drop_replaced_gradients();
    if (part + 1 == parts_ || !finite) return update(number, batch);
  }
}

// The first value that was not finite is looked for where somebody will ask for it: at the end of the guard's patience,
// and at the start of a run, whose steps may all be bad.
void Stepper::reject(Guard::Verdict verdict, std::int64_t number, const Batches::View& batch) {
  std::string detail = describe_bad_step(), remedy;
  const Guard& guard = state_.guard();
  if (verdict == Guard::Verdict::not_finite && (guard.is_at_limit() || guard.is_first(number + 1))) {
    restore_states();
    const std::vector<Port> terms = training_terms(state_.plan());
    const auto found = first_not_finite(state_.bound(), feeds_.ports, terms,
                                        {.feeds = batch.columns,
                                         .weights = {},
                                         .samples = batch.samples,
                                         .seed = settings_.seed,
                                         .step = static_cast<std::uint32_t>(number)},
                                        true);
    if (found) {
      const std::int64_t item = batch.indices[static_cast<std::size_t>(found->item)];
      NotFiniteStory story = tell(*state_.graph(), *found, fmt::format("{} of the data", item));
      detail += "; " + story.detail;
      remedy = std::move(story.remedy);
    }
  }
  state_.guard().reject(verdict, number + 1, detail, remedy);
}

// False where a node met a value that is not finite and that its result could not hold: a bad step.
bool Stepper::compute(std::int64_t number, const Batches::View& batch, std::int64_t part) {
  try {
    state_.parameters().set_step(number);
    programs_->run(number, batch.columns, batch.samples, settings_.seed, false, {.index = part, .count = parts_});
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_finite) throw;
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    for (std::vector<double>* values : {&means_, &norms_, &losses_}) std::ranges::fill(*values, kNone);
    state_.guard().reject(Guard::Verdict::not_finite, number + 1, error.diagnostics().front().message);
    restore_states();
    return false;
  }
}

// They are gradients of what is no longer there.
void Stepper::drop_replaced_gradients() {
  for (const ReplacedValues& values : programs_->replaced()) {
    for (std::size_t o = 0; o < norms_.size(); ++o) {
      if (!programs_->is_active(o)) continue;
      const std::vector<int>& parameters = state_.plan().objectives[o].parameters;
      const auto it = std::ranges::find(parameters, values.parameter);
      if (it == parameters.end()) continue;
      const std::span<float> gradient = programs_->gradients(o)[static_cast<std::size_t>(it - parameters.begin())];
      std::ranges::fill(
          gradient.subspan(static_cast<std::size_t>(values.first), static_cast<std::size_t>(values.count)), 0.0F);
    }
  }
}

void Stepper::measure() {
  const TraceSpan span(state_.bound().executor.trace(), "norm");
  for (std::size_t o = 0; o < norms_.size(); ++o) {
    losses_[o] = programs_->objective_loss(o);
    const auto squares = replaced_.empty() ? programs_->squares(o) : std::span<const std::span<const double>>();
    norms_[o] = programs_->is_active(o) ? state_.updater().norm(programs_->gradients(o), squares) : -1;
  }
}

bool Stepper::update(std::int64_t number, const Batches::View& batch) {
  for (std::size_t t = 0; t < means_.size(); ++t) means_[t] = programs_->term_mean(t);
  measure();
  const Guard::Verdict verdict = state_.guard().judge(losses_, norms_);
  if (verdict != Guard::Verdict::good) {
    reject(verdict, number, batch);
    restore_states();
    return false;
  }
  for (const ReplacedValues& values : replaced_) state_.updater().forget(values);
  for (std::size_t o = 0; o < norms_.size(); ++o) {
    if (programs_->is_active(o)) state_.updater().apply(o, number, programs_->gradients(o), norms_[o]);
  }
  state_.updater().finish_step();
  state_.guard().accept(norms_);
  return true;
}

// The terms and the first parameter that are not finite; otherwise the norms.
std::string Stepper::describe_bad_step() const {
  std::vector<std::string> parts;
  for (std::size_t t = 0; t < means_.size(); ++t) {
    if (state_.plan().terms[t].in_training && !std::isfinite(means_[t]))
      parts.push_back(fmt::format("loss '{}' is {}", state_.plan().terms[t].name, plain_nan(means_[t])));
  }
  for (std::size_t o = 0; o < norms_.size(); ++o) {
    if (!programs_->is_active(o) || std::isfinite(norms_[o])) continue;
    const auto gradients = programs_->gradients(o);
    const auto bad = std::ranges::find_if(gradients, [](std::span<float> gradient) {
      return !math::all_finite(gradient.data(), static_cast<std::int64_t>(gradient.size()));
    });
    if (bad == gradients.end()) continue;
    const int parameter = state_.plan().objectives[o].parameters[static_cast<std::size_t>(bad - gradients.begin())];
    parts.push_back(fmt::format("the gradient of '{}' is not finite", state_.parameters().at(parameter).path));
    break;
  }
  for (std::size_t o = 0; parts.empty() && o < norms_.size(); ++o) {
    if (programs_->is_active(o))
      parts.push_back(fmt::format("objective '{}' has a gradient norm of {:.4g} with a mean of {:.4g}",
                                  state_.plan().objectives[o].name, norms_[o], state_.guard().state().norms[o].mean));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace loom

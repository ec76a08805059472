#include "live/live_training.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cmath>
#include <filesystem>

#include "core/clock.h"
#include "live/node_change.h"
#include "loom/error.h"
#include "train/run_document.h"

namespace loom {
namespace {

constexpr auto kLookForSignals = std::chrono::milliseconds(50);  // while paused

bool is_library(const std::string& file) { return file.ends_with(".so"); }

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  return fmt::format("{}", fmt::join(parts, between));
}

nlohmann::ordered_json refusal(const std::vector<std::string>& reasons) {
  return {{"ok", false}, {"reasons", reasons}};
}

Error not_finite(const Candidate& candidate, const StepReport& report) {
  Diagnostic finding;
  finding.code = ErrorCode::candidate_not_finite;
  finding.where = {candidate.request.who, 0, 0};
  finding.message = "its first step in the training job is not finite";
  finding.got = fmt::format("a loss of {}", report.loss);
  return Error(std::move(finding));
}

}  // namespace

LiveTraining::LiveTraining(LiveModel model, RunFolder& run, LiveOptions options)
    : model_(std::move(model)), run_(run), options_(std::move(options)) {
  preparer_ = std::make_unique<Preparer>(run.path(), options_.program, options_.limits, model_);
  if (options_.watch) {
    watch_ = std::make_unique<FileWatch>([this](const std::vector<std::string>& files) { files_changed(files); });
    Diagnostics ignored;  // an invalid file is watched as well
    watch_files(load_document(model_.source.graph, parse_overrides(model_.source.overrides), ignored).files);
    // Files edited before the watch began: while they were read, or since the run was stopped.
    ChangeRequest request;
    request.who = model_.source.graph;
    preparer_->ask(std::move(request));
  }
  try {
    control_ =
        std::make_unique<ControlServer>(run.path(), [this](std::vector<std::string> words, ControlAnswer answer) {
          {
            const std::lock_guard lock(mutex_);
            commands_.push_back({std::move(words), std::move(answer)});
            pending_ = true;
          }
          wake_.notify_all();
        });
  } catch (const Error& error) {  // a file system without sockets: everything else works
    spdlog::warn("graph-runner ctl cannot reach this training job: {}", error.what());
  }
}

LiveTraining::~LiveTraining() { close(); }

void LiveTraining::close() {
  watch_.reset();
  control_.reset();
  preparer_.reset();
  for (const Command& command : commands_) command.answer(refusal({"the training job has ended"}));
  commands_.clear();
}

void LiveTraining::watch_files(std::vector<std::string> files) {
  if (!watch_) return;
  const std::vector<std::string> libraries = preparer_->library_files();
  files.insert(files.end(), libraries.begin(), libraries.end());
  watch_->watch(files);
}

void LiveTraining::files_changed(const std::vector<std::string>& files) {
  ChangeRequest request;
  std::vector<std::string> names;
  for (const std::string& file : files) {
    if (is_library(file)) request.libraries.push_back(file);
    names.push_back(file);
  }
  request.who = joined(names, ", ");
  preparer_->ask(std::move(request));
}

TrainObserver LiveTraining::observer_for(const std::function<TrainObserver(Session&)>& observe) {
  TrainObserver observer = figures_.observing(*model_.session, observe(*model_.session));
  observer.leave = [this] { return boundary(); };
  return observer;
}

TrainEnd LiveTraining::train(const std::function<TrainObserver(Session&)>& observe, const std::function<bool()>& stop) {
  const std::function<bool()> stop_or_command = [&] { return stopping_ || (stop && stop()); };
  for (;;) {
    const TrainEnd end = model_.session->train(observer_for(observe), stop_or_command);
    if (end != TrainEnd::left) return end;
    for (;;) {  // until nothing is left to do between these two steps
      wait_while_paused(stop_or_command);
      if (stop_or_command()) return stop_here();
      if (!preparer_->has_candidate()) break;
      const std::optional<TrainEnd> over = exchange(observe, stop_or_command);
      if (over && *over != TrainEnd::left) return *over;
    }
  }
}

void LiveTraining::wait_while_paused(const std::function<bool()>& stop) {
  while (paused_ && !stop() && !preparer_->has_candidate()) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, kLookForSignals, [this] { return pending_.load(); });
    }
    boundary();
  }
}

// Stops with a checkpoint, as after a step.
TrainEnd LiveTraining::stop_here() {
  const std::string checkpoint = model_.session->save_checkpoint();
  if (stop_answer_) {
    nlohmann::ordered_json json = status();
    json["checkpoint"] = checkpoint;
    stop_answer_(json);
  }
  return TrainEnd::stopped;
}

bool LiveTraining::boundary() {
  if (options_.wants_checkpoint && options_.wants_checkpoint()) write_checkpoint();
  while (pending_) {
    Command command;
    {
      const std::lock_guard lock(mutex_);
      command = std::move(commands_.front());
      commands_.pop_front();
      pending_ = !commands_.empty();
    }
    const std::vector<std::string> reasons = reasons_of([&] {
      if (!serve(command)) command.answer(status());
    });
    if (!reasons.empty()) command.answer(refusal(reasons));
  }
  return stopping_ || paused_ || preparer_->has_candidate();
}

// Training continues where it cannot be written.
void LiveTraining::write_checkpoint() {
  std::string path;
  const std::vector<std::string> reasons = reasons_of([&] { path = model_.session->save_checkpoint(); });
  const std::int64_t step = model_.session->steps_done();
  if (reasons.empty())
    options_.say(fmt::format("step {}: checkpoint {}", step, path));
  else
    options_.say(fmt::format("step {}: no checkpoint was written: {}", step, joined(reasons, "; ")));
}

nlohmann::ordered_json LiveTraining::status() {
  const Session& session = *model_.session;
  nlohmann::ordered_json json = {{"ok", true}, {"step", session.steps_done()}, {"steps", session.settings().steps}};
  json.update(figures_.to_json(session));
  json.update(nlohmann::ordered_json{{"swaps", swaps_},
                                     {"refused", refused_},
                                     {"generation", swaps_},
                                     {"graph_hash", document_hash(session.document().resolved)},
                                     {"paused", paused_},
                                     {"watching", watch_ != nullptr},
                                     {"open_libraries", preparer_->open_generations()},
                                     {"pause_ms", std::round(last_pause_ * 1e5) / 100},
                                     {"delay_ms", std::round(last_delay_ * 1e5) / 100}});
  return json;
}

void LiveTraining::ask(const Command& command, ChangeRequest request) {
  request.who = "ctl " + joined(command.words, " ");
  request.answer = [this, answer = command.answer](const ChangeOutcome& outcome) {
    if (!outcome.accepted) return answer(refusal(outcome.reasons));
    nlohmann::ordered_json json = status();
    json["what"] = outcome.what;
    answer(json);
  };
  preparer_->ask(std::move(request));
}

// False if the status is the answer; otherwise the answer was given or will be given later.
bool LiveTraining::serve(const Command& command) {
  const std::string& verb = command.words.front();
  const std::vector<std::string> rest(command.words.begin() + 1, command.words.end());
  if (verb == "status") return false;
  if (verb == "pause" || verb == "resume") {
    paused_ = verb == "pause";
    return false;
  }
  if (verb == "stop") {
    stopping_ = true;
    stop_answer_ = command.answer;  // given when the checkpoint is written
    return true;
  }
  if (verb == "checkpoint") {
    nlohmann::ordered_json json = status();
    json["checkpoint"] = model_.session->save_checkpoint();
    command.answer(json);
    return true;
  }
  ChangeRequest request;
  if (verb == "set") {
    request.overrides = rest;
    parse_overrides(rest);  // an invalid one is refused at once
    if (rest.empty()) throw Error(ErrorCode::bad_command, "set needs PATH=VALUE", "as in set losses.kl.weight=2");
  } else if (verb == "swap") {
    request.node = rest;
    parse_node_change(rest);  // invalid words are refused at once
  } else if (verb == "reload") {
    request.libraries = rest.empty() ? preparer_->library_files() : rest;
    request.is_forced = true;
  } else {
    Diagnostic finding;
    finding.code = ErrorCode::bad_command;
    finding.message = fmt::format("there is no command '{}'", verb);
    const std::vector<std::string> verbs = {"status", "set", "swap", "reload", "checkpoint", "pause", "resume", "stop"};
    finding.expected = "one of " + joined(verbs, ", ");
    finding.suggestion = nearest_name(verb, verbs);
    throw Error(std::move(finding));
  }
  ask(command, std::move(request));
  return true;
}

// Between the last step of one session and the first of another.
std::optional<TrainEnd> LiveTraining::exchange(const std::function<TrainObserver(Session&)>& observe,
                                               const std::function<bool()>& stop) {
  Candidate candidate = preparer_->take();
  if (!candidate.reasons.empty()) {
    refuse(candidate);
    preparer_->settle(model_, false, candidate, std::move(candidate.model));
    return std::nullopt;
  }
  if (!candidate.model.session) {  // nothing has changed
    model_.source = candidate.model.source;
    preparer_->settle(model_, false, candidate, {});
    if (candidate.request.answer)
      candidate.request.answer({.accepted = true, .step = model_.session->steps_done(), .what = candidate.what});
    return std::nullopt;
  }
  return try_step(candidate, observe, stop);
}

// Runs one step as a trial; if it succeeds, the exchange is final.
std::optional<TrainEnd> LiveTraining::try_step(Candidate& candidate,
                                               const std::function<TrainObserver(Session&)>& observe,
                                               const std::function<bool()>& stop) {
  const Stopwatch clock;
  const double delay = candidate.since_trial.seconds();
  const std::int64_t step = model_.session->steps_done();
  Session& next = *candidate.model.session;
  Adoption adoption;
  StepReport report;
  double pause = 0;
  candidate.reasons = reasons_of([&] {
    adoption = next.adopt(*model_.session);
    const bool may_go_on = next.steps_done() < next.settings().steps;
    pause = clock.seconds();
    if (may_go_on) report = next.step();
    if (may_go_on && !report.is_finite()) throw not_finite(candidate, report);
  });
  if (!candidate.reasons.empty()) {  // the previous session is unchanged
    if (Metrics* metrics = model_.session->metrics()) metrics->remove_after(step);
    refuse(candidate);
    preparer_->settle(model_, false, candidate, std::move(candidate.model));
    return std::nullopt;
  }
  if (paused_) {  // the step was only a trial: the values are taken over again
    next.adopt(*model_.session);
    if (Metrics* metrics = next.metrics()) metrics->remove_after(step);
  }
  const Stopwatch committing;
  LiveModel old = std::move(model_);
  model_ = std::move(candidate.model);
  const bool over =
      next.steps_done() >= next.settings().steps && next.steps_done() == step;  // fewer steps than are already done
  commit(old.session->document(), adoption);
  preparer_->settle(model_, true, candidate, std::move(old));
  watch_files(next.document().files);
  last_delay_ = delay;
  accept(candidate, adoption, pause, committing);
  if (over) return TrainEnd::completed;
  if (paused_) return std::nullopt;
  return next.conclude(report, observer_for(observe), stop);
}

// A run that is killed after this point resumes with the new document.
void LiveTraining::commit(const Document& before, const Adoption& adoption) {
  Session& session = *model_.session;
  const bool other_tensors = !adoption.fresh.empty() || !adoption.set_aside.empty() || !adoption.restored.empty();
  if (adoption.measure_changed || other_tensors) session.retire_best();
  const bool other_document = before.resolved != session.document().resolved;
  if (other_document)
    session.commit_to(run_);
  else if (other_tensors)
    session.save_checkpoint();  // older ones do not fit the new session
}

// `pause`: the time up to the first step; `since`: started at the end of that time.
void LiveTraining::accept(const Candidate& candidate, const Adoption& adoption, double pause, const Stopwatch& since) {
  ++swaps_;
  Session& session = *model_.session;
  const std::int64_t step = session.steps_done();
  const std::string what = fmt::format("{} ({})", candidate.what, describe(adoption));
  if (Metrics* metrics = session.metrics()) metrics->add_event({step, "swapped", candidate.request.who, what});
  last_pause_ = pause + since.seconds();
  options_.say(fmt::format("step {}: swapped: {} [{}; {:.0f} ms]", step, candidate.what, candidate.request.who,
                           last_pause_ * 1e3));
  if (candidate.request.answer) candidate.request.answer({.accepted = true, .step = step, .what = what});
}

void LiveTraining::refuse(const Candidate& candidate) {
  ++refused_;
  const std::int64_t step = model_.session->steps_done();
  if (Metrics* metrics = model_.session->metrics())
    metrics->add_event({step, "refused", candidate.request.who, joined(candidate.reasons, "\n")});
  options_.say(
      fmt::format("step {}: not swapped [{}]; the training job continues unchanged:", step, candidate.request.who));
  for (const std::string& reason : candidate.reasons) options_.say("  " + reason);
  if (candidate.request.answer) candidate.request.answer({.step = step, .reasons = candidate.reasons});
}

}  // namespace loom

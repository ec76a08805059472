#include "live/preparer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "live/difference.h"
#include "loom/error.h"
#include "train/check_document.h"
#include "train/checkpoint.h"
#include "train/inherited.h"
#include "train/masks.h"

namespace loom {
namespace {

namespace fs = std::filesystem;

// The types of nodes; of a scan, those of its part.
void add_types(const std::vector<NodeEntry>& nodes, std::set<std::string>& types) {
  for (const NodeEntry& node : nodes) {
    if (node.scan)
      add_types(node.scan->nodes, types);
    else
      types.insert(node.type);
  }
}

// The types that a trial checks: those of libraries that are opened again, and those that were not trained before.
std::vector<std::string> types_to_check(const Document& document, const std::vector<std::string>& libraries,
                                        const LiveModel& running) {
  std::set<std::string> trained, types;
  add_types(running.session->document().nodes, trained);
  add_types(document.nodes, types);
  std::erase_if(types, [&](const std::string& name) {
    const auto type = running.registry->node(name);
    const bool fresh = !type || std::ranges::find(libraries, type->library) != libraries.end();
    return !fresh && trained.contains(name);
  });
  return {types.begin(), types.end()};
}

std::string newest_checkpoint(const std::string& run) {
  const auto list = list_checkpoints(run + "/checkpoints");
  return list.empty() ? "" : list.back().second;
}

std::string names_of(const std::vector<std::string>& files) {
  std::string names;
  for (const std::string& file : files) names += (names.empty() ? "" : ", ") + fs::path(file).filename().string();
  return names;
}

// Values set on the command line are kept unless the document's own value has changed.
RunSettings settings_for(const LiveModel& candidate, const LiveModel& running) {
  RunSettings settings = running.session->settings();
  const RunSettings &now = candidate.declared, &before = running.declared;
  if (now.steps != before.steps) settings.steps = now.steps;
  if (now.batch != before.batch) settings.batch = now.batch;
  if (now.seed != before.seed) settings.seed = now.seed;
  if (!same_data(now.data, before.data)) settings.data = now.data;
  settings.source = candidate.source;
  return settings;
}

}  // namespace

Preparer::Preparer(std::string run, const std::string& program, const ProbationLimits& limits, const LiveModel& running)
    : run_(std::move(run)), limits_(limits), libraries_(*running.registry), probation_(program), running_(&running) {
  thread_ = std::thread([this] { work(); });
}

Preparer::~Preparer() {
  probation_.interrupt();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
  const ChangeOutcome outcome{.reasons = {"the training job has ended"}};
  if (candidate_ && candidate_->request.answer) candidate_->request.answer(outcome);
  for (const ChangeRequest& request : requests_) {
    if (request.answer) request.answer(outcome);
  }
}

Candidate Preparer::make(ChangeRequest request) {
  Candidate candidate;
  candidate.request = std::move(request);
  build(candidate, *running_);
  return candidate;
}

void Preparer::ask(ChangeRequest request) {
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
  }
  changed_.notify_all();
}

Candidate Preparer::take() {
  const std::lock_guard lock(mutex_);
  Candidate candidate = std::move(*candidate_);
  candidate_.reset();
  ready_ = false;
  taken_ = true;
  return candidate;
}

void Preparer::settle(const LiveModel& running, bool accepted, const Candidate& candidate, LiveModel old) {
  {
    const std::lock_guard lock(mutex_);
    running_ = &running;
    if (old.session || old.registry) retired_.push_back(std::move(old));
    if (accepted)
      libraries_.keep(candidate.libraries);
    else
      libraries_.drop(candidate.libraries);
    taken_ = false;
  }
  changed_.notify_all();
}

std::vector<std::string> Preparer::library_files() {
  const std::lock_guard lock(mutex_);
  return libraries_.files();
}

int Preparer::open_generations() {
  const std::lock_guard lock(mutex_);
  return libraries_.open_generations();
}

void Preparer::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock,
                  [this] { return stopping_ || !retired_.empty() || (!taken_ && !candidate_ && !requests_.empty()); });
    if (stopping_) return;
    std::vector<LiveModel> retired = std::move(retired_);
    retired_.clear();
    if (!retired.empty()) {
      lock.unlock();
      retired.clear();
      lock.lock();
      continue;
    }
    ChangeRequest request = std::move(requests_.front());
    requests_.pop_front();
    lock.unlock();
    Candidate candidate = prepare(std::move(request));
    lock.lock();
    candidate_ = std::move(candidate);
    ready_ = true;
  }
}

Candidate Preparer::prepare(ChangeRequest request) {
  Candidate candidate;
  candidate.request = std::move(request);
  candidate.reasons = reasons_of([&] { build(candidate, *running_); });
  if (!candidate.reasons.empty()) candidate.model.session.reset();
  return candidate;
}

void Preparer::try_out(const Candidate& candidate, const Document& document, const RunSettings& settings,
                       const LiveModel& running) {
  if (!probation_.has_program()) return;
  TrialRequest trial;
  trial.libraries = candidate.libraries;
  trial.before = libraries_.libraries();
  trial.check = types_to_check(document, candidate.request.libraries, running);
  trial.document = document.resolved;
  trial.name = document.file;
  trial.settings = settings;
  trial.checkpoint = newest_checkpoint(run_);
  probation_.run(trial, limits_, candidate.request.who);
}

// The libraries that the document names and that are not open yet.
void Preparer::add_new_libraries(ChangeRequest& request, const std::vector<LoadedLibrary>& wanted) const {
  const std::vector<std::string> open = libraries_.files();
  for (const LoadedLibrary& library : wanted) {
    const auto has = [&](const std::vector<std::string>& files) {
      return std::ranges::find(files, library.file) != files.end();
    };
    if (!has(open) && !has(request.libraries)) request.libraries.push_back(library.file);
  }
}

void Preparer::build(Candidate& candidate, const LiveModel& running) {
  ChangeRequest& request = candidate.request;
  LiveModel& model = candidate.model;
  model.source = running.source;
  model.source.overrides.insert(model.source.overrides.end(), request.overrides.begin(), request.overrides.end());
  if (!request.node.empty()) model.source.nodes.push_back(request.node);

  Diagnostics findings;
  Document document = load_source(model.source, findings);
  findings.throw_if_any();
  drop_inherited(document, *running.registry);
  bind_masks(document, running.session->training_data().source()->columns(), *running.registry);
  add_new_libraries(request, libraries_for(plugins_of(model.source, document)));
  const Document before = with_settings(running.session->document(), running.declared);
  const bool same_document = document.resolved == before.resolved;
  if (same_document && request.libraries.empty() && !request.is_forced) {
    candidate.what = "nothing has changed";
    return;
  }
  if (request.libraries.empty()) check_document(document, *running.registry, findings);
  findings.throw_if_any();

  std::vector<std::string> parts;
  if (!request.libraries.empty()) parts.push_back("library " + names_of(request.libraries));
  if (!same_document) {
    parts.push_back(difference(before, document));
  }
  candidate.what = parts.empty() ? "the same graph and libraries" : fmt::format("{}", fmt::join(parts, "; "));
  for (const std::string& file : request.libraries) check_library(file);
  {
    const std::lock_guard lock(mutex_);
    candidate.libraries = libraries_.with_copies(request.libraries);
  }
  model.declared = settings_of(document);
  const RunSettings settings = settings_for(model, running);
  try_out(candidate, document, settings, running);
  candidate.since_trial.restart();

  {
    const std::lock_guard lock(mutex_);  // the training job may read the counts
    model.registry = libraries_.open(candidate.libraries, *running.registry);
  }
  const auto dataset = running.registry->dataset(settings.data.type);
  const bool same_reader = dataset && std::ranges::find(request.libraries, dataset->library) == request.libraries.end();
  model.session = std::make_unique<Session>(std::move(document), *model.registry, settings_of(settings));
  model.session->state().check_adoption(running.session->state());
  if (same_reader) model.session->training_data().share(running.session->training_data());
  model.session->prepare_training();
  model.session->training_data().hash();  // a large data set takes a while
}

}  // namespace loom

#include "runner/training.h"

#include <fmt/format.h>

#include <filesystem>

#include "document/shipped_graphs.h"
#include "live/resume_changed.h"
#include "runner/new_run_path.h"
#include "runner/plugins.h"
#include "runner/verbs.h"

namespace loom::runner {
namespace {

void check_use(const TrainRequest& request) {
  if (request.init.empty() && (request.newest || !request.rename.empty()))
    throw usage_error("train", "--newest and --rename are of the weights that --init names");
  if (request.resume.empty()) {
    if (request.graph.empty()) throw usage_error("train", "neither a graph nor --resume is given");
    if (request.accept_data) throw usage_error("train", "--accept-data is of a run that --resume names");
    return;
  }
  for (const auto& [flag, given] :
       {std::pair{"a graph", !request.graph.empty()}, std::pair{"--out", !request.out.empty()},
        std::pair{"--init", !request.init.empty()}}) {
    if (given)
      throw usage_error("train", fmt::format("--resume continues the run where it is: {} starts another", flag));
  }
}

// Sanitizers name the files in their messages: they keep the originals.
std::unique_ptr<Registry> private_registry(std::unique_ptr<Registry> registry) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return registry;
#else
  return with_private_copies(*registry);
#endif
}

InitialWeights initial_weights(const TrainRequest& request) {
  InitialWeights from{request.init, request.newest, {}};
  for (const std::string& text : request.rename) from.rename.push_back(name_and_value("train", "--rename", text));
  return from;
}

void start(Training& training, const TrainRequest& request) {
  if (!request.out.empty()) RunFolder::check_free(request.out);  // before the work of reading
  LiveModel& model = training.model;
  model.source.graph = request.graph;
  if (request.graph != kStandardInput)
    model.source.graph = std::filesystem::absolute(graph_file(request.graph)).lexically_normal().string();
  else if (request.watch)
    throw usage_error("train", "--watch: a graph from standard input cannot be watched");
  model.source.plugins = request.plugins;
  model.source.overrides = request.overrides;
  SessionSettings settings = request.settings;
  if (!request.data.empty()) settings.data = with_absolute_paths(take_data(request.data, model.source.overrides));
  settings.source = model.source;
  if (!request.init.empty()) settings.init = initial_weights(request);
  Diagnostics findings;
  Document document = load_source(model.source, findings);
  NewRunPath run(request.out, document.name);
  settings.cache = run.path() + "/cache";
  model.registry = private_registry(find_registry(plugins_of(model.source, document), findings));
  model.declared = settings_of(document);
  model.session = start_session(std::move(document), *model.registry, std::move(settings), findings);
  training.run = start_run(run.path(), *model.session);
  run.keep();
  training.notes = model.session->initial_weights();
}

// The command line in short, for the history of the run.
std::string words_of(const TrainRequest& request) {
  std::string words = "train --resume";
  for (const std::string& text : request.overrides) words += " --set " + text;
  if (!request.data.empty()) words += " --data " + request.data;
  if (request.accept_data) words += " --accept-data";
  const auto add = [&](const char* flag, const auto& value) { words += fmt::format(" {} {}", flag, value); };
  const SessionSettings& settings = request.settings;
  if (settings.steps) add("--steps", *settings.steps);
  if (settings.batch) add("--batch", *settings.batch);
  if (settings.lanes > 0) add("--lanes", settings.lanes);
  if (settings.shard > 0) add("--shard", settings.shard);
  if (!settings.algorithms.empty()) add("--algorithms", settings.algorithms);
  if (!settings.precision.empty()) add("--precision", settings.precision);
  return words;
}

void resume(Training& training, const TrainRequest& request) {
  LiveModel& model = training.model;
  training.run = RunFolder::open(request.resume, true);
  Document document = load_document(training.run->document_path());
  model.registry = private_registry(registry_for({document.plugins, request.plugins}));
  set_source(model, *training.run, document, request.plugins);
  const ResumeChanges changes{.overrides = request.overrides,
                              .data = request.data,
                              .accept_data = request.accept_data,
                              .settings = request.settings,
                              .watch = request.watch,
                              .who = words_of(request),
                              .program = this_program(),
                              .limits = {.seconds = request.probation_limit}};
  if (!changes.any()) {
    model.session = resume_run(*training.run, std::move(document), *model.registry, request.settings, "train --resume");
    return;
  }
  Resumed resumed = resume_changed(*training.run, std::move(model), std::move(document), changes);
  training.model = std::move(resumed.model);
  training.notes = std::move(resumed.notes);
}

}  // namespace

std::string this_program() { return std::filesystem::canonical("/proc/self/exe").string(); }

Training begin_training(const TrainRequest& request) {
  check_use(request);
  Training training;
  if (request.resume.empty())
    start(training, request);
  else
    resume(training, request);
  return training;
}

}  // namespace loom::runner

#include "runner/training.h"

#include <fmt/format.h>

#include <filesystem>

#include "runner/plugins.h"
#include "runner/verbs.h"
#include "train/check_document.h"

namespace loom::runner {
namespace {

void check_use(const TrainRequest& request) {
  if (request.resume.empty()) {
    if (request.graph.empty()) throw usage_error("train", "neither a graph nor --resume is given");
    if (request.out.empty()) throw usage_error("train", "--out is missing: the folder that the run is written to");
    return;
  }
  const bool more = !request.graph.empty() || !request.out.empty() || !request.data.empty() ||
                    !request.overrides.empty() || request.settings.batch || request.settings.seed ||
                    request.settings.lanes > 0 || request.settings.shard > 0;
  if (more)
    throw usage_error("train",
                      "--resume goes on with what the run was started with: beside it stand only --steps, --threads, "
                      "--plugin and --watch");
}

// Sanitizers name the files in their messages: they keep the originals.
std::unique_ptr<Registry> private_registry(std::unique_ptr<Registry> registry) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return registry;
#else
  return with_private_copies(*registry);
#endif
}

void start(Training& training, const TrainRequest& request) {
  RunFolder::check_free(request.out);
  LiveModel& model = training.model;
  model.source.graph = std::filesystem::absolute(request.graph).lexically_normal().string();
  model.source.plugins = request.plugins;
  for (const std::string& text : request.overrides) model.source.overrides.push_back(parse_override(text));
  SessionSettings settings = request.settings;
  if (!request.data.empty()) settings.data = parse_data_specification(request.data);
  settings.cache = request.out + "/cache";
  settings.source = to_run_source(model.source);
  Diagnostics findings;
  Document document = load_source(model.source, findings);
  model.registry = private_registry(find_registry(plugins_of(model.source, document), findings));
  check_document(document, *model.registry, findings);
  findings.throw_if_any();
  if (document.data.type.empty() && !settings.data) {
    throw Error(ErrorCode::usage, fmt::format("{} names no data", request.graph),
                "give --data TYPE:PATH,key=value; graph-runner list shows the types");
  }
  model.declared = document.train;
  model.declared_data = document.data;
  model.session = std::make_unique<Session>(std::move(document), *model.registry, std::move(settings));
  training.run = start_run(request.out, *model.session);
}

// Changes of a resumed run are made to what it was started from, where that is still there.
LiveSource source_of(const RunFolder& run, const std::vector<std::string>& plugins) {
  LiveSource source = from_run_source(run.settings().source);
  if (source.graph.empty() || !std::filesystem::is_regular_file(source.graph))
    source = {run.document_path(), {}, {}, {}};
  source.plugins = plugins;
  return source;
}

void resume(Training& training, const TrainRequest& request) {
  LiveModel& model = training.model;
  training.run = RunFolder::open(request.resume, true);
  model.source = source_of(*training.run, request.plugins);
  const std::optional<std::int64_t> steps = request.settings.steps;
  SessionSettings settings =
      settings_of(training.run->settings(),
                  {.steps = steps, .threads = request.settings.threads, .cache = training.run->cache_path()});
  Document document = load_document(training.run->document_path());
  model.registry = private_registry(registry_for({document.plugins, request.plugins}));
  model.declared = document.train;
  model.declared_data = document.data;
  model.session = std::make_unique<Session>(std::move(document), *model.registry, std::move(settings));
  model.session->attach(*training.run);
  model.session->resume();
  const std::int64_t done = model.session->steps_done();
  if (steps && *steps < done)
    throw usage_error("train", fmt::format("--steps {}: the run has done {} already", *steps, done));
  if (Metrics* metrics = model.session->metrics())
    metrics->add_event({done, "resumed", "train --resume", fmt::format("from the checkpoint of step {}", done)});
  if (steps) training.run->update_settings(model.session->settings());
}

}  // namespace

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

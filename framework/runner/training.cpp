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
                    !request.overrides.empty() || request.batch || request.seed || request.lanes > 0 ||
                    request.shard > 0;
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
  SessionSettings settings;
  if (!request.data.empty()) settings.data = parse_data_specification(request.data);
  settings.steps = request.steps;
  settings.batch = request.batch;
  settings.seed = request.seed;
  settings.threads = request.threads;
  settings.lanes = request.lanes;
  settings.shard = request.shard;
  settings.cache = request.out + "/cache";
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
  RunSettings run_settings = model.session->run_settings();
  run_settings.source = to_run_source(model.source);
  // What was loaded from other runs is in this one's checkpoints from the start: it never needs them again.
  training.run =
      RunFolder::create(request.out, model.session->document().resolved, run_settings, [&](const RunFolder& run) {
        if (run_settings.weights.empty()) return;
        model.session->attach(run);
        model.session->save_checkpoint();
      });
  if (run_settings.weights.empty()) model.session->attach(*training.run);
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
  SessionSettings settings;
  settings.steps = request.steps;
  settings.threads = request.threads;
  settings.cache = training.run->cache_path();
  settings = settings_of(training.run->settings(), std::move(settings));
  Document document = load_document(training.run->document_path());
  model.registry = private_registry(registry_for({document.plugins, request.plugins}));
  model.declared = document.train;
  model.declared_data = document.data;
  model.session = std::make_unique<Session>(std::move(document), *model.registry, std::move(settings));
  model.session->attach(*training.run);
  model.session->resume();
  const std::int64_t done = model.session->steps_done();
  if (request.steps && *request.steps < done)
    throw usage_error("train", fmt::format("--steps {}: the run has done {} already", *request.steps, done));
  if (Metrics* metrics = model.session->metrics())
    metrics->add_event({done, "resumed", "train --resume", fmt::format("from the checkpoint of step {}", done)});
  if (!request.steps) return;
  RunSettings run_settings = model.session->run_settings();
  run_settings.source = training.run->settings().source;
  training.run->update_settings(run_settings);
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

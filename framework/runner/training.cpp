#include "runner/training.h"

#include <filesystem>

#include "document/shipped_graphs.h"
#include "runner/new_run_path.h"
#include "runner/plugins.h"
#include "runner/verbs.h"

namespace loom::runner {
namespace {

void check_use(const TrainRequest& request) {
  if (request.resume.empty()) {
    if (request.graph.empty()) throw usage_error("train", "neither a graph nor --resume is given");
    return;
  }
  const bool more = !request.graph.empty() || !request.out.empty() || !request.data.empty() ||
                    !request.overrides.empty() || request.settings.batch || request.settings.seed ||
                    request.settings.lanes > 0 || request.settings.shard > 0;
  if (more)
    throw usage_error(
        "train",
        "--resume uses the settings that the run was started with; it can only be combined with --steps, --threads, "
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

// The document that changes of a resumed run start from; the run's own, where it cannot be read.
Document document_of(const RunSource& source, const Document& own) {
  Diagnostics findings;
  Document document = load_source(source, findings);
  return findings.empty() ? document : own;
}

void start(Training& training, const TrainRequest& request) {
  if (!request.out.empty()) RunFolder::check_free(request.out);  // before the work of reading
  LiveModel& model = training.model;
  model.source.graph = std::filesystem::absolute(graph_file(request.graph)).lexically_normal().string();
  model.source.plugins = request.plugins;
  model.source.overrides = request.overrides;
  SessionSettings settings = request.settings;
  if (!request.data.empty()) settings.data = with_absolute_paths(take_data(request.data, model.source.overrides));
  settings.source = model.source;
  Diagnostics findings;
  Document document = load_source(model.source, findings);
  NewRunPath run(request.out, document.name);
  settings.cache = run.path() + "/cache";
  model.registry = private_registry(find_registry(plugins_of(model.source, document), findings));
  model.declared = settings_of(document);
  model.session = start_session(std::move(document), *model.registry, std::move(settings), findings);
  training.run = start_run(run.path(), *model.session);
  run.keep();
}

void resume(Training& training, const TrainRequest& request) {
  LiveModel& model = training.model;
  training.run = RunFolder::open(request.resume, true);
  // Changes of a resumed run start from the graph file that it was started from, if that still exists.
  model.source = training.run->settings().source;
  if (!std::filesystem::is_regular_file(model.source.graph)) model.source = {training.run->document_path(), {}, {}, {}};
  model.source.plugins = request.plugins;
  Document document = load_document(training.run->document_path());
  model.registry = private_registry(registry_for({document.plugins, request.plugins}));
  model.declared = settings_of(document_of(model.source, document));
  model.session = resume_run(*training.run, std::move(document), *model.registry, request.settings, "train --resume");
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

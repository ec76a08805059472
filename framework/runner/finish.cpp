#include "runner/finish.h"

#include <spdlog/spdlog.h>

#include "runner/generate.h"
#include "runner/report.h"
#include "train/atomic_file.h"

namespace loom::runner {
namespace {

constexpr std::int64_t kSamples = 64, kReconstructions = 32;

// Runs `make`, which returns the path of what it wrote.
template <class Make>
std::string or_warn(const char* what, const Make& make) {
  try {
    return make();
  } catch (const std::exception& problem) {
    spdlog::warn("no {}: {}", what, problem.what());
    return "";
  }
}

std::string write_if_any(const std::string& path, const std::optional<std::string>& bytes) {
  if (!bytes) return "";
  write_text_file(path, *bytes);
  return path;
}

}  // namespace

FinishedFiles finish_run(const std::string& path, int threads) {
  FinishedFiles files;
  std::optional<Model> model;
  std::optional<RunFolder> run;
  or_warn("pictures", [&] {
    model.emplace(path);
    run = RunFolder::open(path, false);
    return "";
  });
  if (!run) return files;
  Executor executor(threads);
  files.samples = or_warn("samples", [&] {
    const GenerateEntry* entry = find_generate(model->document(), "sample");
    return entry == nullptr
               ? ""
               : write_if_any(
                     run->samples_path(),
                     samples_png(*model, draw_samples(*model, executor, *entry,
                                                      {.count = kSamples, .seed = model->seed(), .node_options = {}})));
  });
  files.reconstructions = or_warn("reconstructions", [&] {
    const GenerateEntry* entry = find_generate(model->document(), "reconstruct");
    if (entry == nullptr) return std::string();
    return write_if_any(run->reconstructions_path(),
                        reconstructions_png(reconstruct(*model, executor, *entry, model->data(""), "test",
                                                        kReconstructions, model->seed())));
  });
  files.report = or_warn("report", [&] {
    write_text_file(run->report_path(), report_of(*model, *run, executor.threads()));
    return run->report_path();
  });
  return files;
}

}  // namespace loom::runner

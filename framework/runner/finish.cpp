#include "runner/finish.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "io/atomic_file.h"
#include "runner/generate.h"
#include "runner/report.h"
#include "runner/sound.h"

namespace loom::runner {
namespace {

constexpr std::int64_t kSamples = 64, kReconstructions = 32, kSounds = 8;

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

FinishedFiles finish_run(const std::string& path, int threads, const std::vector<std::string>& plugins) {
  FinishedFiles files;
  std::optional<Model> model;
  std::optional<RunFolder> run;
  or_warn("pictures", [&] {
    model.emplace(path, ModelOptions{.overrides = {}, .weights = {}, .plugins = plugins});
    run = RunFolder::open(path, false);
    return "";
  });
  if (!run) return files;
  Executor executor(threads);
  const std::int64_t rate = data_rate(*model, "");  // 0: pictures
  const auto sounds = [&](const char* name, const TensorView& values) {
    return write_wav(fmt::format("{}/{}.wav", path, name), values, rate).front();
  };
  files.samples = or_warn("samples", [&] {
    const GenerateEntry* entry = find_generate(model->document(), "sample");
    if (entry == nullptr) return std::string();
    const Tensor samples = draw_samples(
        *model, executor, *entry, {.count = rate > 0 ? kSounds : kSamples, .seed = model->seed(), .node_options = {}});
    if (rate > 0 && has_sound_shape(samples.shape())) return sounds("samples", samples);
    return write_if_any(run->samples_path(), samples_png(*model, samples));
  });
  files.reconstructions = or_warn("reconstructions", [&] {
    const GenerateEntry* entry = find_generate(model->document(), "reconstruct");
    if (entry == nullptr) return std::string();
    const Reconstructions pairs = reconstruct(*model, executor, *entry, model->data(""), "test",
                                              rate > 0 ? kSounds : kReconstructions, model->seed());
    if (rate > 0 && has_sound_shape(pairs.reconstructions.shape())) {
      if (pairs.originals.dtype() == DType::f32 && has_sound_shape(pairs.originals.shape()))
        sounds("originals", pairs.originals);
      return sounds("reconstructions", pairs.reconstructions);
    }
    return write_if_any(run->reconstructions_path(), reconstructions_png(pairs));
  });
  files.report = or_warn("report", [&] {
    write_text_file(run->report_path(), report_of(*model, *run, executor.threads()));
    return run->report_path();
  });
  return files;
}

}  // namespace loom::runner

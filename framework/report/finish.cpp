#include "report/finish.h"

#include <fmt/format.h>

#include "generate/sampling.h"
#include "io/atomic_file.h"
#include "io/wav.h"
#include "report/pictures.h"
#include "report/report.h"

namespace loom::report {
namespace {

constexpr std::int64_t kSamples = 64, kReconstructions = 32, kSounds = 8;

// Runs `make`, which returns the path of the file that it wrote.
template <class Make>
void make_file(FinishedFile& file, const ModelOptions& options, const Make& make) {
  try {
    file.path = make();
  } catch (const std::exception& problem) {
    if (options.notice) options.notice(fmt::format("no {}: {}", file.name, problem.what()));
  }
}

std::string write_if_any(const std::string& path, const std::optional<std::string>& bytes) {
  if (!bytes) return "";
  write_text_file(path, *bytes);
  return path;
}

}  // namespace

FinishedFiles finish_run(const std::string& path, const ModelOptions& options) {
  FinishedFiles files;
  std::optional<Model> model;
  std::optional<RunFolder> run;
  try {
    model.emplace(path, options);
    run = RunFolder::open(path, false);
  } catch (const std::exception& problem) {
    if (options.notice) options.notice(fmt::format("no pictures: {}", problem.what()));
    return files;
  }
  const ModelSource& source = model->source();
  const std::int64_t rate = source.sample_rate("");  // 0: pictures
  const auto sounds = [&](const char* name, const TensorView& values) {
    const WrittenSounds written = write_wav(fmt::format("{}/{}.wav", path, name), values, rate);
    if (written.cut > 0)
      source.notice(fmt::format("{}: {} of {} values are outside [-1, 1] and are clipped", written.files.front(),
                                written.cut, values.count()));
    return written.files.front();
  };
  make_file(files.samples, options, [&] {
    const Tensor samples = model->sample(rate > 0 ? kSounds : kSamples, {.seed = source.seed()});
    if (rate > 0 && sound_channels(samples.shape()) > 0) return sounds("samples", samples);
    return write_if_any(run->samples_path(), samples_png(source, samples));
  });
  make_file(files.reconstructions, options, [&] {
    const GenerateEntry entry = reconstruction_entry(source, "reconstruct");
    Executor executor(options.threads);
    const Reconstructions pairs = reconstruct(source, executor, entry, source.data(""), "test",
                                              rate > 0 ? kSounds : kReconstructions, source.seed());
    if (rate > 0 && sound_channels(pairs.reconstructions.shape()) > 0) {
      if (pairs.originals.dtype() == DType::f32 && sound_channels(pairs.originals.shape()) > 0)
        sounds("originals", pairs.originals);
      return sounds("reconstructions", pairs.reconstructions);
    }
    return write_if_any(run->reconstructions_path(),
                        reconstructions_png(pairs, picture_like(source, pairs.reconstructions.shape().event())));
  });
  Traversals traversals;
  make_file(files.traversal, options, [&] {
    Executor executor(options.threads);
    traversals = write_traversals(source, *run, executor);
    return traversals.written.empty() ? std::string() : traversals.written.front().path;
  });
  make_file(files.report, options, [&] {
    write_text_file(run->report_path(), report_of(source, *run, traversals, model->threads()));
    return run->report_path();
  });
  return files;
}

}  // namespace loom::report

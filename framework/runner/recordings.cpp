#include "runner/recordings.h"

#include <fmt/format.h>

#include <cstring>
#include <filesystem>

#include "generate/encodings.h"
#include "generate/entry.h"
#include "generate/sampling.h"
#include "generate/whole_recordings.h"
#include "io/npy.h"
#include "io/npz.h"
#include "io/wav.h"
#include "runner/console.h"
#include "runner/out_file.h"
#include "runner/verbs.h"

namespace loom::runner {
namespace {

namespace fs = std::filesystem;

std::vector<Recording> recordings_of(const WholeRecordings& request) {
  const ModelSource model(request.model, request.options);
  std::vector<Recording> recordings = whole_recordings(model, model.data(request.data), request.split);
  if (request.count > 0 && request.count < static_cast<std::int64_t>(recordings.size()))
    recordings.resize(static_cast<std::size_t>(request.count));
  return recordings;
}

// The run, opened at the length of the recording.
ModelSource fitted(const WholeRecordings& request, const Recording& recording) {
  ModelSource model(request.model, request.options);
  model.fit(*model.open(recording.data, "all"));
  return model;
}

std::string stem_of(const std::string& file) { return fs::path(file).stem().string(); }

// The values of the recording itself, without what it was padded with.
TensorView trimmed(const TensorView& values, std::int64_t frames) {
  Shape shape = values.shape();
  if (shape.rank() > 1) shape[1] = std::min(shape[1], frames);
  return {values.dtype(), shape, values.raw()};
}

}  // namespace

int reconstruct_recordings(const WholeRecordings& request) {
  if (!is_sound(request.out))
    throw usage_error("reconstruct", fmt::format("--out of whole recordings is a .wav file, not '{}'", request.out));
  const std::vector<Recording> recordings = recordings_of(request);
  Executor executor(request.threads);
  for (const Recording& recording : recordings) {
    const ModelSource model = fitted(request, recording);
    const Reconstructions pairs = loom::reconstruct(model, executor, require_generate(model.document(), request.entry),
                                                    recording.data, "all", 1, request.seed);
    const fs::path out(request.out);
    const std::string path =
        recordings.size() == 1
            ? request.out
            : (out.parent_path() / fmt::format("{}-{}.wav", out.stem().string(), stem_of(recording.file))).string();
    write_sound(path, trimmed(pairs.reconstructions, recording.frames), model, {request.data, request.rate, false});
    print("{}: {} samples in {}\n", recording.file, grouped(recording.frames), path);
  }
  return kOk;
}

int encode_recordings(const WholeRecordings& request) {
  if (!request.out.ends_with(".npz"))
    throw usage_error("encode", fmt::format("--out of whole recordings is an .npz file, not '{}'", request.out));
  const std::vector<Recording> recordings = recordings_of(request);
  Executor executor(request.threads);
  std::vector<std::pair<std::string, std::string>> arrays;
  const auto add = [&](const std::string& name, const auto& values) {
    arrays.emplace_back(name, fmt::format("{}.{}.tmp", request.out, arrays.size()));
    write_npy(arrays.back().second, values);
  };
  std::vector<std::string> files;
  std::vector<std::int64_t> lengths;
  for (const Recording& recording : recordings) {
    const ModelSource model = fitted(request, recording);
    const Encodings wanted = require_encodings(model, request.ports);
    const std::vector<std::string> names = wanted.names();
    encode_items(
        model, executor, wanted, {.source = model.open(recording.data, "all"), .seed = request.seed},
        [](std::int64_t) {},
        [&](std::size_t i, const TensorView& rows) {
          const std::string name = recordings.size() == 1 ? names[i] : stem_of(recording.file) + "." + names[i];
          add(name, rows);
          print("{}: {} {} in {}\n", name, rows.shape().text(), name_of(rows.dtype()), request.out);
        });
    files.push_back(recording.file);
    lengths.push_back(recording.frames);
  }
  add("origin", std::span<const std::string>(files));
  add("length", std::span<const std::int64_t>(lengths));
  write_npz(request.out, arrays);
  std::error_code ignored;
  for (const auto& [name, file] : arrays) fs::remove(file, ignored);
  return kOk;
}

}  // namespace loom::runner

#include "runner/recordings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <memory>

#include "generate/encodings.h"
#include "generate/entry.h"
#include "generate/recording_run.h"
#include "generate/sampling.h"
#include "generate/units.h"
#include "generate/whole_recordings.h"
#include "io/wav.h"
#include "runner/array_file.h"
#include "runner/console.h"
#include "runner/out_file.h"
#include "runner/verbs.h"

namespace loom::runner {
namespace {

namespace fs = std::filesystem;

std::vector<Recording> recordings_of(const WholeRecordings& request, const ModelSource& model) {
  std::vector<Recording> recordings = whole_recordings(model, model.data(request.data), request.split);
  if (request.count > 0 && request.count < static_cast<std::int64_t>(recordings.size()))
    recordings.resize(static_cast<std::size_t>(request.count));
  return recordings;
}

// A notice that concerns the model is given once, not for each recording.
std::function<void(const std::string&)> once(const ModelSource& model) {
  return [&model, said = false](const std::string& sentence) mutable {
    if (!said) model.notice(sentence);
    said = true;
  };
}

RecordingRequest request_of(const WholeRecordings& request, const ModelSource& model,
                            std::function<Encodings(const ModelSource&)> wanted) {
  return {.model = model,
          .open = [&request] { return ModelSource(request.model, request.options); },
          .wanted = std::move(wanted),
          .seed = request.seed,
          .notice = once(model)};
}

// The values of the recording itself, without what it was padded with.
TensorView trimmed(const TensorView& values, std::int64_t frames) {
  Shape shape = values.shape();
  if (shape.rank() > 1) shape[1] = std::min(shape[1], frames);
  return {values.dtype(), shape, values.raw()};
}

// What an entry shows of a recording whose positions are drawn one after the other: in one piece.
Tensor drawn(const WholeRecordings& request, const Recording& recording, Executor& executor) {
  ModelSource model(request.model, request.options);
  model.fit(*model.open(recording.data, "all"));
  const GenerateEntry entry = reconstruction_entry(model, request.entry, request.draws);
  return loom::reconstruct(model, executor, entry, recording.data, "all", 1, request.seed, request.draws.options)
      .reconstructions;
}

// What an entry shows of a recording.
Tensor shown(const RecordingRequest& request, const Recording& recording, Executor& executor) {
  Tensor whole;
  Port port;
  std::size_t done = 0;
  const auto begin = [&](const std::vector<RecordingArray>& arrays) {
    whole = Tensor(arrays[0].dtype, arrays[0].shape);
    port = arrays[0].port;
  };
  const auto add = [&](std::size_t, const TensorView& values, const ModelSource& model, const Graph& graph) {
    const TensorView target(values.dtype(), values.shape(), static_cast<std::byte*>(whole.view().raw()) + done);
    std::memcpy(target.raw(), values.raw(), values.bytes());
    to_data_units(model, graph, port, target);
    done += values.bytes();
  };
  run_recording(request, recording, executor, {begin, add});
  return whole;
}

// Writes the arrays of a recording into parts of the archive, named `prefix` + port.
void write_codes(const RecordingRequest& request, const Recording& recording, Executor& executor,
                 const std::string& prefix, const std::string& out, ArchiveParts& parts) {
  std::vector<std::unique_ptr<ArrayFile>> files;
  std::vector<Port> ports;
  const auto begin = [&](const std::vector<RecordingArray>& arrays) {
    for (const RecordingArray& array : arrays) {
      ports.push_back(array.port);
      files.push_back(std::make_unique<ArrayFile>(parts.add(prefix + array.name), array.dtype, array.shape));
      print("{}: {} {} in {}\n", prefix + array.name, array.shape.text(), name_of(array.dtype), out);
    }
  };
  const auto add = [&](std::size_t i, const TensorView& values, const ModelSource& model, const Graph& graph) {
    const ColumnCard* column = column_of_values(model, graph, ports[i]);
    if (column == nullptr) return files[i]->add(values);
    Tensor restored(values.dtype(), values.shape());  // ports may share memory
    std::memcpy(restored.view().raw(), values.raw(), values.bytes());
    restore_units(*column, restored.view());
    files[i]->add(restored.view());
  };
  run_recording(request, recording, executor, {begin, add});
  for (const auto& file : files) file->commit();
}

}  // namespace

int reconstruct_recordings(const WholeRecordings& request) {
  if (!is_sound(request.out))
    throw usage_error("reconstruct", fmt::format("--out of whole recordings is a .wav file, not '{}'", request.out));
  const ModelSource model(request.model, request.options);
  const std::vector<Recording> recordings = recordings_of(request, model);
  const GenerateEntry entry = reconstruction_entry(model, request.entry, request.draws);
  const RecordingRequest asked = request_of(request, model, [&request](const ModelSource& opened) {
    const GenerateEntry own = reconstruction_entry(opened, request.entry, request.draws);
    Rewrite rewrite = with_draws(opened.document(), own, opened.registry());
    set_options(rewrite, own, request.draws.options);
    const std::shared_ptr<const Graph> graph = rewrite.build();
    return Encodings{graph, {graph->port(rewrite.resolved(own.show))}};
  });
  Executor executor(request.threads);
  for (const Recording& recording : recordings) {
    const bool whole = !entry.autoregressions.empty() || !entry.iterations.empty();
    if (whole && recording.rounded > window_core(recording.piece, 0))
      asked.notice(
          fmt::format("recordings are computed in one piece, and memory grows with their length: generate.{} "
                      "{}",
                      entry.name, entry.iterations.empty() ? "draws each position after those before it" : "iterates"));
    const Tensor sound = whole ? drawn(request, recording, executor) : shown(asked, recording, executor);
    const fs::path out(request.out);
    const std::string path =
        recordings.size() == 1
            ? request.out
            : (out.parent_path() / fmt::format("{}-{}.wav", out.stem().string(), recording.name)).string();
    write_sound(path, trimmed(sound, recording.frames), model, {request.data, request.rate, false});
    print("{}: {} samples in {}\n", recording.file, grouped(recording.frames), path);
  }
  return kOk;
}

int encode_recordings(const WholeRecordings& request) {
  if (!request.out.ends_with(".npz"))
    throw usage_error("encode", fmt::format("--out of whole recordings is an .npz file, not '{}'", request.out));
  const ModelSource model(request.model, request.options);
  const std::vector<Recording> recordings = recordings_of(request, model);
  const RecordingRequest asked = request_of(
      request, model, [&request](const ModelSource& opened) { return require_encodings(opened, request.ports); });
  Executor executor(request.threads);
  ArchiveParts parts(request.out);
  std::vector<std::string> files;
  std::vector<std::int64_t> lengths;
  for (const Recording& recording : recordings) {
    write_codes(asked, recording, executor, recordings.size() == 1 ? "" : recording.name + ".", request.out, parts);
    files.push_back(recording.file);
    lengths.push_back(recording.frames);
  }
  write_npy(parts.add("origin"), std::span<const std::string>(files));
  write_npy(parts.add("length"), std::span<const std::int64_t>(lengths));
  parts.write();
  return kOk;
}

}  // namespace loom::runner

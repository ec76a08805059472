// graph-runner sample and reconstruct: write samples and reconstructions as pictures, arrays or sounds.
#include <fmt/format.h>

#include <cstring>
#include <optional>

#include "generate/sampling.h"
#include "io/npy.h"
#include "report/pictures.h"
#include "runner/console.h"
#include "runner/csv_file.h"
#include "runner/draw_flags.h"
#include "runner/model_flags.h"
#include "runner/out_file.h"
#include "runner/recordings.h"
#include "runner/verbs.h"

namespace loom::runner {
namespace {

struct SampleFlags : ModelFlags {
  std::string out, name, data, split = "test";
  std::int64_t count = 64, rate = 0;
  bool whole = false, separate = false, whole_recordings = false;
  DrawFlags draws;
};

SampleOptions sample_options(const SampleFlags& request) {
  return {.name = request.name,
          .seed = request.draws.seed,
          .incremental = !request.whole,
          .draws = request.draws.options()};
}

std::vector<CsvColumn> columns_of(const ModelSource& model, const std::vector<std::pair<std::string, Tensor>>& shown) {
  std::vector<CsvColumn> columns;
  for (const auto& [name, values] : shown) columns.push_back(described(model, name, values));
  return columns;
}

void say_left_out(const SampleFlags& request, std::size_t columns, const std::string& first) {
  if (columns > 1 && !is_table(request.out))
    say(fmt::format("of {} columns only '{}' is in {}; a .csv file has all\n", columns, first, request.out));
}

int sample(const SampleFlags& request, bool json) {
  check_out("sample", request.out, true);
  const Model model(request.model, request.model_options());
  const auto shown = model.sample_columns(request.count, sample_options(request));
  const Tensor& samples = shown.front().second;
  if (is_table(request.out))
    write_csv(request.out, columns_of(model.source(), shown));
  else if (is_array(request.out))
    write_array(request.out, samples);
  else if (is_sound(request.out))
    write_sound(request.out, samples, model.source(), {"", request.rate, request.separate});
  else
    write_picture(request.out, report::samples_png(model.source(), samples), samples.shape());
  say_left_out(request, shown.size(), shown.front().first);
  say_written(json, request.out, samples.shape(),
              fmt::format("{} samples of {} in {}", request.count, samples.shape().event().text(), request.out),
              {{"seed", request.draws.seed}});
  return kOk;
}

// [n, 2, ...]: each original and its reconstruction.
Tensor stacked(const Reconstructions& pairs) {
  const std::int64_t count = pairs.originals.shape()[0];
  const Shape event = pairs.reconstructions.shape().event();
  Shape shape{count, 2};
  for (const std::int64_t extent : event.extents()) shape.push_back(extent);
  if (pairs.originals.shape().event().count() != event.count() ||
      pairs.originals.dtype() != pairs.reconstructions.dtype()) {
    throw Error(ErrorCode::data_shape,
                fmt::format("originals {} and reconstructions {} do not fit into one array",
                            pairs.originals.shape().text(), pairs.reconstructions.shape().text()));
  }
  Tensor both(pairs.originals.dtype(), shape);
  const std::size_t bytes = pairs.originals.view().rows(0, 1).bytes();
  auto* out = static_cast<std::byte*>(both.view().raw());
  for (std::int64_t i = 0; i < count; ++i) {
    std::memcpy(out + static_cast<std::size_t>(2 * i) * bytes, pairs.originals.view().rows(i, 1).raw(), bytes);
    std::memcpy(out + static_cast<std::size_t>(2 * i + 1) * bytes, pairs.reconstructions.view().rows(i, 1).raw(),
                bytes);
  }
  return both;
}

using ReconstructedColumns = std::vector<std::pair<std::string, Reconstructions>>;

std::vector<CsvColumn> columns_of(const ModelSource& model, const ReconstructedColumns& shown) {
  std::vector<CsvColumn> columns;
  for (const auto& [name, pairs] : shown) columns.push_back(described(model, name, pairs.reconstructions));
  return columns;
}

// Each column that the entry shows, of the same items and with the same draws; the first one only where a file has room for
// no more.
ReconstructedColumns reconstructed_columns(const SampleFlags& request, const ModelSource& model, Executor& executor,
                                           const GenerateEntry& entry, const DrawOptions& draws) {
  std::vector<std::pair<std::string, Reference>> shows = entry.shows;
  if (shows.empty()) shows.emplace_back("", entry.show);
  if (!is_table(request.out)) shows.resize(1);
  ReconstructedColumns columns;
  for (const auto& [name, port] : shows) {
    GenerateEntry one = entry;
    one.show = port;
    columns.emplace_back(name, loom::reconstruct(model, executor, one, model.data(request.data), request.split,
                                                 request.count, request.draws.seed, draws.options));
  }
  return columns;
}

// [n, 2, ...] seen as [2 n, ...]: each original, then its reconstruction.
TensorView in_turn(const Tensor& both) {
  Shape shape{2 * both.shape()[0]};
  for (int axis = 2; axis < both.shape().rank(); ++axis) shape.push_back(both.shape()[axis]);
  return {both.dtype(), shape, both.view().raw()};
}

WholeRecordings recordings_to_reconstruct(const SampleFlags& request) {
  return {.model = request.model,
          .data = request.data,
          .split = request.split,
          .out = request.out,
          .options = request.model_options(),
          .entry = request.name,
          .ports = {},
          .count = request.count,
          .rate = request.rate,
          .seed = request.draws.seed,
          .threads = request.threads,
          .draws = request.draws.options()};
}

int reconstruct(const SampleFlags& request, bool json) {
  check_out("reconstruct", request.out, true);
  if (request.whole_recordings) return reconstruct_recordings(recordings_to_reconstruct(request));
  ModelSource model(request.model, request.model_options());
  model.fit(*model.open(model.data(request.data), request.split));
  const DrawOptions draws = request.draws.options();
  const GenerateEntry entry = reconstruction_entry(model, request.name, draws);
  Executor executor(request.threads);
  const auto columns = reconstructed_columns(request, model, executor, entry, draws);
  const Reconstructions& pairs = columns.front().second;
  if (is_table(request.out))
    write_csv(request.out, columns_of(model, columns));
  else if (is_array(request.out))
    write_array(request.out, stacked(pairs));
  else if (is_sound(request.out))
    write_sound(request.out, in_turn(stacked(pairs)), model, {request.data, request.rate, request.separate});
  else
    write_picture(
        request.out,
        report::reconstructions_png(pairs, report::picture_like(model, pairs.reconstructions.shape().event())),
        pairs.reconstructions.shape());
  say_left_out(request, entry.shows.size(), columns.front().first);
  say_written(json, request.out, pairs.reconstructions.shape(),
              fmt::format("{} items of the split '{}', {}, in {}", pairs.originals.shape()[0], request.split,
                          is_table(request.out) ? "reconstructed" : "each above its reconstruction", request.out),
              {{"split", request.split}, {"seed", request.draws.seed}});
  return kOk;
}

void add_common(Verb& verb, SampleFlags& request) {
  add_model(verb, request);
  verb.option("--out", request.out, "a .png picture, a .npy array, a .csv table or a .wav sound; -: an array on stdout")
      .required();
  verb.option("--count", request.count, "how many").at_least(1).shows_default();
  verb.option("--rate", request.rate, "sample rate of a .wav in Hz; 0: that of the data, or 8000").at_least(0);
  verb.flag("--separate", request.separate, "one .wav file per item: F-0.wav, F-1.wav, ...");
  add_draw_flags(verb, request.draws);
  add_sampler_flags(verb, request.draws);
  add_model_flags(verb, request);
  verb.option("--name", request.name, "the entry of generate; this one follows from the losses if the graph has none")
      .shows_default();
}

void add_sample(CLI::App& app, Invocation& invocation) {
  Verb verb = add_verb(app, invocation, "sample", "Draw samples from a trained model",
                       "graph-runner sample runs/first --count 64 --out samples.png");
  auto request = std::make_shared<SampleFlags>();
  request->name = "sample";
  add_common(verb, *request);
  verb.json_flag();
  verb.flag("--whole", request->whole, "run the whole graph for each position of an autoregressive model");
  verb.action([&invocation, request] { return sample(*request, invocation.json); });
}
LOOM_VERB(40, add_sample)

void add_reconstruct(CLI::App& app, Invocation& invocation) {
  Verb verb = add_verb(app, invocation, "reconstruct", "Show items of the data, each above its reconstruction",
                       "graph-runner reconstruct runs/first --out reconstructions.png");
  auto request = std::make_shared<SampleFlags>();
  request->name = "reconstruct";
  request->count = 32;
  add_common(verb, *request);
  verb.json_flag();
  verb.data_flags(request->data, request->split);
  verb.flag("--whole-recordings", request->whole_recordings,
            "each recording as one item, whatever its length, into a .wav file of its own length");
  verb.action([&invocation, request] { return reconstruct(*request, invocation.json); });
}
LOOM_VERB(50, add_reconstruct)

}  // namespace

}  // namespace loom::runner

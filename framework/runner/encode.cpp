// graph-runner encode: writes what a model computes from data, by default its codes, with where each item comes from.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "generate/encodings.h"
#include "io/npy.h"
#include "io/npz.h"
#include "loom/dataset.h"
#include "runner/array_file.h"
#include "runner/console.h"
#include "runner/csv_file.h"
#include "runner/model_flags.h"
#include "runner/out_file.h"
#include "runner/recordings.h"
#include "runner/verbs.h"

namespace loom::runner {
namespace {

struct EncodeFlags : ModelFlags {
  std::string out, data, split = "test";
  std::vector<std::string> ports, columns;
  std::int64_t count = 0;
  std::uint64_t seed = 1;
  bool whole_recordings = false;
};

bool is_archive(const std::string& path) { return path.ends_with(".npz"); }

// Labels and factors, and what --column asks for; not what a port of the same name gives.
std::vector<std::string> copied_columns(const DataSource& source, const EncodeFlags& request,
                                        const std::vector<std::string>& ports) {
  std::vector<std::string> columns = request.columns;
  for (const Column& column : source.columns()) {
    const bool labels = column.role == ColumnRole::label || column.role == ColumnRole::factor;
    if (labels && std::ranges::find(columns, column.name) == columns.end()) columns.push_back(column.name);
  }
  std::erase_if(columns, [&](const std::string& name) { return std::ranges::find(ports, name) != ports.end(); });
  return columns;
}

// The arrays of the result: the ports, then the columns of the data.
std::vector<Column> arrays_of(const Encodings& encodings, const DataSource& source,
                              const std::vector<std::string>& columns) {
  std::vector<Column> arrays;
  const std::vector<std::string> names = encodings.names();
  for (std::size_t i = 0; i < names.size(); ++i) {
    arrays.push_back({names[i], encodings.graph->dtype(encodings.ports[i]), encodings.event(i)});
  }
  for (const std::string& name : columns) {
    const auto column = std::ranges::find(source.columns(), name, &Column::name);
    if (column != source.columns().end()) arrays.push_back(*column);  // encode_items() reports the others
  }
  return arrays;
}

// The masks of the columns of the data that have one.
std::vector<std::string> masks_of(const DataSource& source, const std::vector<std::string>& columns) {
  std::vector<std::string> masks;
  for (const std::string& name : columns) {
    const auto mask = std::ranges::find(source.columns(), mask_name(name), &Column::name);
    if (mask != source.columns().end() && mask->role == ColumnRole::mask) masks.push_back(mask->name);
  }
  return masks;
}

Shape with_items(std::int64_t items, const Shape& event) {
  Shape shape{items};
  for (const std::int64_t extent : event.extents()) shape.push_back(extent);
  return shape;
}

// Everything that encode writes from: the items, and what is computed of them.
struct Work {
  const ModelSource& model;
  const Encodings& encodings;
  EncodeItems items;
  std::vector<Column> arrays;
  int threads = 0;
};

// Writes each array into its file; returns the items.
std::int64_t write_arrays(const Work& work, const std::vector<std::string>& files) {
  Executor executor(work.threads);
  std::vector<std::unique_ptr<ArrayFile>> opened;
  const auto begin = [&](std::int64_t items) {
    for (std::size_t i = 0; i < files.size(); ++i)
      opened.push_back(
          std::make_unique<ArrayFile>(files[i], work.arrays[i].dtype, with_items(items, work.arrays[i].event)));
  };
  const std::int64_t count = encode_items(work.model, executor, work.encodings, work.items, begin,
                                          [&](std::size_t i, const TensorView& rows) { opened[i]->add(rows); });
  for (const auto& array : opened) array->commit();
  return count;
}

// The arrays, and where each item comes from: its file, the position in it and, where items differ in it, its length.
std::int64_t write_archive(const Work& work, const std::string& out) {
  ArchiveParts parts(out);
  std::vector<std::string> files;
  for (const Column& array : work.arrays) files.push_back(parts.add(array.name));
  const std::int64_t count = write_arrays(work, files);
  std::vector<std::string> origins;
  std::vector<std::int64_t> starts, lengths;
  for (std::int64_t i = 0; i < count; ++i) {
    const Origin origin = work.items.source->origin(i);
    origins.push_back(origin.file);
    starts.push_back(origin.position);
    lengths.push_back(work.items.source->length(i));
  }
  write_npy(parts.add("origin"), origins);
  write_npy(parts.add("start"), starts);
  if (std::ranges::any_of(lengths, [](std::int64_t length) { return length >= 0; }))
    write_npy(parts.add("length"), lengths);
  parts.write();
  return count;
}

// One row per item: where it comes from, then the values of each part; classes by their names, and nothing for a missing
// value.
std::int64_t write_table(const Work& work, const std::string& out) {
  std::vector<std::string> header = {"origin", "start"};
  for (const Column& array : work.arrays) std::ranges::copy(header_of(array), std::back_inserter(header));
  CsvFile table(out, header);
  Executor executor(work.threads);
  EncodeItems items = work.items;
  const std::vector<std::string> masks = masks_of(*items.source, items.columns);
  items.columns.insert(items.columns.end(), masks.begin(), masks.end());
  const auto mask_of = [&](const Column& array) {
    const auto mask = std::ranges::find(masks, mask_name(array.name));
    return mask == masks.end() ? -1 : static_cast<std::ptrdiff_t>(work.arrays.size()) + (mask - masks.begin());
  };
  std::vector<Tensor> batch(work.arrays.size() + masks.size());
  std::int64_t done = 0;
  const std::int64_t count = encode_items(
      work.model, executor, work.encodings, items, [](std::int64_t) {},
      [&](std::size_t i, const TensorView& rows) {
        batch[i] = Tensor(rows.dtype(), rows.shape());
        std::memcpy(batch[i].view().raw(), rows.raw(), rows.bytes());
        if (i + 1 < batch.size()) return;
        for (std::int64_t n = 0; n < rows.samples(); ++n, ++done) {
          const Origin origin = work.items.source->origin(done);
          table.add(origin.file);
          table.add(origin.position);
          for (std::size_t k = 0; k < work.arrays.size(); ++k) {
            const std::ptrdiff_t mask = mask_of(work.arrays[k]);
            const TensorView there = mask < 0 ? TensorView() : batch[static_cast<std::size_t>(mask)].view().rows(n, 1);
            table.add(batch[k].view().rows(n, 1), work.arrays[k], there);
          }
          table.end_row();
        }
      });
  table.commit();
  return count;
}

std::int64_t write_one(const Work& work, const std::string& out) {
  if (work.arrays.size() > 1) {
    std::vector<std::string> names;
    for (const Column& array : work.arrays) names.push_back(array.name);
    throw usage_error("encode",
                      fmt::format("{} ports do not fit into one array: {}; give --out a .npz file, or name one "
                                  "port with --port",
                                  names.size(), joined(names)));
  }
  return write_arrays(work, {out});
}

void print_result(const Work& work, const EncodeFlags& request, std::int64_t count, bool json) {
  if (json) {
    nlohmann::ordered_json ports = nlohmann::ordered_json::object();
    for (const Column& array : work.arrays) ports[array.name] = array.event.text();
    print_json({{"out", request.out}, {"items", count}, {"ports", ports}});
    return;
  }
  for (const Column& array : work.arrays)
    print("{}: {} items of {} {} in {}\n", array.name, grouped(count), array.event.text(), name_of(array.dtype),
          request.out);
}

WholeRecordings recordings_to_encode(const EncodeFlags& request) {
  return {.model = request.model,
          .data = request.data,
          .split = request.split,
          .out = request.out,
          .options = request.model_options(),
          .entry = {},
          .ports = request.ports,
          .count = request.count,
          .seed = request.seed,
          .threads = request.threads};
}

int encode(const EncodeFlags& request, bool json) {
  if (request.whole_recordings) {
    if (json || !request.columns.empty())
      throw usage_error("encode", "--whole-recordings cannot be combined with --json or --column");
    return encode_recordings(recordings_to_encode(request));
  }
  const bool alone = request.out.ends_with(".npy");
  if (!is_archive(request.out) && !is_table(request.out) && !alone)
    throw usage_error("encode", fmt::format("--out is a .npy, .npz or .csv file, not '{}'", request.out));
  ModelSource model(request.model, request.model_options());
  const auto source = model.open(model.data(request.data), request.split);
  model.fit(*source);
  const Encodings wanted = require_encodings(model, request.ports);
  for (const std::string& notice : source->notices()) say_line("data: " + notice);
  const std::vector<std::string> columns = alone ? request.columns : copied_columns(*source, request, wanted.names());
  const Work work{model, wanted,
                  EncodeItems{.source = source, .count = request.count, .seed = request.seed, .columns = columns},
                  arrays_of(wanted, *source, columns), request.threads};
  const std::int64_t count = alone                   ? write_one(work, request.out)
                             : is_table(request.out) ? write_table(work, request.out)
                                                     : write_archive(work, request.out);
  print_result(work, request, count, json);
  return kOk;
}

void add_encode(CLI::App& app, Invocation& invocation) {
  Verb verb = add_verb(app, invocation, "encode", "Write the codes of data items",
                       "graph-runner encode runs/vq --split test --out codes.npy\n"
                       "  graph-runner encode runs/vq2 --out codes.npz --port top.codes --port bottom.codes");
  auto request = std::make_shared<EncodeFlags>();
  add_model(verb, *request);
  verb.option("--out", request->out,
              "a .npy array; an .npz archive with one array per port, the labels, and `origin` and `start`, the "
              "file of each item and its position there; or a .csv table of the same")
      .required();
  verb.option(
          "--port", request->ports,
          "the port to write; default: what generate.encode shows, the codes of the quantizers, or the means of the "
          "posteriors")
      .one_value_each();
  verb.option("--column", request->columns, "a column of the data to write beside the ports and the labels")
      .one_value_each();
  verb.data_flags(request->data, request->split);
  verb.flag("--whole-recordings", request->whole_recordings,
            "each recording as one item, whatever its length; --out is an .npz archive, without --json and --column");
  verb.option("--count", request->count, "only the first items; 0: all").at_least(0).shows_default();
  verb.option("--seed", request->seed, "seed of the values that the graph draws").shows_default();
  add_model_flags(verb, *request);
  verb.json_flag();
  verb.action([&invocation, request] { return encode(*request, invocation.json); });
}
LOOM_VERB(60, add_encode)

}  // namespace

}  // namespace loom::runner

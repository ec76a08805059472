// graph-runner encode: writes what a model computes from data, by default its codes, as arrays.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "generate/encodings.h"
#include "io/atomic_file.h"
#include "io/npy.h"
#include "io/npz.h"
#include "loom/dataset.h"
#include "runner/console.h"
#include "runner/verbs.h"

namespace loom::runner {
namespace {

struct Request {
  std::vector<std::string> plugins;
  std::string model, out, weights, data, split = "test";
  std::vector<std::string> ports;
  std::int64_t count = 0;
  std::uint64_t seed = 1;
  int threads = 0;
  bool newest = false;
};

bool is_archive(const std::string& path) { return path.ends_with(".npz"); }

// A .npy file that grows batch by batch.
class ArrayFile {
 public:
  ArrayFile(const std::string& path, DType dtype, const Shape& shape) : file_(path) {
    file_.write(npy_header(dtype, shape));
  }
  void add(const TensorView& rows) { file_.write({static_cast<const std::byte*>(rows.raw()), rows.bytes()}); }
  void commit() { file_.commit(); }

 private:
  AtomicFile file_;
};

// Temporary files next to the archive.
struct Parts {
  std::vector<std::pair<std::string, std::string>> names_and_files;
  ~Parts() {
    std::error_code ignored;
    for (const auto& [name, file] : names_and_files) std::filesystem::remove(file, ignored);
  }
};

// Writes each port into its file; returns the items.
std::int64_t write_ports(const ModelSource& model, const Request& request, const Encodings& encodings,
                         const std::vector<std::string>& files) {
  Executor executor(request.threads);
  std::vector<std::unique_ptr<ArrayFile>> arrays;
  const auto begin = [&](std::int64_t items) {
    for (std::size_t i = 0; i < files.size(); ++i) {
      const Port port = encodings.ports[i];
      arrays.push_back(std::make_unique<ArrayFile>(files[i], encodings.graph->dtype(port),
                                                   encodings.graph->shape(port).at_batch(items)));
    }
  };
  const std::int64_t count = encode_items(
      model, executor, encodings,
      {.data = model.data(request.data), .split = request.split, .count = request.count, .seed = request.seed}, begin,
      [&](std::size_t i, const TensorView& rows) { arrays[i]->add(rows); });
  for (const auto& array : arrays) array->commit();
  return count;
}

int encode(const Request& request, bool json) {
  if (!is_archive(request.out) && !request.out.ends_with(".npy"))
    throw usage_error("encode", fmt::format("--out is a .npy or .npz file, not '{}'", request.out));
  const ModelSource model(
      request.model,
      {.weights = request.weights, .newest = request.newest, .plugins = request.plugins, .notice = say_line});
  const Encodings wanted = require_encodings(model, request.ports);
  const std::vector<std::string> names = wanted.names();
  std::int64_t count = 0;
  if (is_archive(request.out)) {
    Parts parts;
    std::vector<std::string> files;
    for (std::size_t i = 0; i < names.size(); ++i) {
      files.push_back(fmt::format("{}.{}.tmp", request.out, i));
      parts.names_and_files.emplace_back(names[i], files.back());
    }
    count = write_ports(model, request, wanted, files);
    write_npz(request.out, parts.names_and_files);
  } else {
    if (names.size() > 1) {
      throw usage_error("encode", fmt::format("{} ports do not fit into one array: {}; give --out a .npz file, or name "
                                              "one with --port",
                                              names.size(), joined(names)));
    }
    count = write_ports(model, request, wanted, {request.out});
  }
  if (json) {
    nlohmann::ordered_json ports = nlohmann::ordered_json::object();
    for (std::size_t i = 0; i < names.size(); ++i)
      ports[names[i]] = wanted.graph->shape(wanted.ports[i]).event().text();
    print_json({{"out", request.out}, {"items", count}, {"ports", ports}});
    return kOk;
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    print("{}: {} items of {} {} in {}\n", names[i], grouped(count),
          wanted.graph->shape(wanted.ports[i]).event().text(), name_of(wanted.graph->dtype(wanted.ports[i])),
          request.out);
  }
  return kOk;
}

void add_encode(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = add_verb(app, "encode", "Write the codes of data items",
                            "graph-runner encode runs/vq --split test --out codes.npy\n"
                            "  graph-runner encode runs/vq2 --out codes.npz --port top.codes --port bottom.codes");
  auto request = std::make_shared<Request>();
  verb->add_option("RUN", request->model, "the folder of a run, or a graph file")->required();
  verb->add_option("--out", request->out, "a .npy array, or an .npz archive with one array per port")->required();
  verb->add_option(
          "--port", request->ports,
          "the port to write; default: what generate.encode shows, the codes of the quantizers, or the means of the "
          "posteriors")
      ->allow_extra_args(false);
  verb->add_option("--data", request->data, "data instead of the run's: TYPE:PATH,key=value,...");
  verb->add_option("--split", request->split, "split of the data")->capture_default_str();
  verb->add_option("--count", request->count, "only the first items; 0: all")
      ->check(at_least(0))
      ->capture_default_str();
  verb->add_option("--seed", request->seed, "seed of the values that the graph draws")->capture_default_str();
  verb->add_option("--weights", request->weights, "a safetensors file instead of the run's best checkpoint");
  verb->add_flag("--newest", request->newest, "the run's newest checkpoint instead of its best");
  verb->add_option("--threads", request->threads, "threads; 0: one per core")
      ->check(at_least(0))
      ->capture_default_str();
  add_plugins(verb, request->plugins);
  add_json(verb, invocation);
  verb->callback([&invocation, request] {
    invocation.action = [&invocation, request] { return encode(*request, invocation.json); };
  });
}
LOOM_VERB(60, add_encode)

}  // namespace

}  // namespace loom::runner

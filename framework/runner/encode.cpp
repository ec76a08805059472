// graph-runner encode: what a model makes of data, its codes first of all, as arrays.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "data/batches.h"
#include "io/atomic_file.h"
#include "io/npy.h"
#include "io/npz.h"
#include "loom/dataset.h"
#include "measure/posterior.h"
#include "run/program.h"
#include "runner/console.h"
#include "runner/generate.h"
#include "runner/verbs.h"
#include "train/feeds.h"

namespace loom::runner {
namespace {

constexpr std::int64_t kBatch = 100;
constexpr std::uint64_t kStreamOffset = 0x5DEECE66D;  // other noise than training's

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

// The codes of a graph's quantizers.
std::vector<Port> quantizer_codes(const Graph& graph) {
  std::vector<Port> ports;
  for (int i = 0; i < graph.size(); ++i) {
    const Contract& contract = graph.node(i).contract();
    if (contract.role() != Role::quantizer) continue;
    if (const int codes = contract.output_index("codes"); codes >= 0) ports.push_back({i, codes});
  }
  return ports;
}

struct Wanted {
  std::shared_ptr<const Graph> graph;
  std::vector<Port> ports;
};

// The ports that were asked for; else what generate.encode shows; else codes; else the means of the posteriors.
Wanted wanted_ports(const Model& model, const std::vector<std::string>& names) {
  const GenerateEntry* entry = names.empty() ? find_generate(model.document(), "encode") : nullptr;
  if (entry != nullptr) {
    const Rewrite rewrite = with_draws(model.document(), *entry, model.registry());
    const std::shared_ptr<const Graph> graph = rewrite.build();
    return {graph, {graph->port(rewrite.resolved(entry->show))}};
  }
  Wanted wanted{build_checked(model.document().nodes, model.registry()), {}};
  for (const std::string& name : names) wanted.ports.push_back(wanted.graph->port(name, ErrorCode::bad_fetch));
  if (wanted.ports.empty()) wanted.ports = quantizer_codes(*wanted.graph);
  if (wanted.ports.empty()) {
    for (const measure::Posterior& posterior :
         measure::find_posteriors(*wanted.graph, resolve_losses(model.document(), *wanted.graph)))
      wanted.ports.push_back(posterior.mu);
  }
  if (!wanted.ports.empty()) return wanted;
  throw Error(ErrorCode::usage, "the graph has neither a quantizer nor a posterior: there is nothing to encode to",
              "name a port with --port, or write generate: {encode: {show: NODE}}");
}

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

// Files beside the archive, gone at the end.
struct Parts {
  std::vector<std::pair<std::string, std::string>> names_and_files;
  ~Parts() {
    std::error_code ignored;
    for (const auto& [name, file] : names_and_files) std::filesystem::remove(file, ignored);
  }
};

// Writes each port into its file; returns the items.
std::int64_t write_ports(const Model& model, const Request& request, const Wanted& wanted,
                         const std::vector<std::string>& files) {
  const auto source = open_split(model.registry(), model.data(request.data), request.split);
  FeedPlan feeds = plan_feeds(*wanted.graph, wanted.ports, false, source->columns());
  const std::int64_t count = request.count > 0 ? std::min(request.count, source->size()) : source->size();
  const std::int64_t batch_size = std::min(kBatch, count);
  const std::unique_ptr<ParameterStore> store = model.parameters(*wanted.graph);
  Executor executor(request.threads);
  ProgramRequest asked;
  asked.feeds = feeds.ports;
  asked.fetch = wanted.ports;
  asked.batch = batch_size;
  Program program(wanted.graph, *store, executor, std::move(asked));
  Batches batches(source, std::move(feeds.requests), batch_size, request.seed, false);
  std::vector<std::unique_ptr<ArrayFile>> arrays;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const Port port = wanted.ports[i];
    arrays.push_back(
        std::make_unique<ArrayFile>(files[i], wanted.graph->dtype(port), wanted.graph->shape(port).at_batch(count)));
  }
  for (std::int64_t done = 0, step = 0; done < count; ++step) {
    const Batches::View batch = batches.next();
    const std::int64_t samples = std::min(batch.samples, count - done);
    std::vector<TensorView> columns;
    for (const TensorView& column : batch.columns) columns.push_back(column.rows(0, samples));
    program.run({.feeds = columns,
                 .weights = {},
                 .samples = samples,
                 .seed = request.seed ^ kStreamOffset,
                 .step = static_cast<std::uint32_t>(step)});
    for (std::size_t i = 0; i < arrays.size(); ++i) arrays[i]->add(program.fetched(static_cast<int>(i)));
    done += samples;
  }
  for (const auto& array : arrays) array->commit();
  return count;
}

int encode(const Request& request, bool json) {
  if (!is_archive(request.out) && !request.out.ends_with(".npy"))
    throw usage_error("encode", fmt::format("--out is a .npy or .npz file, not '{}'", request.out));
  const Model model(
      request.model,
      {.overrides = {}, .weights = request.weights, .newest = request.newest, .plugins = request.plugins});
  const Wanted wanted = wanted_ports(model, request.ports);
  std::vector<std::string> names;
  for (const Port& port : wanted.ports) names.push_back(wanted.graph->name_of(port));
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
      throw usage_error("encode", fmt::format("{} ports do not go into one array: {}; give --out a .npz file, or name "
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

}  // namespace

void add_encode(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = add_verb(app, "encode", "Write the codes that a model makes of data",
                            "graph-runner encode runs/vq --split test --out codes.npy\n"
                            "  graph-runner encode runs/vq2 --out codes.npz --port top.codes --port bottom.codes");
  auto request = std::make_shared<Request>();
  verb->add_option("RUN", request->model, "the folder of a run, or a graph file")->required();
  verb->add_option("--out", request->out, "a .npy array, or an .npz archive with an array for each port")->required();
  verb->add_option("--port", request->ports,
                   "what to write; else what generate.encode shows, the codes of the quantizers, or the means of the "
                   "posteriors")
      ->allow_extra_args(false);
  verb->add_option("--data", request->data, "data in place of the run's: TYPE:PATH,key=value,...");
  verb->add_option("--split", request->split, "split of the data")->capture_default_str();
  verb->add_option("--count", request->count, "only the first items; 0: all")
      ->check(at_least(0))
      ->capture_default_str();
  verb->add_option("--seed", request->seed, "seed of what the graph draws on the way")->capture_default_str();
  verb->add_option("--weights", request->weights, "a safetensors file in place of the run's best checkpoint");
  verb->add_flag("--newest", request->newest, "the run's newest checkpoint in place of its best");
  verb->add_option("--threads", request->threads, "threads; 0: one a core")->check(at_least(0))->capture_default_str();
  add_plugins(verb, request->plugins);
  add_json(verb, invocation);
  verb->callback([&invocation, request] {
    invocation.action = [&invocation, request] { return encode(*request, invocation.json); };
  });
}

}  // namespace loom::runner

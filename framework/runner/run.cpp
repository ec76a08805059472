// graph-runner run: one forward pass, or forward and backward, over values from files.
#include <fmt/format.h>

#include <cstring>
#include <filesystem>

#include "generate/feeds.h"
#include "generate/model_source.h"
#include "io/npy.h"
#include "io/safetensors.h"
#include "report/pictures.h"
#include "run/program.h"
#include "runner/console.h"
#include "runner/csv_file.h"
#include "runner/out_file.h"
#include "runner/total_loss.h"
#include "runner/verbs.h"
#include "train/feeds.h"

namespace loom::runner {
namespace {

struct RunFlags {
  std::vector<std::string> plugins;
  std::string model, weights, mode, gradients;
  std::vector<std::string> overrides, feeds, fetches;
  std::optional<std::uint64_t> seed;
  std::int64_t shard = 0;
  std::optional<std::uint32_t> step;
  int threads = 0;
  bool loss = false, newest = false;
};

std::vector<Feed> read_feeds(const RunFlags& request) {
  std::vector<Feed> feeds;
  for (const std::string& text : request.feeds) {
    const auto [name, file] = name_and_value("run", "--feed", text);
    feeds.push_back({"--feed " + name, name, file, read_npy(file), {}, {}});
  }
  return feeds;
}

void print_loss(const TotalLoss& total, const std::vector<double>& means, std::int64_t samples, bool json) {
  double sum = 0;
  nlohmann::ordered_json terms = nlohmann::ordered_json::object(), weights = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < means.size(); ++i) {
    if (total.weights[i] != 0) sum += total.weights[i] * means[i];
    terms[total.names[i]] = json_number(means[i]);
    weights[total.names[i]] = total.weights[i];
  }
  if (json) {
    print_json({{"samples", samples}, {"loss", json_number(sum)}, {"terms", terms}, {"weights", weights}});
    return;
  }
  for (std::size_t i = 0; i < means.size(); ++i)
    print("{:<24} {:.9g}  (weight {:g})\n", total.names[i], means[i], total.weights[i]);
  print("{:<24} {:.9g}  nats per sample, mean over {}\n", "loss", sum, samples);
}

void write_values(const ModelSource& model, const std::string& name, const std::string& file,
                  const TensorView& values) {
  if (!is_table(file) && !file.ends_with(".png")) return write_npy(file, values);
  Tensor copy(values.dtype(), values.shape());
  std::memcpy(copy.view().raw(), values.raw(), values.bytes());
  if (is_table(file)) return write_csv(file, {described(model, name, copy)});
  write_picture(file, report::samples_png(model, copy), copy.shape());
}

// Every trainable parameter; zeros where the loss does not depend on it.
void write_gradients(const std::string& path, const Program& program, const ParameterStore& store,
                     const std::vector<int>& parameters) {
  std::vector<Tensor> memory;
  std::vector<NamedTensor> named;
  memory.reserve(store.items().size());
  std::vector<int> places(store.items().size(), -1);
  for (std::size_t k = 0; k < parameters.size(); ++k)
    places[static_cast<std::size_t>(parameters[k])] = static_cast<int>(k);
  for (std::size_t i = 0; i < store.items().size(); ++i) {
    const Parameter& item = store.items()[i];
    if (item.is_state || item.frozen) continue;
    Tensor& tensor = memory.emplace_back(DType::f32, item.value.shape());
    if (places[i] >= 0) std::ranges::copy(program.gradient(0, places[i]), tensor.values().begin());
    named.push_back({item.path, tensor.view()});
  }
  write_safetensors(path, named);
}

// What the nodes that run accept of the graph's inputs.
std::map<int, std::vector<ValueRange>> ranges_of(const Graph& graph, const ProgramRequest& asked) {
  std::vector<Port> wanted = asked.fetch;
  wanted.insert(wanted.end(), asked.terms.begin(), asked.terms.end());
  return accepted_ranges(graph, wanted, asked.training);
}

// Names of ports and files.
std::vector<std::pair<std::string, std::string>> read_fetches(const RunFlags& request) {
  std::vector<std::pair<std::string, std::string>> fetches;
  for (const std::string& text : request.fetches) fetches.push_back(name_and_value("run", "--fetch", text));
  if (fetches.empty() && !request.loss && request.gradients.empty())
    throw usage_error("run", "nothing is requested: give --fetch, --loss or --gradients");
  for (const auto& [name, file] : fetches) {
    // A file without an ending is an array, such as /dev/stdout.
    if (!std::filesystem::path(file).extension().empty()) check_out("run", file, false, "--fetch");
  }
  return fetches;
}

// "2" of level/2/z, and "2-0" where two parts of the pattern are `*`.
std::string numbers_of(const std::string& pattern, const std::string& name) {
  std::string numbers;
  std::size_t at = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i, ++at) {
    if (pattern[i] != '*') continue;
    const std::size_t end = std::min(name.find_first_of("/.", at), name.size());
    numbers += (numbers.empty() ? "" : "-") + name.substr(at, end - at);
    at = end - 1;
  }
  return numbers;
}

// One of each instance that a pattern means: `*` in the name of its file is the numbers of the instance.
std::vector<std::pair<std::string, std::string>> each_instance(
    const Graph& graph, const std::vector<std::pair<std::string, std::string>>& fetches) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& [name, file] : fetches) {
    const std::vector<std::string> names = graph.instances(name, ErrorCode::bad_fetch);
    const std::size_t star = file.find('*');
    if (names.size() > 1 && star == std::string::npos)
      throw usage_error("run",
                        fmt::format("--fetch {} means {} ports, which need a file each: put a * into the name {}", name,
                                    names.size(), file));
    for (const std::string& one : names) {
      std::string own = file;
      if (name != one && star != std::string::npos) own.replace(star, 1, numbers_of(name, one));
      all.emplace_back(one, own);
    }
  }
  return all;
}

void add_ports(const Graph& graph, const std::vector<Feed>& feeds,
               const std::vector<std::pair<std::string, std::string>>& fetches, ProgramRequest& asked) {
  for (const Feed& feed : feeds) asked.feeds.push_back(feed.port);
  for (const auto& [name, file] : fetches) asked.fetch.push_back(graph.port(name, ErrorCode::bad_fetch));
}

int run_once(const RunFlags& request, bool json) {
  const auto asked_for = read_fetches(request);
  const ModelSource model(request.model, {.overrides = request.overrides,
                                          .weights = request.weights,
                                          .newest = request.newest,
                                          .plugins = request.plugins});
  std::vector<Feed> feeds = read_feeds(request);
  Rewrite rewrite(model.document().nodes, model.registry());
  const std::shared_ptr<const Graph> graph = place_feeds(rewrite, feeds);
  const auto fetches = each_instance(*graph, asked_for);
  std::vector<TensorView> views;
  const std::int64_t samples = fit_feeds(*graph, feeds, views);
  const std::uint64_t seed = request.seed.value_or(model.seed());
  const std::unique_ptr<ParameterStore> store =
      model.parameters(*graph, model.is_run() || !request.weights.empty() ? model.seed() : seed);
  Executor executor(request.threads);
  // That of the last step that the weights have been through.
  const auto step =
      request.step.value_or(static_cast<std::uint32_t>(std::max<std::int64_t>(1, model.steps_done()) - 1));

  store->set_step(step);
  ProgramRequest asked;
  asked.training = request.mode.empty() ? !request.gradients.empty() : request.mode == "train";
  asked.batch = samples;
  asked.shard = request.shard;
  add_ports(*graph, feeds, fetches, asked);
  TotalLoss total;
  if (request.loss || !request.gradients.empty())
    total = total_loss(model.document(), *graph, *store, model.registry(), asked.training, step,
                       !request.gradients.empty());
  asked.terms = total.ports;
  if (!request.gradients.empty()) asked.objectives = {total.objective};
  check_values(feeds, views, ranges_of(*graph, asked));

  Program program(graph, *store, executor, asked);
  const std::vector<std::vector<double>> weights = {total.objective_weights};
  program.run({.feeds = views,
               .weights = request.gradients.empty() ? std::span<const std::vector<double>>{} : weights,
               .samples = samples,
               .seed = seed,
               .step = step});
  for (std::size_t i = 0; i < fetches.size(); ++i)
    write_values(model, fetches[i].first, fetches[i].second, program.fetched(static_cast<int>(i)));
  if (!request.gradients.empty()) write_gradients(request.gradients, program, *store, total.objective.parameters);
  std::vector<double> means;
  for (std::size_t i = 0; i < total.ports.size(); ++i) means.push_back(program.term_mean(static_cast<int>(i)));
  if (request.loss) print_loss(total, means, samples, json);
  if (!request.loss && json) print_json({{"samples", samples}});
  return kOk;
}

void add_run(CLI::App& app, Invocation& invocation) {
  Verb verb = add_verb(app, invocation, "run", "Compute ports, losses or gradients from values in files",
                       "graph-runner run runs/first --feed x=images.npy --fetch q.mu=mu.npy\n"
                       "  graph-runner run graphs/vae.yaml --mode train --feed x=x.npy z.noise=noise.npy --loss "
                       "--gradients g.safetensors");
  auto request = std::make_shared<RunFlags>();
  verb.option("MODEL", request->model, "a graph file, or the folder of a run").required();
  verb.option("--set", request->overrides, "change a value of a graph file first: PATH=VALUE").one_value_each();
  verb.option("--weights", request->weights,
              "a safetensors file; default: the run's best checkpoint, or initial values");
  verb.flag("--newest", request->newest, "the run's newest checkpoint instead of its best");
  verb.option("--mode", request->mode, "train or eval; default: train with --gradients, otherwise eval")
      .one_of({"train", "eval"});
  verb.option("--seed", request->seed, "seed of random nodes, and of initial weights");
  verb.option("--step", request->step,
              "the step that determines the noise and the weights of the terms; default: the last one of the weights")
      .shows_default();
  verb.option("--feed", request->feeds,
              "values for an input, an output port or an input port: NAME=F.npy, samples first");
  verb.option("--fetch", request->fetches,
              "write an output port: NODE.PORT=F.npy, a .csv table or a .png picture; of each instance of a repeat: "
              "'level/*/z=z-*.npy'");
  verb.flag("--loss", request->loss, "print each term and the total, averaged over the samples");
  verb.option("--gradients", request->gradients,
              "write the gradient of the total loss for every parameter: F.safetensors");
  verb.option("--shard", request->shard, "samples per shard; 0: chosen from the shapes").at_least(0).shows_default();
  verb.threads_flag(request->threads);
  verb.plugins_flag(request->plugins);
  verb.json_flag();
  verb.action([&invocation, request] { return run_once(*request, invocation.json); });
}
LOOM_VERB(30, add_run)

}  // namespace

}  // namespace loom::runner

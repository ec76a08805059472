// graph-runner eval: the figures of a trained model on a split of its data.
#include <fmt/format.h>

#include "runner/console.h"
#include "runner/figures.h"
#include "runner/verbs.h"
#include "train/session.h"

namespace loom::runner {
namespace {

using Json = nlohmann::ordered_json;

struct Request {
  std::vector<std::string> plugins;
  std::string model, data, weights;
  EvaluationOptions options;
  std::optional<std::int64_t> batch;
  std::optional<std::uint64_t> seed;
  int threads = 0;
  bool newest = false, disentanglement = false;
};

std::string binarization_of(const DataEntry& data) {
  const auto it = data.options.find("binarize");
  return it == data.options.end() ? "none" : it->second.value.text();
}

SessionSettings settings_for(const ModelSource& model, const Request& request) {
  SessionSettings settings;
  settings.data = model.data(request.data);
  settings.batch = request.batch;
  settings.seed = request.seed;
  settings.threads = request.threads;
  if (model.is_run()) settings.cache = model.path() + "/cache";
  return model.is_run() ? settings_of(model.settings(), std::move(settings)) : settings;
}

Json to_json(const Evaluation& result, const Figures& figures, const ModelSource& model, const Request& request,
             const DataEntry& data) {
  Json terms = Json::object();
  for (const auto& [name, value] : result.terms) terms[name] = json_number(value);
  Json json = {{"graph", model.document().name},
               {"weights", model.weights()},
               {"data", data.type},
               {"split", result.split},
               {"binarize", binarization_of(data)},
               {"data_hash", result.data_hash},
               {"samples", result.samples},
               {"negative_elbo", result.has_likelihood ? json_number(result.negative_elbo) : Json(nullptr)},
               {"standard_error", result.has_likelihood ? json_number(result.standard_error) : Json(nullptr)},
               {"bits_per_dim", result.bits_per_dim ? json_number(*result.bits_per_dim) : Json(nullptr)}};
  if (result.nll) {
    json["nll"] = json_number(*result.nll);
    json["nll_standard_error"] = json_number(*result.nll_standard_error);
    json["nll_samples"] = request.options.nll_samples;
  }
  if (result.rate) json["rate"] = json_number(*result.rate);
  if (result.distortion) json["distortion"] = json_number(*result.distortion);
  if (result.committed_rate) json["committed_rate"] = json_number(*result.committed_rate);
  json["terms"] = terms;
  add_to_json(figures, json);
  return json;
}

void print_table(const Evaluation& result, const Figures& figures, const ModelSource& model, const Request& request,
                 const DataEntry& data) {
  print("{} on {} samples of {}{} (binarize: {}, {})\n", model.document().name, grouped(result.samples), data.type,
        result.split.empty() ? "" : ", split " + result.split, binarization_of(data), result.data_hash);
  if (!model.weights().empty()) print("weights {}\n", model.weights());
  if (result.has_likelihood) print_row("negative ELBO", result.negative_elbo, "nats", result.standard_error);
  if (result.nll)
    print_row(fmt::format("NLL, {} draws", request.options.nll_samples), *result.nll, "nats",
              *result.nll_standard_error);
  if (result.bits_per_dim) print_row("bits per dimension", *result.bits_per_dim, "");
  if (result.rate) print_row("rate", *result.rate, "nats");
  if (result.committed_rate) print_row("committed rate", *result.committed_rate, "nats, the least it can be");
  if (result.distortion) print_row("distortion", *result.distortion, "nats");
  for (const auto& [name, value] : result.terms) print_row("  " + name, value, "nats");
  print_figures(figures);
}

int eval(const Request& request, bool json) {
  const ModelSource model(
      request.model,
      {.weights = request.weights, .newest = request.newest, .plugins = request.plugins, .notice = say_line});
  const DataEntry data = model.data(request.data);
  Session session(model.document(), model.registry(), settings_for(model, request));
  if (!model.weights().empty()) session.load_weights(model.weights());
  Evaluation result;
  const Figures figures = measure_figures(session, model, data, request.options, request.disentanglement, result);
  if (json)
    print_json(to_json(result, figures, model, request, data));
  else
    print_table(result, figures, model, request, data);
  return kOk;
}

void add_eval(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = add_verb(app, "eval", "Evaluate a trained model on held-out data",
                            "graph-runner eval runs/first --nll-samples 100 --json");
  auto request = std::make_shared<Request>();
  verb->add_option("RUN", request->model, "the folder of a run, or a graph file")->required();
  verb->add_option("--data", request->data, "data in place of the run's: TYPE:PATH,key=value,...");
  verb->add_option("--split", request->options.split, "split of the data")->capture_default_str();
  verb->add_option("--nll-samples", request->options.nll_samples,
                   "also estimate -ln p(x) with this many draws per sample")
      ->check(at_least(0));
  verb->add_flag("--disentanglement", request->disentanglement,
                 "also MIG, DCI, FactorVAE score and SAP, on data with known factors");
  verb->add_option("--limit", request->options.limit, "only the first samples; 0: all")->check(at_least(0));
  verb->add_option("--batch", request->batch, "samples at once")->check(at_least(1));
  verb->add_option("--seed", request->seed, "seed of the draws, in place of the run's");
  verb->add_option("--weights", request->weights, "a safetensors file in place of the run's best checkpoint");
  verb->add_flag("--newest", request->newest, "the run's newest checkpoint in place of its best");
  verb->add_option("--threads", request->threads, "threads; 0: one a core")->check(at_least(0))->capture_default_str();
  add_plugins(verb, request->plugins);
  add_json(verb, invocation);
  verb->callback([&invocation, request] {
    invocation.action = [&invocation, request] { return eval(*request, invocation.json); };
  });
}
LOOM_VERB(20, add_eval)

}  // namespace

}  // namespace loom::runner

// graph-runner validate and render: what is wrong with a document, and what it says when everything is in its place.
#include "graph/check_options.h"
#include "plugin/loader.h"
#include "runner/console.h"
#include "runner/generate.h"
#include "runner/verbs.h"
#include "train/objectives.h"

namespace loom::runner {
namespace {

struct Request {
  std::string path;
  std::vector<std::string> overrides;
};

Document load(const Request& request) {
  std::vector<Override> overrides;
  for (const std::string& text : request.overrides) overrides.push_back(parse_override(text));
  return load_document(is_run_folder(request.path) ? request.path + "/graph.yaml" : request.path, overrides);
}

// The type of the data and its options; files are left alone.
void check_data(const DataEntry& data, const Registry& registry, Diagnostics& diagnostics) {
  if (data.type.empty()) return;
  const auto type = registry.dataset(data.type);
  if (!type) {
    Diagnostic& finding = diagnostics.add(ErrorCode::data_specification, data.type_where,
                                          fmt::format("there is no data set type '{}'", data.type));
    finding.suggestion = nearest_name(data.type, registry.dataset_names());
    return;
  }
  auto options = data.options;
  for (const char* common : {"binarize", "normalize_mean", "normalize_std", "limit", "seed"}) options.erase(common);
  check_options(type->contract, options, data.where, data.type, diagnostics);
}

// Each `generate:` entry makes a graph of its own.
void check_generate(const Document& document, const Registry& registry, Diagnostics& diagnostics) {
  for (const GenerateEntry& entry : document.generate) {
    try {
      const Rewrite rewrite = with_draws(document, entry, registry);
      const Reference show = rewrite.resolved(entry.show);
      rewrite.build()->port(show.port.empty() ? show.node : show.node + "." + show.port, ErrorCode::bad_fetch);
    } catch (const Error& error) {
      std::vector<Diagnostic> findings = error.diagnostics();
      for (Diagnostic& finding : findings) {
        if (!finding.where.known()) finding.where = entry.where;
      }
      diagnostics.add(Error(std::move(findings)));
    }
  }
}

int validate(const Request& request, bool json) {
  const Document document = load(request);
  const auto registry = load_standard_registry();
  Diagnostics diagnostics;
  check_data(document.data, *registry, diagnostics);
  const auto graph = build_graph(document.nodes, *registry, diagnostics);
  if (!graph) diagnostics.throw_if_any();
  const ParameterStore store(*graph, document.train.seed);
  if (!document.losses.empty()) plan_training(document, *graph, store, diagnostics);
  check_generate(document, *registry, diagnostics);
  diagnostics.throw_if_any();
  if (json)
    print_json(
        {{"ok", true}, {"graph", document.name}, {"nodes", graph->size()}, {"parameters", store.trainable_count()}});
  else
    print("ok: {} nodes, {} parameters\n", graph->size(), grouped(store.trainable_count()));
  return kOk;
}

void add_common(CLI::App* verb, Request& request) {
  verb->add_option("GRAPH", request.path, "a graph file, or the folder of a run")->required();
  verb->add_option("--set", request.overrides, "change a value first: PATH=VALUE, as in train.batch=32")
      ->allow_extra_args(false);
}

}  // namespace

void add_validate(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = add_verb(app, "validate", "Check a graph and report everything that is wrong with it",
                            "graph-runner validate graphs/vae.yaml");
  auto request = std::make_shared<Request>();
  add_common(verb, *request);
  add_json(verb, invocation);
  verb->callback([&invocation, request] {
    invocation.action = [&invocation, request] { return validate(*request, invocation.json); };
  });
}

void add_render(CLI::App& app, Invocation& invocation) {
  CLI::App* verb =
      add_verb(app, "render", "Print a graph fully resolved: extends merged, blocks used, expressions evaluated",
               "graph-runner render graphs/beta-vae.yaml --set vars.latent=6");
  auto request = std::make_shared<Request>();
  add_common(verb, *request);
  verb->callback([&invocation, request] {
    invocation.action = [request] {
      write_out(load(*request).resolved);
      return kOk;
    };
  });
}

}  // namespace loom::runner

// graph-runner validate and render: report the errors of a document, and print it fully resolved.
#include "document/option_json.h"
#include "document/tree.h"
#include "run/parameter_store.h"
#include "runner/console.h"
#include "runner/plugins.h"
#include "runner/verbs.h"
#include "train/check_document.h"
#include "train/inherited.h"
#include "train/objectives.h"
#include "train/run_folder.h"

namespace loom::runner {
namespace {

struct ValidateFlags {
  std::vector<std::string> plugins;
  std::string path;
  std::vector<std::string> overrides;
};

std::string document_of(const ValidateFlags& request) {
  return is_run_folder(request.path) ? request.path + "/graph.yaml" : request.path;
}

int validate(const ValidateFlags& request, bool json) {
  Diagnostics diagnostics;
  Document document = load_document(document_of(request), parse_overrides(request.overrides), diagnostics);
  const auto registry = find_registry({document.plugins, request.plugins}, diagnostics);
  drop_inherited(document, *registry);
  const auto graph = check_document(document, *registry, diagnostics);
  for (const GenerateEntry& entry : document.generate) check_fed_draws(entry, diagnostics);
  diagnostics.throw_if_any();
  const ParameterStore store(*graph);
  const std::int64_t parameters = store.trainable_count();
  std::vector<std::string> notes = document.notes;
  if (!document.losses.empty()) notes = plan_training(document, *graph, store, *registry, diagnostics).notes;
  if (json) {
    print_json({{"ok", true},
                {"graph", document.name},
                {"nodes", graph->size()},
                {"parameters", parameters},
                {"warnings", notes}});
    return kOk;
  }
  for (const std::string& note : notes) print("warning: {}\n", note);
  print("ok: {} nodes, {} parameters\n", graph->size(), grouped(parameters));
  return kOk;
}

void add_checked(Verb& verb, ValidateFlags& request) {
  verb.option("GRAPH", request.path, "a graph file, or the folder of a run").required();
  verb.option("--set", request.overrides, "change a value first: PATH=VALUE, as in train.batch=32").one_value_each();
}

void add_validate(CLI::App& app, Invocation& invocation) {
  Verb verb = add_verb(app, invocation, "validate", "Check a graph and report all errors",
                       "graph-runner validate graphs/vae.yaml");
  auto request = std::make_shared<ValidateFlags>();
  add_checked(verb, *request);
  verb.plugins_flag(request->plugins);
  verb.json_flag();
  verb.action([&invocation, request] { return validate(*request, invocation.json); });
}
LOOM_VERB(120, add_validate)

void add_render(CLI::App& app, Invocation& invocation) {
  Verb verb = add_verb(app, invocation, "render",
                       "Print a graph fully resolved: extends merged, blocks used, expressions evaluated",
                       "graph-runner render graphs/beta-vae.yaml --set vars.latent=6");
  auto request = std::make_shared<ValidateFlags>();
  add_checked(verb, *request);
  verb.plugins_flag(request->plugins);
  verb.json_flag();
  verb.action([&invocation, request] {
    Document document = load_document(document_of(*request), parse_overrides(request->overrides));
    if (has_inherited(document)) drop_inherited(document, *registry_for({document.plugins, request->plugins}));
    if (invocation.json)
      print_json(to_json(OptionValue(document_tree(document))));
    else
      write_out(document.resolved);
    return kOk;
  });
}
LOOM_VERB(130, add_render)

}  // namespace

}  // namespace loom::runner

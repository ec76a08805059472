// graph-runner schema: a JSON Schema of documents, for editors and other programs.
#include "train/schema.h"
#include "plugin/registries.h"
#include "runner/console.h"
#include "runner/verbs.h"

namespace loom::runner {
namespace {

struct Request {
  std::vector<std::string> plugins;
  std::string keys, types;
};

int schema(const Request& request) {
  if (!request.keys.empty()) {
    write_out(section_table(request.keys));
    return kOk;
  }
  const auto registry = registry_for({{}, request.plugins});
  if (!request.types.empty())
    write_out(type_table(*registry, request.types));
  else
    print_json(document_schema(*registry));
  return kOk;
}

}  // namespace

void add_schema(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = add_verb(app, "schema", "Print a JSON Schema (draft-07) of graph files, for editors",
                            "graph-runner schema > latentloom.schema.json\n"
                            "  # in a graph file: # yaml-language-server: $schema=latentloom.schema.json");
  auto request = std::make_shared<Request>();
  verb->add_option("--keys", request->keys,
                   "print a Markdown table of this section's keys instead: train, losses, ...");
  verb->add_option("--types", request->types, "print a Markdown table of the types of this kind: optimizer, schedule");
  add_plugins(verb, request->plugins);
  verb->callback([&invocation, request] { invocation.action = [request] { return schema(*request); }; });
}

}  // namespace loom::runner

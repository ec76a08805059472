// graph-runner schema: a JSON Schema of documents, for editors and other programs.
#include <fmt/format.h>

#include "measure/shuffle.h"
#include "plugin/registries.h"
#include "runner/console.h"
#include "runner/verbs.h"
#include "train/evaluation.h"
#include "train/schema.h"

namespace loom::runner {
namespace {

struct SchemaFlags {
  std::vector<std::string> plugins;
  std::string keys, types, values, words;
};

// The declaration of what `eval` reports under a heading.
const Contract& values_of(const std::string& name, const Registry& registry) {
  if (name == "evidence") return evidence_contract();
  if (name == "shuffled_z") return measure::shuffle_contract();
  if (const auto type = registry.find<MetricType>(name)) return type->contract;
  std::vector<std::string> names = registry.names<MetricType>();
  names.insert(names.end(), {"evidence", "shuffled_z"});
  Diagnostics findings;
  findings.add_unknown_word({}, fmt::format("there is no metric '{}'", name), name, names).code = ErrorCode::usage;
  throw Error(findings.items().front());
}

const Contract& contract_of_node(const std::string& name, const Registry& registry) {
  if (const auto type = registry.node(name)) return type->contract;
  Diagnostics findings;
  findings.add_unknown_word({}, fmt::format("there is no node type '{}'", name), name, registry.node_names()).code =
      ErrorCode::usage;
  throw Error(findings.items().front());
}

int schema(const SchemaFlags& request) {
  if (!request.keys.empty()) {
    write_out(section_table(request.keys));
    return kOk;
  }
  const auto registry = registry_for({{}, request.plugins});
  if (!request.values.empty())
    write_out(value_table(values_of(request.values, *registry)));
  else if (!request.words.empty())
    write_out(word_table(contract_of_node(request.words, *registry)));
  else if (!request.types.empty())
    write_out(type_table(*registry, request.types));
  else
    print_json(document_schema(*registry));
  return kOk;
}

void add_schema(CLI::App& app, Invocation& invocation) {
  Verb verb = add_verb(app, invocation, "schema", "Print a JSON Schema (draft-07) for graph files, for use in editors",
                       "graph-runner schema > latentloom.schema.json\n"
                       "  # in a graph file: # yaml-language-server: $schema=latentloom.schema.json");
  auto request = std::make_shared<SchemaFlags>();
  verb.option("--keys", request->keys, "print a Markdown table of this section's keys instead: train, losses, ...");
  verb.option("--types", request->types, "print a Markdown table of the types of this kind: optimizer, schedule");
  verb.option("--values", request->values, "print a Markdown table of the values of this metric");
  verb.option("--words", request->words, "print a Markdown table of the words of this node type's texts: expr");
  verb.plugins_flag(request->plugins);
  verb.action([request] { return schema(*request); });
}
LOOM_VERB(135, add_schema)

}  // namespace

}  // namespace loom::runner

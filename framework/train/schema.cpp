#include "train/schema.h"

#include "data/source.h"
#include "document/file_keys.h"
#include "document/iteration_section.h"
#include "document/sections.h"
#include "graph/initial_values.h"
#include "train/schema_values.h"

namespace loom {
namespace schema {
namespace {

Json text_or_null() { return or_null({{"type", "string"}}); }
Json keys_of(const Contract& contract) {
  Json properties = Json::object();
  add_options(contract, properties);
  return closed(std::move(properties));
}

Json input_schema(const Contract& contract) {
  const Json source = {{"type", "string"}}, sources = any_of({source, list_of(source)});
  Json ports = Json::object(), patterns = Json::object();
  if (contract.has_open_ports())
    return documented(or_null(map_of(or_null(source))), "its inputs: names of your choice, and their sources");
  for (const PortDeclaration& port : contract.inputs())
    ports[port.name] = documented(port.is_optional ? or_null(sources) : sources, port.doc + " " + port.pattern);
  if (contract.variadic()) patterns["^" + contract.inputs().front().name + "[0-9]+$"] = or_null(source);
  return documented(or_null(any_of({source, list_of(source), closed_but_null(std::move(ports), std::move(patterns))})),
                    "the sources of its inputs");
}

// A word, a number or a map of a rule and its options.
Json initial_rule() {
  Json names = Json::array();
  for (const InitialRule& rule : initial_rules()) names.push_back(rule.name);
  const Json map = {{"type", "object"}, {"properties", {{"type", {{"enum", names}}}}}, {"required", {"type"}}};
  return or_null(any_of({{{"enum", names}}, {{"type", "number"}}, reference("expression"), map}));
}

// Keys that every node may have.
Json node_keys() {
  const auto or_expression = [](Json value) { return or_null(any_of({std::move(value), reference("expression")})); };
  return {
      {"weights", documented(text_or_null(), "the node whose parameters it uses")},
      {"frozen", documented(or_expression({{"type", "boolean"}}), "its parameters are not trained")},
      {"precision", documented(or_null({{"enum", {"f32"}}}), "f32 also in training with bf16")},
      {"when", documented(or_null({{"enum", {"train", "eval"}}}), "in the other mode its first input passes through")},
      {"doc", documented(text_or_null(), "a remark")},
      {"repeat", documented(or_expression({{"type", "integer"}, {"minimum", 0}}), "a chain of this many instances")},
      {"average", documented(keys_of(average_section().contract()), "its parameters follow those of another node")},
      {"init", documented(map_of(initial_rule()), "rules of initial values, by parameter")},
      {"chain", {{"description", "the inputs that an instance takes from the previous one"}}}};
}

// {use: FILE, ...}: the inputs of the block are not known here.
Json use_keys() {
  Json properties = node_keys();
  properties["use"] = {{"type", "string"}, {"description", "the file of a block or of a graph"}};
  properties["call"] = {{"description", "a node or block that is applied again, or a part: {from: port, to: port}"}};
  properties["scan"] = {{"type", {"string", "object"}}, {"description", "a block that is applied along an axis"}};
  properties["whole"] = {{"description", "of a scan: inputs that are the same in each step"}};
  properties["state"] = {
      {"description", "of a scan: inputs that are what the step before left, and their first values"}};
  properties["axis"] =
      documented(or_null(any_of({{{"type", "integer"}}, reference("expression")})), "of a scan: its axis");
  properties["reverse"] = documented(or_null(any_of({{{"type", "boolean"}}, reference("expression")})),
                                     "of a scan: from the last place to the first");
  properties["steps"] = documented(or_null(any_of({{{"type", "integer"}, {"minimum", 1}}, reference("expression")})),
                                   "of a scan without inputs that are cut: how many steps");
  properties["in"] = {{"description", "the sources of its inputs"}};
  properties["vars"] = documented(or_null({{"type", "object"}}), "values of its variables");
  properties["rename"] =
      documented(or_null(map_of({{"type", "string"}})), "names in the file of its weights, and the nodes here");
  return properties;
}

// The keys of a definition, which all types with these keys refer to.
void add_references(const std::string& definition, const Json& keys, Json& properties) {
  for (const auto& key : keys.items()) properties[key.key()] = reference(definition + "/properties/" + key.key());
}

Alternatives node_types(const Registry& registry, const Json& more) {
  Json keys = Json::object();
  add_references("node_keys", node_keys(), keys);
  add_references("loss_keys", more, keys);
  Alternatives types;
  for (const std::string& name : registry.node_names()) {
    const Contract& contract = registry.node(name)->contract;
    Json properties = keys;
    if (!contract.inputs().empty()) properties["in"] = input_schema(contract);
    types.add(name, contract, std::move(properties), add_node_options);
  }
  return types;
}

template <class Type>
Alternatives types_of(const Registry& registry, const Contract& common, const std::string& default_type) {
  Alternatives types(default_type);
  for (const std::string& name : registry.names<Type>()) {
    Contract contract = registry.find<Type>(name)->contract;
    contract.include_options(common);
    types.add(name, contract, Json::object());
  }
  return types;
}

Alternatives data_types(const Registry& registry) {
  Alternatives types;
  for (const std::string& name : registry.dataset_names())
    types.add(name, data_contract(registry, name), Json::object());
  return types;
}

// The keys that a complete document must have, and that a document that extends another need not repeat.
Json whole(const Alternatives& types, const std::vector<std::string>& alternatives) {
  Json schema = {{"allOf", types.required()}};
  const auto with = [](const std::string& key) { return Json{{"required", {key}}}; };
  if (alternatives.empty()) {
    schema.update(with("type"));
    return schema;
  }
  schema["anyOf"] = Json::array({with("type")});
  for (const std::string& key : alternatives) schema["anyOf"].push_back(with(key));
  return schema;
}

Json metrics_schema(const Registry& registry) {
  Json properties = Json::object();
  for (const std::string& name : registry.names<MetricType>()) {
    const Contract& contract = registry.find<MetricType>(name)->contract;
    properties[name] = or_null(any_of({{{"type", "boolean"}}, keys_of(contract)}));
    properties[name]["description"] = contract.summary();
  }
  return closed(std::move(properties));
}

Json entries(const char* definition) { return map_of(or_null(reference(definition))); }

// The declared keys of a file, each with the shape of its value.
Json file_keys(const Contract& keys, const Json& shapes) {
  Json properties = Json::object();
  for (const OptionDeclaration& key : keys.options()) properties[key.name] = documented(shapes.at(key.name), key.doc);
  return properties;
}

// The shapes that a document and a block share; the others are `more`.
Json file_shapes(const Json& more) {
  Json shapes = {{"version", {{"const", 1}}},
                 {"doc", text_or_null()},
                 {"plugins", or_null(list_of({{"type", "string"}}))},
                 {"vars", or_null({{"type", "object"}})},
                 {"nodes", entries("node")}};
  shapes.update(more);
  return shapes;
}

Json graph_schema() {
  const Json text = {{"type", "string"}};
  const Json shapes = file_shapes({{"extends", or_null(any_of({text, list_of(text)}))},
                                   {"graph", text_or_null()},
                                   {"data", or_null(reference("data"))},
                                   {"losses", or_null(entries("loss"))},
                                   {"objectives", or_null(entries("objective"))},
                                   {"train", or_null(reference("train"))},
                                   {"generate", or_null(entries("generate"))},
                                   {"metrics", or_null(reference("metrics"))}});
  Json schema = closed(file_keys(document_keys(), shapes));
  const auto in_all = [](Json entry) { return or_null(map_of(std::move(entry))); };
  schema["if"] = {{"not", {{"required", {"extends"}}}}};
  schema["then"] = {{"required", {"nodes"}},
                    {"properties",
                     {{"nodes", map_of(reference("whole_node"))},
                      {"losses", in_all(reference("whole_loss"))},
                      {"data", or_null(reference("whole_data"))},
                      {"objectives", in_all({{"required", {"losses"}}})}}}};
  return schema;
}

// The file of a block, which `use` inserts: nodes with inputs and outputs.
Json block_schema() {
  const Json shapes = file_shapes({{"block", text_or_null()},
                                   {"inputs", or_null(list_of({{"type", "string"}}))},
                                   {"nodes", {{"allOf", {entries("node"), map_of(reference("whole_node"))}}}},
                                   {"output", text_or_null()},
                                   {"outputs", or_null(map_of({{"type", "string"}}))}});
  Json schema = closed(file_keys(block_keys(), shapes));
  schema["required"] = {"nodes"};
  schema["anyOf"] = {{{"required", {"output"}}}, {{"required", {"outputs"}}}};
  return schema;
}

Json definitions(const Registry& registry) {
  Json loss_keys = Json::object();
  add_options(loss_section().contract(), loss_keys);
  const Alternatives nodes = node_types(registry, Json::object()), losses = node_types(registry, loss_keys);
  const Alternatives schedules = types_of<ScheduleType>(registry, schedule_options(), kDefaultSchedule);
  const Alternatives data = data_types(registry);
  Json definitions = {{"expression", {{"type", "string"}, {"pattern", "\\$\\{"}}}};
  definitions["node_keys"] = {{"properties", node_keys()}};
  definitions["loss_keys"] = {{"properties", loss_keys}};
  definitions["node"] = nodes.schema_or("use", use_keys());
  definitions["whole_node"] = whole(nodes, {"use", "call", "average", "scan"});
  definitions["loss"] = losses.schema_or("of", loss_keys);
  definitions["whole_loss"] = whole(losses, {"of", "expr"});
  definitions["optimizer"] = types_of<OptimizerType>(registry, optimizer_options(), OptimizerEntry().type).schema();
  definitions["schedule"] = schedules.schema();
  definitions["schedule"]["allOf"].insert(definitions["schedule"]["allOf"].end(), schedules.required().begin(),
                                          schedules.required().end());
  definitions["scheduled"] = any_of({{{"type", "number"}}, reference("expression"), reference("schedule")});
  definitions["data"] = data.schema();
  definitions["whole_data"] = whole(data, {});
  definitions["train"] = keys_of(train_section().contract());
  definitions["objective"] = keys_of(objective_section().contract());
  definitions["iterate"] = keys_of(iteration_section().contract());
  definitions["autoregressive"] = keys_of(autoregression_section().contract());
  definitions["metrics"] = metrics_schema(registry);
  definitions["generate"] = keys_of(generate_section().contract());
  definitions["graph"] = graph_schema();
  definitions["block"] = block_schema();
  return definitions;
}

}  // namespace
}  // namespace schema

nlohmann::ordered_json document_schema(const Registry& registry) {
  using schema::Json, schema::reference;
  Json of_a_block = Json::array();
  for (const char* key : {"block", "inputs", "output", "outputs"}) of_a_block.push_back({{"required", {key}}});
  // A description and not a title, since editors show a title with every key.
  return {{"$schema", "http://json-schema.org/draft-07/schema#"},
          {"description", "A Latentloom document, version 1"},
          {"type", "object"},
          {"if", {{"anyOf", std::move(of_a_block)}}},
          {"then", reference("block")},
          {"else", reference("graph")},
          {"definitions", schema::definitions(registry)}};
}

}  // namespace loom

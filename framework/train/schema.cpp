#include "train/schema.h"

#include <algorithm>

#include "data/source.h"
#include "document/option_json.h"
#include "document/sections.h"

namespace loom {
namespace {

using Json = nlohmann::ordered_json;

Json reference(const std::string& definition) { return {{"$ref", "#/definitions/" + definition}}; }
Json any_of(std::vector<Json> schemas) {
  if (schemas.size() == 1) return schemas.front();
  return {{"anyOf", std::move(schemas)}};
}
Json list_of(Json items) { return {{"type", "array"}, {"items", std::move(items)}}; }
Json map_of(Json values) { return {{"type", "object"}, {"additionalProperties", std::move(values)}}; }

// The forms that are more than one value.
Json form_schema(const std::string& name) {
  static const std::map<std::string, std::function<Json()>> kForms = {
      {"optimizer", [] { return reference("optimizer"); }},
      {"losses",
       [] {
         return any_of({list_of({{"type", "string"}}), map_of(reference("scheduled"))});
       }},
      {"only_if",
       [] {
         const Json bound = any_of({{{"type", "number"}}, reference("expression")});
         return map_of({{"type", "object"},
                        {"properties", {{"above", bound}, {"below", bound}}},
                        {"additionalProperties", false},
                        {"minProperties", 1}});
       }},
      {"weight", [] { return reference("scheduled"); }},
      {"when",
       [] {
         return Json{{"enum", {"train", "eval"}}};
       }},
      {"draw", [] { return map_of(reference("node")); }},
      {"autoregressive",
       [] {
         return any_of({reference("autoregressive"), list_of(reference("autoregressive"))});
       }},
      {"feed", [] {
         return any_of({{{"type", "string"}}, list_of({{"type", "string"}})});
       }}};
  const auto it = kForms.find(name);
  return it == kForms.end() ? Json{{"type", "string"}} : it->second();
}

void add_range(const Constraint& c, Json& number) {
  if (c.minimum) number[c.minimum_excluded ? "exclusiveMinimum" : "minimum"] = *c.minimum;
  if (c.maximum) number[c.maximum_excluded ? "exclusiveMaximum" : "maximum"] = *c.maximum;
}

// What an option accepts; an expression may stand in its place.
Json accepted(const OptionDeclaration& option) {
  const Constraint& c = option.constraint;
  if (!c.structure.empty()) return form_schema(option.name);
  std::vector<Json> scalars;
  if (c.number_allowed || c.integer_allowed) {
    Json number = {{"type", c.number_allowed ? "number" : "integer"}};
    add_range(c, number);
    scalars.push_back(std::move(number));
  }
  if (c.flag_allowed) scalars.push_back({{"type", "boolean"}});
  if (c.text_allowed) scalars.push_back(c.choices.empty() ? Json{{"type", "string"}} : Json{{"enum", c.choices}});
  scalars.push_back(reference("expression"));
  std::vector<Json> all = c.scalar_allowed ? scalars : std::vector<Json>{reference("expression")};
  if (c.list_allowed) all.push_back(list_of(any_of(scalars)));
  if (c.schedule_allowed) all.push_back(reference("schedule"));
  return any_of(std::move(all));
}

Json described(const OptionDeclaration& option) {
  Json schema = accepted(option);
  const std::string unit = option.unit.empty() ? "" : " [" + option.unit + "]";
  if (schema.contains("$ref")) schema = {{"allOf", {std::move(schema)}}};
  schema["description"] = option.doc + unit;
  if (!option.default_value.empty()) schema["default"] = to_json(option.default_value);
  return schema;
}

void add_options(const Contract& contract, Json& properties) {
  for (const OptionDeclaration& option : contract.options()) properties[option.name] = described(option);
}

Json closed(Json properties) {
  return {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
}

Json keys_of(const Contract& contract) {
  Json properties = Json::object();
  add_options(contract, properties);
  return closed(std::move(properties));
}

// An object whose `type` decides what else it may hold.
struct Alternatives {
  Json names = Json::array(), cases = Json::array(), required = Json::array();

  void add(const std::string& name, const Contract& contract, Json properties, const std::string& default_type = "") {
    names.push_back(name);
    properties["type"] = {{"const", name}, {"description", contract.summary()}};
    add_options(contract, properties);
    Json must = Json::array();
    for (const OptionDeclaration& option : contract.options())
      if (option.required) must.push_back(option.name);
    Json condition = {{"properties", {{"type", {{"const", name}}}}}};
    if (name != default_type) condition["required"] = {"type"};
    if (!must.empty()) required.push_back({{"if", condition}, {"then", {{"required", must}}}});
    cases.push_back({{"if", std::move(condition)}, {"then", closed(std::move(properties))}});
  }
  Json schema() const { return {{"type", "object"}, {"properties", {{"type", {{"enum", names}}}}}, {"allOf", cases}}; }
};

Json input_schema(const Contract& contract) {
  const Json source = {{"type", "string"}}, sources = any_of({source, list_of(source)});
  Json map = {{"type", "object"}, {"additionalProperties", false}};
  Json ports = Json::object();
  for (const PortDeclaration& port : contract.inputs()) {
    ports[port.name] = sources;
    ports[port.name]["description"] = port.doc + " " + port.pattern;
  }
  map["properties"] = std::move(ports);
  if (contract.variadic()) map["patternProperties"] = {{"^" + contract.inputs().front().name + "[0-9]+$", source}};
  return any_of({source, list_of(source), std::move(map)});
}

// Keys that every node may have.
Json node_keys() {
  return {{"weights", {{"type", "string"}, {"description", "the node whose parameters it uses"}}},
          {"frozen", {{"anyOf", {{{"type", "boolean"}}, reference("expression")}}}},
          {"when", {{"enum", {"train", "eval"}}}},
          {"doc", {{"type", "string"}}},
          {"repeat", {{"anyOf", {{{"type", "integer"}, {"minimum", 0}}, reference("expression")}}}},
          {"chain", Json::object()}};
}

// {use: FILE, ...}: what a block takes is not known here.
Json use_schema() {
  Json properties = node_keys();
  properties["use"] = {{"type", "string"}};
  properties["in"] = Json::object();
  properties["vars"] = {{"type", "object"}};
  return closed(std::move(properties));
}

Json node_schema(const Registry& registry, const Contract* more, Json& required) {
  Alternatives types;
  for (const std::string& name : registry.node_names()) {
    const Contract& contract = registry.node(name)->contract;
    Json properties = node_keys();
    if (!contract.inputs().empty()) properties["in"] = input_schema(contract);
    if (more != nullptr) add_options(*more, properties);
    types.add(name, contract, std::move(properties));
  }
  required = types.required;
  Json schema = types.schema();
  if (more != nullptr) {
    schema["allOf"].push_back({{"if", {{"required", {"of"}}}}, {"then", keys_of(*more)}});
    return schema;
  }
  schema["allOf"].push_back({{"if", {{"required", {"use"}}}}, {"then", use_schema()}});
  return schema;
}

template <class Type>
Json typed_schema(const Registry& registry, const Contract& common, Json& required,
                  const std::string& default_type = "") {
  Alternatives types;
  for (const std::string& name : registry.names<Type>()) {
    Contract contract = registry.find<Type>(name)->contract;
    contract.include_options(common);
    types.add(name, contract, Json::object(), default_type);
  }
  required = types.required;
  return types.schema();
}

Json data_schema(const Registry& registry, Json& required) {
  Alternatives types;
  for (const std::string& name : registry.dataset_names())
    types.add(name, data_contract(registry, name), Json::object());
  required = types.required;
  return types.schema();
}

// What a whole document must have, and one that extends another need not repeat.
Json whole(Json required, const char* alternative) {
  Json schema = {{"allOf", std::move(required)}};
  if (alternative == nullptr)
    schema["required"] = {"type"};
  else
    schema["anyOf"] = {{{"required", {"type"}}}, {{"required", {alternative}}}};
  return schema;
}

Json metrics_schema(const Registry& registry) {
  Json properties = Json::object();
  for (const std::string& name : registry.names<MetricType>()) {
    const Contract& contract = registry.find<MetricType>(name)->contract;
    properties[name] = any_of({{{"type", "boolean"}}, keys_of(contract)});
    properties[name]["description"] = contract.summary();
  }
  return closed(std::move(properties));
}

Json root_properties() {
  const auto entries = [](const char* definition) {
    return map_of(any_of({reference(definition), {{"type", "null"}}}));
  };
  return {{"version", {{"const", 1}, {"description", "of the format"}}},
          {"extends", {{"type", "string"}, {"description", "the parent that this document is merged over"}}},
          {"plugins", list_of({{"type", "string"}})},
          {"graph", {{"type", "string"}, {"description", "the name that reports show"}}},
          {"doc", {{"type", "string"}}},
          {"vars", {{"type", "object"}, {"description", "values of ${...}"}}},
          {"data", any_of({reference("data"), {{"type", "null"}}})},
          {"nodes", entries("node")},
          {"losses", entries("loss")},
          {"objectives", entries("objective")},
          {"train", reference("train")},
          {"generate", entries("generate")},
          {"metrics", reference("metrics")}};
}

}  // namespace

Json document_schema(const Registry& registry) {
  Json node, loss, optimizer, schedule, data;
  Json definitions = {{"expression", {{"type", "string"}, {"pattern", "\\$\\{"}}}};
  definitions["node"] = node_schema(registry, nullptr, node);
  definitions["loss"] = node_schema(registry, &loss_section().contract(), loss);
  definitions["optimizer"] =
      typed_schema<OptimizerType>(registry, optimizer_options(), optimizer, OptimizerEntry().type);
  definitions["schedule"] = typed_schema<ScheduleType>(registry, schedule_options(), schedule, kDefaultSchedule);
  definitions["schedule"]["allOf"].insert(definitions["schedule"]["allOf"].end(), schedule.begin(), schedule.end());
  definitions["scheduled"] = any_of({{{"type", "number"}}, reference("expression"), reference("schedule")});
  definitions["data"] = data_schema(registry, data);
  definitions["train"] = keys_of(train_section().contract());
  definitions["objective"] = keys_of(objective_section().contract());
  definitions["autoregressive"] = keys_of(autoregression_section().contract());
  definitions["metrics"] = metrics_schema(registry);
  definitions["generate"] = keys_of(generate_section().contract());
  Json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"},
                 {"title", "A Latentloom document, version 1"},
                 {"type", "object"},
                 {"properties", root_properties()},
                 {"additionalProperties", false},
                 {"if", {{"not", {{"required", {"extends"}}}}}},
                 {"then",
                  {{"required", {"nodes"}},
                   {"properties",
                    {{"nodes", map_of(whole(node, "use"))},
                     {"losses", map_of(whole(loss, "of"))},
                     {"data", whole(data, nullptr)},
                     {"objectives", map_of({{"required", {"losses"}}})},
                     {"generate", map_of({{"required", {"show"}}})}}}}},
                 {"definitions", std::move(definitions)}};
  return schema;
}

}  // namespace loom

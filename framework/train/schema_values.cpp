#include "train/schema_values.h"

#include <functional>
#include <map>

#include "document/option_json.h"
#include "document/sections.h"
#include "graph/scheduled_options.h"

namespace loom::schema {
namespace {

// The forms that are not a single value.
Json form_schema(const std::string& name) {
  static const std::map<std::string, std::function<Json()>> kForms = {
      {"optimizer", [] { return reference("optimizer"); }},
      {"losses",
       [] {
         return any_of({list_of({{"type", "string"}}), map_of(or_null(reference("scheduled")))});
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
      {"monitor",
       [] {
         Json properties = Json::object();
         add_options(monitor_section().contract(), properties);
         return any_of({{{"type", "string"}}, closed(std::move(properties))});
       }},
      {"when",
       [] {
         return Json{{"enum", {"train", "eval"}}};
       }},
      {"repeat",
       [] {
         return any_of({{{"type", "integer"}, {"minimum", 0}}, reference("expression")});
       }},
      {"draw", [] { return map_of(or_null(reference("node"))); }},
      {"iterate",
       [] {
         return any_of({reference("iterate"), list_of(reference("iterate"))});
       }},
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

// An expression can replace a value.
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
  if (!c.map_form.empty()) {
    std::vector<Json> values = scalars;
    if (c.list_allowed) values.push_back(list_of(any_of(scalars)));
    all.push_back(map_of(any_of(std::move(values))));
  }
  if (c.schedule_allowed) all.push_back(reference("schedule"));
  return any_of(std::move(all));
}

}  // namespace

Json reference(const std::string& definition) { return {{"$ref", "#/definitions/" + definition}}; }
Json any_of(std::vector<Json> schemas) {
  if (schemas.size() == 1) return schemas.front();
  return {{"anyOf", std::move(schemas)}};
}
Json list_of(Json items) { return {{"type", "array"}, {"items", std::move(items)}}; }
Json map_of(Json values) { return {{"type", "object"}, {"additionalProperties", std::move(values)}}; }

// Adds to an existing alternative if possible: editors show many alternatives in a way that is hard to read.
Json or_null(Json schema) {
  Json& first = schema.contains("anyOf") ? schema["anyOf"].front() : schema;
  if (first.contains("type")) {
    first["type"] = {first["type"], "null"};
    return schema;
  }
  if (first.contains("enum")) {
    first["enum"].push_back(nullptr);
    return schema;
  }
  return any_of({std::move(schema), {{"type", "null"}}});
}

Json documented(Json schema, const std::string& description) {
  if (schema.contains("$ref")) schema = {{"allOf", {std::move(schema)}}};  // draft-07 ignores the keys beside it
  schema["description"] = description;
  return schema;
}

Json option_schema(const OptionDeclaration& option) {
  const std::string unit = option.unit.empty() ? "" : " [" + option.unit + "]";
  Json schema = documented(option.required ? accepted(option) : or_null(accepted(option)), option.doc + unit);
  if (!option.default_value.empty()) schema["default"] = to_json(option.default_value);
  return schema;
}

void add_options(const Contract& contract, Json& properties) {
  for (const OptionDeclaration& option : contract.options()) properties[option.name] = option_schema(option);
}

Json closed(Json properties) {
  return {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
}

void add_node_options(const Contract& contract, Json& properties) {
  for (OptionDeclaration option : contract.options()) {
    if (can_follow_schedule(option.constraint)) option.constraint.or_schedule();
    Json own = option_schema(option);  // beside the key of the same name that every node has
    properties[option.name] = properties.contains(option.name) ? any_of({own, properties[option.name]}) : own;
  }
}

// A map with an unknown key is compared with a closed map: validators then name that key; "only null is allowed
// here" would not name the error.
Json closed_but_null(Json properties, Json patterns) {
  Json known = {{"properties", Json::object()}};
  for (const auto& property : properties.items()) known["properties"][property.key()] = true;
  Json schema = {{"type", "object"}, {"properties", std::move(properties)}};
  if (!patterns.empty()) {
    for (const auto& pattern : patterns.items()) known["patternProperties"][pattern.key()] = true;
    schema["patternProperties"] = std::move(patterns);
  }
  schema["if"] = known;
  schema["if"]["additionalProperties"] = {{"type", "null"}};
  schema["else"] = std::move(known);
  schema["else"]["additionalProperties"] = false;
  return schema;
}

void Alternatives::add(const std::string& name, const Contract& contract, Json properties, AddOptions options) {
  names_.push_back(name);
  properties["type"] = {{"const", name}, {"description", contract.summary()}};
  options(contract, properties);
  Json must = Json::array();
  for (const OptionDeclaration& option : contract.options())
    if (option.required) must.push_back(option.name);
  Json condition = {{"properties", {{"type", {{"const", name}}}}}};
  if (name != default_type_) condition["required"] = {"type"};
  if (!must.empty()) required_.push_back({{"if", condition}, {"then", {{"required", must}}}});
  cases_.push_back({{"if", std::move(condition)}, {"then", closed_but_null(std::move(properties))}});
}

Json Alternatives::schema() const {
  return {{"type", "object"}, {"properties", {{"type", {{"enum", names_}}}}}, {"allOf", cases_}};
}

Json Alternatives::schema_or(const std::string& other, const Json& properties) const {
  Json cases = cases_;
  cases.push_back({{"if", {{"required", {other}}, {"properties", {{other, {{"type", "string"}}}}}}},
                   {"then", closed_but_null(properties)},
                   {"else", {{"properties", {{"type", {{"enum", names_}}}}}}}});
  // For editors: until one of the two is chosen, both are offered.
  cases.push_back({{"if", {{"required", {"type"}}}}, {"else", {{"properties", properties}}}});
  return {{"type", "object"}, {"allOf", std::move(cases)}};
}

}  // namespace loom::schema

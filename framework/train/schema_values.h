// The parts of a document's schema: values, lists, maps, and maps whose `type` decides what else they hold.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "loom/plugin.h"

namespace loom::schema {

using Json = nlohmann::ordered_json;

Json reference(const std::string& definition);
Json any_of(std::vector<Json> schemas);
Json list_of(Json items);
Json map_of(Json values);
// Null means "not set"; in a document that extends another it removes what the parent has there.
Json or_null(Json schema);
Json documented(Json schema, const std::string& description);

// What an option accepts, with its documentation and its default.
Json option_schema(const OptionDeclaration& option);
void add_options(const Contract& contract, Json& properties);
// Of a node: its numbers can follow a schedule, too.
void add_node_options(const Contract& contract, Json& properties);

// A map with these keys alone.
Json closed(Json properties);
// The same for a map that has a type: any other key may be null, to remove an option of the type that the parent has
// there. `patterns` are further keys that it may have.
Json closed_but_null(Json properties, Json patterns = Json::object());

// An object whose `type` decides what else it may hold.
class Alternatives {
 public:
  // `default_type`: the type of an object without `type`.
  explicit Alternatives(std::string default_type = "") : default_type_(std::move(default_type)) {}

  using AddOptions = void (*)(const Contract& contract, Json& properties);
  void add(const std::string& name, const Contract& contract, Json properties, AddOptions options = add_options);
  Json schema() const;
  // An object that has either `type` or the key `other`, and with that one only the keys of `properties`.
  Json schema_or(const std::string& other, const Json& properties) const;
  // What each type must have, for a list `allOf`.
  const Json& required() const { return required_; }

 private:
  std::string default_type_;
  Json names_ = Json::array(), cases_ = Json::array(), required_ = Json::array();
};

}  // namespace loom::schema

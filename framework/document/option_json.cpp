#include "document/option_json.h"

namespace loom {

using Json = nlohmann::ordered_json;

Json to_json(const OptionValue& value) {
  if (const bool* flag = std::get_if<bool>(&value)) return *flag;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
  if (const double* number = std::get_if<double>(&value)) return *number;
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* list = std::get_if<std::vector<OptionValue>>(&value)) {
    Json json = Json::array();
    for (const OptionValue& item : *list) json.push_back(to_json(item));
    return json;
  }
  if (const auto* map = std::get_if<OptionMap>(&value)) {
    Json json = Json::object();
    for (const OptionMember& member : *map) json[member.name] = to_json(member.value);
    return json;
  }
  return nullptr;
}

OptionValue option_from_json(const Json& json) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_object()) {
    OptionMap map;
    for (const auto& [name, value] : json.items()) map.push_back({name, option_from_json(value)});
    return map;
  }
  if (!json.is_array()) return {};
  std::vector<OptionValue> list;
  for (const Json& item : json) list.push_back(option_from_json(item));
  return list;
}

}  // namespace loom

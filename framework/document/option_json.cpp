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

}  // namespace loom

#include "train/option_field.h"

namespace loom {

OptionValue option_from(const JsonField& field) {
  const nlohmann::json& json = field.json();
  if (json.is_null()) return {};
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return field.integer();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_object()) {
    OptionMap map;
    for (const auto& [name, value] : field.members()) map.push_back({name, option_from(value)});
    return map;
  }
  if (!json.is_array()) field.fail("a flag, a number, a text, a list or a map of these");
  std::vector<OptionValue> list;
  for (const JsonField& item : field.items()) list.push_back(option_from(item));
  return list;
}

}  // namespace loom

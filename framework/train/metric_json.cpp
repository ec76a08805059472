#include "train/metric_json.h"

#include <algorithm>
#include <cmath>

#include "document/option_json.h"

namespace loom {
namespace {

using Json = nlohmann::ordered_json;

// JSON has only finite numbers.
void drop_infinite(Json& json) {
  if (json.is_array()) std::ranges::for_each(json, drop_infinite);
  if (json.is_number_float() && !std::isfinite(json.get<double>())) json = nullptr;
}

}  // namespace

Json to_json(const std::vector<MetricValue>& values) {
  Json all = Json::object();
  for (const MetricValue& value : values) {
    Json* at = &all;
    if (const std::size_t slash = value.subject.find('/'); slash != std::string::npos) {
      at = &all[value.subject.substr(0, slash)][value.subject.substr(slash + 1)];
    } else if (!value.subject.empty()) {
      at = &all[value.subject];
    }
    Json json = to_json(value.value);
    drop_infinite(json);
    (*at)[value.key] = std::move(json);
    if (value.standard_error) (*at)[value.key + "_standard_error"] = *value.standard_error;
  }
  return all;
}

}  // namespace loom

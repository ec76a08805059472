// Measured values as JSON: objects inside each other along their subjects, {"rate": 3.2, "latents": {"kl": {...}}}. A
// standard error follows its value, as KEY_standard_error. What is not finite or not defined is null.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "loom/metric.h"

namespace loom {

nlohmann::ordered_json to_json(const std::vector<MetricValue>& values);

}  // namespace loom

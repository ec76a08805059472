// Option values as JSON: those of a run's settings, and resolved documents for other programs.
#pragma once

#include <nlohmann/json.hpp>

#include "loom/options.h"

namespace loom {

nlohmann::ordered_json to_json(const OptionValue& value);  // what is empty becomes null
OptionValue option_from_json(const nlohmann::ordered_json& json);

}  // namespace loom

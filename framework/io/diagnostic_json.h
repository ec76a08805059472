// Diagnostics as JSON, for a process that has no other way to report them.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "loom/error.h"

namespace loom {

nlohmann::json to_json(const std::vector<Diagnostic>& findings);
// Unreadable text becomes one diagnostic (internal) that says so.
std::vector<Diagnostic> diagnostics_from_json(const nlohmann::json& json);

}  // namespace loom

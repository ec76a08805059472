// The declarations of types as text: for inspect, and for docs/nodes.md.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "loom/plugin.h"

namespace loom::runner {

// The group of a plugin library: "liblatentloom_nodes_nn.so" is "nn".
std::string group_of(const std::string& library);

// The reference of everything in the registry, as Markdown; the same text for the same declarations.
std::string reference_text(const Registry& registry);

// One contract as text for a terminal, or as JSON.
std::string contract_text(const std::string& name, const Contract& contract);
nlohmann::ordered_json contract_json(const std::string& name, const Contract& contract);

}  // namespace loom::runner

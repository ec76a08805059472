// Shared by the verbs: --plugin, `plugins:`, and the message about a type that is not loaded.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "document/document.h"
#include "plugin/registries.h"

namespace loom::runner {

// registry_for() of a document that has been read; where a plugin is missing, that is thrown beside what is in
// `diagnostics` already: what else is wrong cannot be told without it.
std::unique_ptr<Registry> find_registry(const RegistryRequest& request, Diagnostics& diagnostics);

// The same diagnostics; those about an unknown type name the plugin on the search path that has it.
Error with_plugin_hints(const Error& error);

}  // namespace loom::runner

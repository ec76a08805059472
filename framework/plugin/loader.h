// Opens plugin libraries and adds their types to a Registry.
//
// Ownership: each type keeps its library open. Thread safety: loading is safe from one thread at a time.
// Errors: plugin_not_found, plugin_invalid (no descriptor), plugin_mismatch (another build), plugin_duplicate.
#pragma once

#include <string>
#include <vector>

#include "graph/registry.h"

namespace loom {

// Loads one library. Types are added only when the whole library is accepted. Messages and NodeType::library call it
// `shown_as` where that is given: a private copy of a file is called what it is a copy of.
void load_plugin(Registry& registry, const std::string& file, bool replace = false, const std::string& shown_as = "");

// Every lib*.so of a folder, in the order of their names.
void load_plugin_folder(Registry& registry, const std::string& folder);

// Where the standard plugins lie: $LATENTLOOM_PLUGINS (folders separated by ':') if it is set, else
// lib/latentloom/plugins beside the library that this code is in. The first folder holds the standard nodes.
std::vector<std::string> plugin_folders();

// A registry of everything in plugin_folders(). Throws plugin_not_found where there is no plugin at all.
std::unique_ptr<Registry> load_standard_registry();

}  // namespace loom

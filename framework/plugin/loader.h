// Opens plugin libraries and adds their types to a Registry.
//
// Ownership: each type keeps its library open. Thread safety: loading is safe from one thread at a time.
// Errors: plugin_not_found, plugin_invalid (no descriptor), plugin_mismatch (another build), plugin_duplicate.
#pragma once

#include <string>
#include <vector>

#include "graph/registry.h"
#include "plugin/search_path.h"

namespace loom {

// Loads one library. Types are added only when the whole library is accepted. Messages and NodeType::library call it
// `shown_as` where that is given: a private copy of a file is called what it is a copy of.
void load_plugin(Registry& registry, const std::string& file, bool replace = false, const std::string& shown_as = "");

// Every library of a folder, in the order of their names.
void load_plugin_folder(Registry& registry, const std::string& folder);

// A registry of everything in plugin_folders(). Throws plugin_not_found where there is no plugin at all.
std::unique_ptr<Registry> load_standard_registry();

// What a library says it holds, read without calling any C++ of it.
struct PluginSummary {
  LoadedLibrary library;
  std::string version;  // of the Latentloom it was built with
  std::vector<std::string> nodes, datasets;
  std::string problem;  // why it cannot be loaded; "" where it can
};
PluginSummary read_plugin(const std::string& file);

}  // namespace loom

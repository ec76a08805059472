// Opens plugin libraries and adds their types to a Registry.
//
// Ownership: each type keeps its library open. Thread safety: loading is safe from one thread at a time.
// Errors: plugin_not_found, plugin_invalid (no descriptor), plugin_mismatch (another build), plugin_duplicate.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "loom/plugin.h"
#include "plugin/search_path.h"

namespace loom {

// Every library of a folder, in the order of their names.
void load_plugin_folder(Registry& registry, const std::string& folder);

// A registry of everything in plugin_folders(). Throws plugin_not_found where there is no plugin at all.
std::unique_ptr<Registry> load_standard_registry();

// What a library says it holds, read without calling any C++ of it.
struct PluginSummary {
  LoadedLibrary library;
  std::string version;                                    // of the Latentloom it was built with
  std::map<std::string, std::vector<std::string>> types;  // names by kind ("node", "dataset", ...), sorted
  std::string problem;                                    // why it cannot be loaded; "" where it can
};
PluginSummary read_plugin(const std::string& file);

}  // namespace loom

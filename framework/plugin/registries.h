// The libraries that a document and a command line request, and the registry of their types.
//
//   libraries_for(request)      every library of the standard folder, then those of --plugin, then those of `plugins:`
//   registry_of(libraries)      a registry of these files; some of them may be replaced by other files under their name
//   registry_for(request)       both
//
// A plugin of an earlier version whose types are standard ones now needs no library.
// A document can name plugins, never paths: what it names is looked for on the search path (plugin/search_path.h), or
// is the library of that name among those that the command line gives. Thread safety: several threads may make
// registries at once: libraries are opened by one after the other. Errors:
// plugin_not_found for each name that no folder has, with the folders and the nearest name; those of loading.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "graph/graph_document.h"
#include "loom/plugin.h"

namespace loom {

struct RegistryRequest {
  std::vector<PluginEntry> named;  // a document's `plugins:`
  std::vector<std::string> given;  // of --plugin: a file (with a '/' or ending in .so), or a name
};

std::vector<LoadedLibrary> libraries_for(const RegistryRequest& request);

// `substitutes`: for a library's file, the file to open instead; messages and types still name the original.
std::unique_ptr<Registry> registry_of(const std::vector<LoadedLibrary>& libraries,
                                      const std::map<std::string, std::string>& substitutes = {});

// A registry of the framework's own types alone: the standard metrics.
std::unique_ptr<Registry> own_types();

std::unique_ptr<Registry> registry_for(const RegistryRequest& request);

// The plugin on LOOM_PLUGIN_PATH that has a type of this name, for hints; "" if there is none.
std::string plugin_with_type(const std::string& type);

}  // namespace loom

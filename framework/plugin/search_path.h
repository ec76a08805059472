// Where plugin libraries are looked for, and what a name stands for there.
//
//   the standard folder    lib/latentloom/plugins beside the library that this code is in, or the folders of
//                          $LATENTLOOM_PLUGINS (separated by ':') in its place; every library in it is loaded
//   $LOOM_PLUGIN_PATH      further folders (separated by ':'); a library in them is loaded when a document's `plugins:`
//                          or --plugin asks for it by name
//
// A name is no path: letters, digits, '_' and '-'. NAME stands for libNAME.so or NAME.so in the first folder that has
// one, those of LOOM_PLUGIN_PATH before the standard one. Thread safety: functions that read the environment and
// folders; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace loom {

// The folders that are loaded as a whole. The first one holds the standard nodes.
std::vector<std::string> plugin_folders();
// The folders that a name is looked for in, in their order.
std::vector<std::string> search_folders();

bool is_plugin_name(std::string_view text);
// "huber" of "build/libhuber.so".
std::string library_name(const std::string& file);

// The .so files of a folder, in the order of their names; none where there is no such folder.
std::vector<std::string> libraries_in(const std::string& folder);
// The file that a name stands for; "" where no folder has one.
std::string find_library(const std::string& name);

}  // namespace loom

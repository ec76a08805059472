// The folders in which plugin libraries are searched for, and the meaning of a name there.
//
//   the standard folder    lib/latentloom/plugins next to the library that contains this code; the folders of
//                          $LATENTLOOM_PLUGINS (separated by ':') replace it; every library in it is loaded
//   optional               the folder of this name in each of these: a library in it is loaded if a document's `plugins:`
//                          or --plugin requests it by name (the worked plugins that come with the library)
//   $LOOM_PLUGIN_PATH      more such folders (separated by ':')
//
// A name is not a path: letters, digits, '_' and '-'. NAME means libNAME.so or NAME.so in the first folder that has
// one; the folders of LOOM_PLUGIN_PATH are searched before the others. Thread safety: functions that read the
// environment and folders; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace loom {

// The folders whose libraries are all loaded. The first one has the standard nodes.
std::vector<std::string> plugin_folders();
// The folders in which a name is searched for, in order.
std::vector<std::string> search_folders();

bool is_plugin_name(std::string_view text);
// "huber" for "build/libhuber.so".
std::string library_name(const std::string& file);

// The .so files of a folder, in the order of their names; none if there is no such folder.
std::vector<std::string> libraries_in(const std::string& folder);
// The file that a name means; "" if no folder has one.
//
std::string find_library(const std::string& name);

}  // namespace loom

// Folders of files that make a data set: listing them, hashing their contents.
//
// Thread safety: free functions without state.
#pragma once

#include <string>
#include <vector>

#include "loom/dataset.h"

namespace loom {

// Paths of the files below `folder`, recursively, sorted, whose names end in one of `endings` (".png"; the case of
// letters does not matter). Throws data_not_found, or data_empty when there is none.
std::vector<std::string> list_files(const std::string& folder, const std::vector<std::string>& endings);

// For data too large to be read at the start: the names (below `folder`), the sizes and both ends of every file.
void add_files(ContentHash& hash, const std::string& folder, const std::vector<std::string>& files);

}  // namespace loom

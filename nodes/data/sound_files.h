// Folders of recordings: which files are taken, what is left out, labels from subfolders.
//
// Thread safety: free functions without state.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace loom {

struct SoundFiles {
  std::vector<std::string> paths;  // sorted
  std::string left_out;            // "1 of 4 files was left out: 1 .txt", or "" if there is no other file
};

// The file `path`, or all recordings in the folder `path` and its subfolders, by the endings of the formats that
// libsndfile reads; see list_files. Throws data_not_found, or data_empty if there is no recording.
SoundFiles find_sounds(const std::string& path);

// For each file the number of the first subfolder of `root` that it is in, in alphabetical order; empty if a file is
// in `root` itself.
std::vector<std::int32_t> folder_labels(const std::vector<std::string>& paths, const std::string& root);

// "1 recording", "2 recordings".
std::string counted(std::size_t count, const std::string& noun);

}  // namespace loom

// Folders of recordings: which files are taken, what is left out, labels from subfolders.
//
// Thread safety: free functions without state.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "archive_file.h"
#include "files.h"

namespace loom {

struct SoundFiles {
  std::vector<std::string> paths;          // sorted
  std::string root;                        // what the folders that are labels are in
  std::shared_ptr<const Archive> archive;  // null: the files are on the disk
  std::string left_out;                    // "1 of 4 files was left out: 1 .txt", or "" if there is no other file
};

// The file `path`, or all recordings in the folder or archive `path` and its subfolders, by the endings of the formats that
// libsndfile reads; see list_files and Archive. Throws data_not_found, or data_empty if there is no recording.
SoundFiles find_sounds(const std::string& path);

// The class of each file, the name of the first subfolder of `root` that it is in, in alphabetical order; empty if a file is
// in `root` itself.
Classes folder_labels(const std::vector<std::string>& paths, const std::string& root);

// "1 recording", "2 recordings".
std::string counted(std::size_t count, const std::string& noun);

}  // namespace loom

// Folders of recordings: which files are taken, what is left out, splits and labels from subfolders.
//
// Thread safety: free functions without state.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "archive_file.h"
#include "files.h"
#include "folder_parts.h"

namespace loom {

struct SoundFiles {
  std::vector<std::string> paths;          // sorted
  FolderParts parts;                       // the splits and the labels by the folders that they are in
  std::shared_ptr<const Archive> archive;  // null: the files are on the disk
  std::string left_out;                    // "1 of 4 files was left out: 1 .txt", or "" if there is no other file
};

// The file `path`, or all recordings in the folder or archive `path` and its subfolders, by the endings of the formats that
// libsndfile reads; see list_files and Archive, which max_bytes is for. A path within an archive is one of its files.
// Throws data_not_found, or data_empty if there is no recording.
SoundFiles find_sounds(const std::string& path, std::int64_t max_bytes);

// "1 recording", "2 recordings".
std::string counted(std::size_t count, const std::string& noun);

}  // namespace loom

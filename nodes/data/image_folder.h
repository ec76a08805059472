// A folder of images, or an archive of one: which files are read, which split and class they belong to, and what is left out.
//
// Thread safety: a free function without state.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "archive_file.h"
#include "folder_parts.h"
#include "image_file.h"

namespace loom {

struct ImageFolder {
  struct File {
    std::string path;
    std::string class_name;  // the first folder on the way to the file; "" for a file outside such a folder
    ImageHeader header = {};
  };
  std::vector<File> files;  // sorted by path
  FolderParts parts;
  std::vector<std::string> notices;
  std::shared_ptr<const Archive> archive;  // null: the files are on the disk

  Image read(std::size_t file, const ImageRequest& request) const;
  void add_to(ContentHash& hash, const std::string& folder, bool format_1 = false) const;  // see Dataset::earlier_hash
};

struct ImageFolderRequest {
  bool skip = false;  // files that cannot be read are left out with a notice; to find them, every file is decoded
  int crop = 0;       // an image must not be smaller than a square of so many pixels
  std::int64_t max_pixels = kMostPixels;  // an image must not have more
  std::int64_t max_bytes = 0;             // see Archive
};

// Lists the folder or archive and looks at the header and the end of every file. Throws one Error with the files that
// cannot be read or are too small or too large, unless they are left out. Throws what list_files and Archive throw.
ImageFolder open_image_folder(const std::string& folder, const ImageFolderRequest& request);

}  // namespace loom

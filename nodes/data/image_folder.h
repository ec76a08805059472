// A folder of images: which files are read, which split and class they belong to, and what is left out.
//
// Thread safety: a free function without state.
#pragma once

#include <string>
#include <vector>

namespace loom {

struct ImageFolder {
  enum class Part { any, train, test };
  struct File {
    std::string path;
    Part part = Part::any;   // any: the folder is not divided
    std::string class_name;  // the first folder on the way to the file; "" for a file outside such a folder
  };
  std::vector<File> files;  // sorted by path
  bool divided = false;     // by a folder train/ and a folder test/, val/ or validation/
  std::vector<std::string> notices;

  std::vector<std::string> paths() const;
};

// Lists the folder and looks at the header and the end of every file. Throws one Error with the files that cannot be
// read, or, with `skip`, leaves them out with a notice. Throws what list_files throws.
ImageFolder open_image_folder(const std::string& folder, bool skip);

}  // namespace loom

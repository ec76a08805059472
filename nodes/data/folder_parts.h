// A folder of files that is divided into splits by the folders directly in it: train/ and test/, validation/ or both.
//
// Thread safety: immutable after construction. Errors: data_empty of require().
#pragma once

#include <string>
#include <vector>

#include "archive_file.h"
#include "loom/dataset.h"

namespace loom {

// The option split of data sets that can be divided so.
void declare_folder_split(Contract& c, const std::string& rule);

class FolderParts {
 public:
  FolderParts() = default;
  // `root`: the folder, or what the names in `archive` are relative to (null: the files are on the disk).
  FolderParts(const std::string& root, const Archive* archive);

  // By train/ (or training/), and by test/ (testing/) or validation/ (val/, valid/), in any case of letters. Without a
  // folder for test, that for validation is test.
  bool divided() const { return !train_.empty(); }
  bool has_validation() const { return !validation_.empty(); }
  // Whether the file is of the split: train, test, validation or all. All files are, where the folder is not divided.
  bool is_in(const std::string& split, const std::string& file) const;
  // The first folder on the way to the file, below that of its split; "": the file is directly in it.
  std::string class_name(const std::string& file) const;
  // What to tell of the division; `noun`: what a file is, "image".
  std::vector<std::string> notices(const std::vector<std::string>& files, const std::string& noun) const;
  // Throws if the split is validation and the folder has none.
  void require(const std::string& split) const;

 private:
  std::vector<std::string> steps(const std::string& file) const;  // the folders on the way to it

  std::string root_, train_, test_, validation_;  // the folders; "" where there is none
};

}  // namespace loom

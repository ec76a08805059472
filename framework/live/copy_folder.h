// A private folder for copies of files, in the temporary folder, removed with its owner.
//
// A killed owner leaves its folder behind; the next owner of the same user removes it. A live owner holds a lock on
// the file `owner` in its folder, which the system releases with the process.
//
// Ownership: owns the folder and its contents. Thread safety: none. Errors: write_failed (copy).
#pragma once

#include <string>

namespace loom {

class CopyFolder {
 public:
  CopyFolder();  // if no folder can be made, copy() fails
  ~CopyFolder();
  CopyFolder(const CopyFolder&) = delete;
  CopyFolder& operator=(const CopyFolder&) = delete;

  std::string copy(const std::string& file);  // returns the path of the copy
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int lock_ = -1;
  int copies_ = 0;
};

}  // namespace loom

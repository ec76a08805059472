// A folder of its own for copies of files, in the temporary folder, gone with its owner.
//
// An owner that was killed leaves its folder behind; the next one of the same user removes it. Who lives is told by a
// lock on the file `owner` in it, which the system gives up with the process.
//
// Ownership: owns the folder and what is in it. Thread safety: none. Errors: write_failed (copy).
#pragma once

#include <string>

namespace loom {

class CopyFolder {
 public:
  CopyFolder();  // where none can be made, no copy can
  ~CopyFolder();
  CopyFolder(const CopyFolder&) = delete;
  CopyFolder& operator=(const CopyFolder&) = delete;

  std::string copy(const std::string& file);  // its path
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int lock_ = -1;
  int copies_ = 0;
};

}  // namespace loom

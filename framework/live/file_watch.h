// Detects changed files, once each is complete.
//
// Files are polled every kPollSeconds (a watch over inotify would miss network file systems, and renames over files).
// A changed file is reported when it has not been modified for kSettleSeconds. A library must also contain its whole
// section table, since a linker may pause while it writes. A library that stays incomplete for kPatienceSeconds is
// reported nevertheless, so that the user gets a message. Files that change together are reported together.
//
// Ownership: owns its thread; `changed` is called on it. Thread safety: watch() from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace loom {

inline constexpr double kPollSeconds = 0.1, kSettleSeconds = 0.2, kPatienceSeconds = 2;

// Whether a library's file contains its whole section table, according to its header; false for an empty file or one that
// begins with a zero, which a linker has only begun; true for another file that is not ELF.
bool is_whole_library(const std::string& file);

class FileWatch {
 public:
  explicit FileWatch(std::function<void(const std::vector<std::string>& files)> changed);
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  // The files to watch from now on, by their paths; changes so far of files that were watched before still count.
  void watch(const std::vector<std::string>& files);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace loom

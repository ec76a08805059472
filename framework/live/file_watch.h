// Notices that files have changed, once each is whole.
//
// Files are looked at every kPollSeconds (a watch over inotify would miss network file systems, and renames over
// files). One that differs is reported when it has stayed as it is for kSettleSeconds, a library also when its section
// table lies inside the file: a linker may stop in between. A library that stays cut off for kPatienceSeconds is
// reported nevertheless, so that somebody says so. Files that change together are reported together.
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

// Whether a library's file ends after its section table, as far as its header tells; true for what is no ELF file.
bool is_whole_library(const std::string& file);

class FileWatch {
 public:
  explicit FileWatch(std::function<void(const std::vector<std::string>& files)> changed);
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  // The files from now on, by their paths; of those watched before, changes so far still count.
  void watch(const std::vector<std::string>& files);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace loom

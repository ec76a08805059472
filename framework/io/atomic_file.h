// Files that appear completely or not at all. A file is written under a temporary name in the same folder, synced and
// renamed, and the folder is synced, so neither a kill nor a full disk leaves a half-written file under the final
// name. A link is followed; a device or a pipe is written to directly.
//
// Errors: write_failed with the path and the system's reason; the temporary file is removed. Thread safety: one
// thread per object; the owner must prevent two writers of the same path (RunLock).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace loom {

class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();  // without commit() nothing is left behind
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }
  // Syncs and renames the file to its final name; an older file of that name is replaced atomically. Without `sync` it
  // survives a kill, but after a power cut its content may be missing.
  void commit(bool sync = true);

 private:
  [[noreturn]] void fail(std::string_view what, int reason);

  std::string path_;                // as given
  std::string target_, temporary_;  // the file behind it, and the name until commit(); none for a device
  int descriptor_ = -1;
};

void write_text_file(const std::string& path, std::string_view text);
// Throws Error(read_failed).
std::string read_text_file(const std::string& path);

// Gives `to` the content of `from`: a hard link if the file system supports them, otherwise a copy; atomic in both
// cases.
void link_or_copy(const std::string& from, const std::string& to);

// Removes the temporary files that a killed process left in this folder.
void remove_temporaries(const std::string& folder);

// Makes renames and removals in a folder survive a power cut.
void sync_folder(const std::string& folder);

}  // namespace loom

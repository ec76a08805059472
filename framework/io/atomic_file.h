// Files that appear whole or not at all: written under a temporary name in the same folder, synced, renamed, and the
// folder synced, so that neither a kill nor a full disk leaves a half-written file under the final name. A link is
// followed; a device or a pipe is written to as it stands.
//
// Errors: write_failed with the path and the system's reason; the temporary is removed. Thread safety: one thread per
// object; two writers of the same path must be kept apart by their owner (RunLock).
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
  // Syncs and gives the file its name; an older file of that name is replaced in the same instant.
  void commit();

 private:
  [[noreturn]] void fail(std::string_view what, int reason);

  std::string path_;                // as it was given
  std::string target_, temporary_;  // the file behind it, and the name until commit(); none for a device
  int descriptor_ = -1;
};

void write_text_file(const std::string& path, std::string_view text);
// Throws Error(read_failed).
std::string read_text_file(const std::string& path);

// Gives `to` the content of `from`: a hard link where the file system has them, else a copy; atomic either way.
void link_or_copy(const std::string& from, const std::string& to);

// Removes what a killed process left of AtomicFiles in this folder.
void remove_temporaries(const std::string& folder);

// Makes renames and removals in a folder survive a power cut.
void sync_folder(const std::string& folder);

}  // namespace loom

// The plugin libraries that a training job uses, each opened from a private copy.
//
// A mapped file must not be written to, and a file that is opened twice under one name is the same library twice.
// Therefore only copies in a temporary folder are opened, named by their number, and a candidate is the copy that was
// used in its trial. Copies are removed with the set that made them; an open library stays mapped while any of its
// node types, sessions or data sets exists. If no copy of a library can be opened (because it finds other libraries
// relative to its own file), the file itself is opened, and the library cannot be swapped.
//
// Thread safety: one thread, except open_generations(). Errors: those of load_plugin(); write_failed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "live/copy_folder.h"
#include "loom/plugin.h"

namespace loom {

struct LibraryFile {
  std::string file;    // the path that the user knows
  std::string opened;  // the path that is opened instead
};

class LibrarySet {
 public:
  explicit LibrarySet(const Registry& registry);  // its libraries, and copies of them
  LibrarySet(const LibrarySet&) = delete;
  LibrarySet& operator=(const LibrarySet&) = delete;

  std::vector<std::string> files() const;
  const std::vector<LibraryFile>& libraries() const { return libraries_; }

  // The set with new copies of `files`, which may be new libraries. They belong to the set only after keep().
  std::vector<LibraryFile> with_copies(const std::vector<std::string>& files);
  // Opens the changed libraries and takes the types of the others from `running`.
  std::unique_ptr<Registry> open(const std::vector<LibraryFile>& libraries, const Registry& running);
  // keep(): the candidate's libraries belong to the set from now on; drop(): they do not, and their copies are removed.
  void keep(std::vector<LibraryFile> libraries);
  void drop(const std::vector<LibraryFile>& libraries);

  // The number of opened copies that are still mapped.
  int open_generations() const;

 private:
  void remove_copies(const std::vector<LibraryFile>& of, const std::vector<LibraryFile>& but);

  CopyFolder folder_;
  std::vector<LibraryFile> libraries_;
  std::vector<std::weak_ptr<const void>> opened_;
};

// The same types, from copies of their libraries that nobody can write to: files that are removed once they are open.
std::unique_ptr<Registry> with_private_copies(const Registry& registry);

// Throws plugin_not_found or plugin_invalid for a file that is not a library or does not contain its whole section
// table: opening such a file can crash.
void check_library(const std::string& file);

// A registry of newly opened copies of these libraries. For a separate process: a trial.
std::unique_ptr<Registry> open_libraries(const std::vector<LibraryFile>& libraries);

}  // namespace loom

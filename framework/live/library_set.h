// The plugin libraries that a training uses, each opened from a private copy.
//
// A file that is mapped must not be written to, and a file that is opened twice under one name is the same library
// twice: so what is opened is a copy in a temporary folder, named by its number, and a candidate is the copy that its
// trial has seen. Copies are removed with the set that made them; what is open stays mapped while any node type,
// session or data set of it lives. A library of which no copy can be opened (it finds libraries of its own beside
// itself) is opened as it is; it can then not be swapped.
//
// Thread safety: one thread, but for open_generations(). Errors: those of load_plugin(); write_failed.
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
  std::string file;    // as the user knows it
  std::string opened;  // what is opened in its place
};

class LibrarySet {
 public:
  explicit LibrarySet(const Registry& registry);  // its libraries, and copies of them
  LibrarySet(const LibrarySet&) = delete;
  LibrarySet& operator=(const LibrarySet&) = delete;

  std::vector<std::string> files() const;
  const std::vector<LibraryFile>& libraries() const { return libraries_; }

  // The set with fresh copies of `files`, which may be new ones. Not the set's own before keep().
  std::vector<LibraryFile> with_copies(const std::vector<std::string>& files);
  // Opens the changed ones and takes the types of the others from `running`.
  std::unique_ptr<Registry> open(const std::vector<LibraryFile>& libraries, const Registry& running);
  // The candidate's libraries are the set's from now on; drop(): they are not, and their copies go.
  void keep(std::vector<LibraryFile> libraries);
  void drop(const std::vector<LibraryFile>& libraries);

  // How often libraries were opened here and are still mapped.
  int open_generations() const;

 private:
  void remove_copies(const std::vector<LibraryFile>& of, const std::vector<LibraryFile>& but);

  CopyFolder folder_;
  std::vector<LibraryFile> libraries_;
  std::vector<std::weak_ptr<const void>> opened_;
};

// The same types, of copies of their libraries that nobody can write to: files that are removed when they are open.
std::unique_ptr<Registry> with_private_copies(const Registry& registry);

// Throws plugin_not_found or plugin_invalid for what is no library, or ends before its section table: opening such a
// file can crash.
void check_library(const std::string& file);

// A registry of these libraries, opened anew. For a process of its own: a trial.
std::unique_ptr<Registry> open_libraries(const std::vector<LibraryFile>& libraries);

}  // namespace loom

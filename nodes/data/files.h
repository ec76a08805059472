// Folders of files that make a data set: listing them, hashing their contents.
//
// Thread safety: free functions without state.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "loom/dataset.h"

namespace loom {

// How many files of other kinds a folder has, by ending in small letters: ".txt".
using LeftOut = std::map<std::string, std::int64_t>;

// Paths of the files below `folder`, recursively, sorted, whose names end in one of `endings` (".png"; the case of
// letters does not matter). Hidden files and folders, whose names begin with a dot, and the files that Windows adds to
// folders (Thumbs.db, desktop.ini) count as absent. Throws data_not_found, or data_empty when there is none.
std::vector<std::string> list_files(const std::string& folder, const std::vector<std::string>& endings,
                                    LeftOut* left_out = nullptr);

// ASCII letters become small; others stay.
std::string lower_case(std::string text);

// A name that begins with a dot, or one of a file that Windows adds.
bool is_hidden_name(const std::string& name);

// "2 of 14 files were left out: 1 .heic, 1 .txt", or "" if nothing was. `taken` is the number of the others.
std::string left_out_notice(std::size_t taken, const LeftOut& left_out);

// Classes of items by name: number n is names[n].
struct Classes {
  std::vector<std::string> names;     // in alphabetical order
  std::vector<std::int32_t> numbers;  // of each item
  bool empty() const { return numbers.empty(); }
  Column column() const;  // "label"
};
// The class of each item by its name; empty if a name is "".
Classes numbered(const std::vector<std::string>& names);

// The names below `root`, a folder or the file itself, and all bytes of every file (file_digests.h).
void add_files(ContentHash& hash, const std::string& root, const std::vector<std::string>& files);
// The names, the sizes and both ends of every file: what the hashes of runs of format 1 are made of.
void add_ends_of_files(ContentHash& hash, const std::string& folder, const std::vector<std::string>& files);

}  // namespace loom

// Files in an archive (tar, also compressed; zip), read through libarchive without unpacking.
//
// The archive is mapped and walked through once, when it is opened. Files that are stored as they are (every file of a
// tar, and a zip's that are not compressed) are then read from their place; the others are decoded into memory at once, up
// to max_bytes in all, since no place in a compressed stream can be reached without what is before it.
//
// Ownership: the archive owns what bytes() shows. Thread safety: immutable after construction. Errors: data_not_found,
// data_empty, data_wrong_format, data_truncated and data_corrupt, with the name of the file in the archive.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "files.h"
#include "loom/dataset.h"

struct archive;
struct archive_entry;

namespace loom {

// The option max_bytes of data sets that read archives.
void declare_archive(Contract& c);

class Archive {
 public:
  // Whether the path has the ending of an archive (.tar, .zip, .tar.gz, .tgz, .tar.bz2, .tar.xz, .tar.zst) and is no
  // folder.
  static bool is_one(const std::string& path);

  // Its files whose names end in one of `endings`, as list_files takes them. `max_bytes`: of all that are decoded.
  Archive(const std::string& path, const std::vector<std::string>& endings, std::int64_t max_bytes);

  // "photos.tar/cats/1.png", sorted.
  const std::vector<std::string>& paths() const { return paths_; }
  // What the names of the files are relative to: the archive, or a folder in it that holds everything, if that has
  // folders in it or the archive's name.
  const std::string& root() const { return root_; }
  std::span<const std::byte> bytes(const std::string& path) const { return files_.at(path); }
  const LeftOut& left_out() const { return left_out_; }
  void add_to(ContentHash& hash) const;  // the names below the root, and all bytes of the archive

 private:
  void add(archive* reader, archive_entry* entry, const std::vector<std::string>& endings);
  // `announced`: the size that the archive gives, 0 if it gives none.
  std::span<const std::byte> content(archive* reader, std::size_t announced, const std::string& name);
  [[noreturn]] void refuse_to_decode(const std::string& name) const;
  void find_root();
  [[noreturn]] void fail(archive* reader, const std::string& name) const;

  std::string path_, root_;
  MappedFile file_;
  std::map<std::string, std::span<const std::byte>> files_;
  std::vector<std::string> paths_;
  std::deque<std::vector<std::byte>> decoded_;
  std::size_t decoded_bytes_ = 0, max_bytes_;
  LeftOut left_out_;
};

// The bytes of a file in an archive; for a null archive, a span without data: the file is on the disk.
std::span<const std::byte> bytes_in(const std::shared_ptr<const Archive>& archive, const std::string& path);

}  // namespace loom

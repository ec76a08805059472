// Arrays that grow batch by batch, and the files that an .npz archive is put together from.
//
// Thread safety: one thread per object. Errors: write_failed; nothing is left behind.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "io/atomic_file.h"
#include "io/npy.h"
#include "io/npz.h"
#include "loom/tensor.h"

namespace loom::runner {

// A .npy file of the values in the order in which they are added; it appears with commit().
class ArrayFile {
 public:
  ArrayFile(const std::string& path, DType dtype, const Shape& shape) : file_(path) {
    file_.write(npy_header(dtype, shape));
  }
  void add(const TensorView& rows) { file_.write({static_cast<const std::byte*>(rows.raw()), rows.bytes()}); }
  void commit() { file_.commit(); }

 private:
  AtomicFile file_;
};

// Temporary .npy files next to an archive; they are removed in any case.
class ArchiveParts {
 public:
  explicit ArchiveParts(std::string archive) : archive_(std::move(archive)) {}
  ArchiveParts(const ArchiveParts&) = delete;
  ArchiveParts& operator=(const ArchiveParts&) = delete;
  ~ArchiveParts() {
    std::error_code ignored;
    for (const auto& [name, file] : names_and_files_) std::filesystem::remove(file, ignored);
  }

  // The file to write an array of this name to.
  std::string add(const std::string& name) {
    return names_and_files_.emplace_back(name, fmt::format("{}.{}.tmp", archive_, names_and_files_.size())).second;
  }
  void write() const { write_npz(archive_, names_and_files_); }

 private:
  std::string archive_;
  std::vector<std::pair<std::string, std::string>> names_and_files_;
};

}  // namespace loom::runner

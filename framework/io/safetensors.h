// The safetensors format: a length, a JSON header, and the tensors' bytes one after another.
//
// Files written here also have the metadata "checksum": "crc32:xxxxxxxx", the CRC-32 (zlib's) of every byte of the
// file with these eight digits as zeros. It detects any changed byte, in the header too. Other readers see plain
// safetensors.
//
// Ownership: a SafetensorsFile owns its open file; tensors are read on demand, never all at once. Thread safety: const
// methods may be called from many threads. Errors: checkpoint_corrupt with the byte offset, what was found and what was
// expected; read_failed if the file cannot be opened; write_failed.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "loom/tensor.h"

namespace loom {

using TextMap = std::map<std::string, std::string>;

struct NamedTensor {
  std::string name;
  TensorView view;
};

// Writes atomically (atomic_file.h), sorted by name. Names must differ; "checksum" in `metadata` is overwritten. `sync`:
// see AtomicFile::commit().
void write_safetensors(const std::string& path, std::span<const NamedTensor> tensors, TextMap metadata = {},
                       bool sync = true);

class SafetensorsFile {
 public:
  struct Entry {
    std::string dtype;  // as the format spells it: "F32"
    std::vector<std::int64_t> extents;
    std::uint64_t begin = 0, end = 0;  // bytes within the data section
    std::string text() const;          // "F32 [3, 4]"
  };

  // Reads and checks the header: sizes, ranges, no overlap, no hole, nothing after the last tensor.
  explicit SafetensorsFile(std::string path);
  ~SafetensorsFile();
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;

  const std::string& path() const { return path_; }
  const std::map<std::string, Entry>& entries() const { return entries_; }
  const TextMap& metadata() const { return metadata_; }
  bool has_checksum() const { return metadata_.count("checksum") > 0; }
  // Reads the whole file once and compares its checksum. Without a checksum, a file of ours is corrupt; others are
  // accepted.
  void verify() const;
  // Whether the tensor's extents are those of `shape`.
  bool has_shape(const std::string& name, const Shape& shape) const;
  // Copies a tensor out; F64, F16 and BF16 become f32 and I64 becomes i32. Throws Error(checkpoint_mismatch) if the
  // name, the shape or the dtype does not fit.
  void read(const std::string& name, const TensorView& out) const;
  Tensor read(const std::string& name) const;  // as f32, i32 or u8

 private:
  void read_header();
  void parse_header(const std::string& header);
  void check_coverage() const;
  void read_bytes(std::uint64_t offset, std::span<std::byte> out) const;  // offset in the file
  [[noreturn]] void corrupt(std::string message, std::uint64_t offset, std::string got = "",
                            std::string expected = "") const;

  std::string path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;         // bytes of the file
  std::uint64_t data_start_ = 0;   // offset of the data section
  std::uint64_t checksum_at_ = 0;  // offset of the eight digits; 0: none
  std::map<std::string, Entry> entries_;
  TextMap metadata_;
};

}  // namespace loom

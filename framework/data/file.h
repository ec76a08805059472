// Reading files of values: whole, decompressed, or mapped; with errors that name the file, the byte, what was got and
// what was expected.
//
// Thread safety: free functions keep no state; a MappedFile may be read from many threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"

namespace loom::data {

inline constexpr std::int64_t kNoOffset = -1;

// "mnist/train-images, byte 4: message (got ..., expected ...)".
Error file_error(ErrorCode code, const std::string& file, std::int64_t offset, const std::string& message,
                 std::string got = "", std::string expected = "");

// Throws Error(data_not_found) with the nearest name in the same folder when nothing is there.
void require_exists(const std::string& path);
bool is_folder(const std::string& path);
bool is_file(const std::string& path);

// The whole file, decompressed where it starts as gzip does. Throws data_not_found, data_empty, data_truncated (a gzip
// stream that ends early), data_corrupt (a gzip stream that is damaged) or read_failed.
std::vector<std::byte> read_whole(const std::string& path);

// A file mapped for reading: the system reads the pages that are touched, and drops them when memory is short.
class MappedFile {
 public:
  MappedFile() = default;
  explicit MappedFile(const std::string& path);  // throws data_not_found, data_empty, read_failed
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace loom::data

#include "loom/dataset.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>

namespace loom {
namespace fs = std::filesystem;

Error file_error(ErrorCode code, const std::string& file, std::int64_t offset, const std::string& message,
                 std::string got, std::string expected) {
  Diagnostic finding;
  finding.code = code;
  finding.message = offset == kNoOffset ? fmt::format("{}: {}", file, message)
                                        : fmt::format("{}, byte {}: {}", file, offset, message);
  finding.got = std::move(got);
  finding.expected = std::move(expected);
  return Error(std::move(finding));
}

void require_exists(const std::string& path) {
  std::error_code failure;
  if (fs::exists(path, failure)) return;
  Diagnostic finding;
  finding.code = ErrorCode::data_not_found;
  finding.message = fmt::format("{}: there is no such file or folder", path);
  fs::path whole(path);
  if (!whole.has_filename()) whole = whole.parent_path();
  const fs::path folder = whole.has_parent_path() ? whole.parent_path() : fs::path(".");
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder, failure)) names.push_back(entry.path().filename().string());
  finding.suggestion = nearest_name(whole.filename().string(), names);
  if (!fs::exists(folder, failure)) finding.hint = fmt::format("the folder {} does not exist either", folder.string());
  throw Error(std::move(finding));
}

bool is_folder(const std::string& path) {
  std::error_code failure;
  return fs::is_directory(path, failure);
}

bool is_file(const std::string& path) {
  std::error_code failure;
  return fs::is_regular_file(path, failure);
}

namespace {

std::vector<std::byte> inflate_whole(const std::string& path, std::span<const std::byte> packed) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK)
    throw Error(ErrorCode::out_of_memory, fmt::format("{}: gzip cannot start", path));
  const std::unique_ptr<z_stream, void (*)(z_stream*)> end(&stream, [](z_stream* s) { inflateEnd(s); });
  std::vector<std::byte> plain;
  std::vector<Bytef> piece(1 << 18);
  std::size_t taken = 0;
  int state = Z_OK;
  while (state != Z_STREAM_END || taken < packed.size()) {
    if (state == Z_STREAM_END && inflateReset(&stream) != Z_OK) break;  // several gzip members in a row are one file
    const std::size_t given = std::min<std::size_t>(packed.size() - taken, 1 << 20);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data() + taken));
    stream.avail_in = static_cast<uInt>(given);
    stream.next_out = piece.data();
    stream.avail_out = static_cast<uInt>(piece.size());
    state = inflate(&stream, Z_NO_FLUSH);
    taken += given - stream.avail_in;
    const std::size_t made = piece.size() - stream.avail_out;
    plain.insert(plain.end(), reinterpret_cast<std::byte*>(piece.data()),
                 reinterpret_cast<std::byte*>(piece.data()) + made);
    const auto at = static_cast<std::int64_t>(taken);
    if (state == Z_BUF_ERROR || (state == Z_OK && taken == packed.size() && made == 0)) {
      throw file_error(ErrorCode::data_truncated, path, at, "the gzip stream ends early",
                       fmt::format("{} bytes", packed.size()), "the end of the stream");
    }
    if (state != Z_OK && state != Z_STREAM_END) {
      throw file_error(ErrorCode::data_corrupt, path, at, "the gzip stream is damaged",
                       stream.msg != nullptr ? stream.msg : "", "a stream that agrees with its checksum");
    }
  }
  return plain;
}

std::vector<std::byte> read_raw(const std::string& path) {
  require_exists(path);
  if (is_folder(path))
    throw file_error(ErrorCode::data_wrong_format, path, kNoOffset, "this is a folder", "a folder", "a file");
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw file_error(ErrorCode::read_failed, path, kNoOffset, std::strerror(errno));
  std::vector<std::byte> bytes(static_cast<std::size_t>(file.tellg()));
  file.seekg(0).read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file)
    throw file_error(ErrorCode::read_failed, path, static_cast<std::int64_t>(file.gcount()), std::strerror(errno));
  return bytes;
}

}  // namespace

std::vector<std::byte> read_whole(const std::string& path) {
  std::vector<std::byte> bytes = read_raw(path);
  if (bytes.size() >= 2 && bytes[0] == std::byte{0x1F} && bytes[1] == std::byte{0x8B})
    bytes = inflate_whole(path, bytes);
  if (bytes.empty()) throw file_error(ErrorCode::data_empty, path, 0, "the file is empty");
  return bytes;
}

MappedFile::MappedFile(const std::string& path) {
  require_exists(path);
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw file_error(ErrorCode::read_failed, path, kNoOffset, std::strerror(errno));
  const std::unique_ptr<const int, void (*)(const int*)> closing(&file, [](const int* f) { ::close(*f); });
  struct stat status {};
  if (::fstat(file, &status) != 0) throw file_error(ErrorCode::read_failed, path, kNoOffset, std::strerror(errno));
  if (S_ISDIR(status.st_mode))
    throw file_error(ErrorCode::data_wrong_format, path, kNoOffset, "this is a folder", "a folder", "a file");
  if (status.st_size == 0) throw file_error(ErrorCode::data_empty, path, 0, "the file is empty");
  void* memory = ::mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_PRIVATE, file, 0);
  if (memory == MAP_FAILED) throw file_error(ErrorCode::read_failed, path, kNoOffset, std::strerror(errno));
  data_ = static_cast<const std::byte*>(memory);
  size_ = static_cast<std::size_t>(status.st_size);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace loom

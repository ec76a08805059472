#include "io/npz.h"

#include <fmt/format.h>
#include <zip.h>

#include <filesystem>

#include "io/npy.h"
#include "loom/dataset.h"

namespace loom {
namespace {

using Member = std::unique_ptr<zip_file_t, decltype([](zip_file_t* file) { zip_fclose(file); })>;

// Deflate compresses at most about 1:1032: do not allocate memory for a larger declared size.
bool is_plausible(const zip_stat_t& status, std::uint64_t file_size) {
  return status.comp_size <= file_size && status.size <= status.comp_size * 1100 + 1000;
}

zip_t* open_archive(const std::string& path) {
  require_exists(path);
  int code = 0;
  zip_t* archive = zip_open(path.c_str(), ZIP_RDONLY, &code);
  if (archive != nullptr) return archive;
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string reason = zip_error_strerror(&error);
  zip_error_fini(&error);
  throw file_error(ErrorCode::data_wrong_format, path, 0, "this is not a .npz archive", reason,
                   "a zip archive of .npy files");
}

}  // namespace

void NpzFile::Close::operator()(void* archive) const { zip_discard(static_cast<zip_t*>(archive)); }

NpzFile::NpzFile(const std::string& path) : path_(path), archive_(open_archive(path)) {
  auto* archive = static_cast<zip_t*>(archive_.get());
  for (zip_int64_t i = 0; i < zip_get_num_entries(archive, 0); ++i) {
    const std::string file = zip_get_name(archive, static_cast<zip_uint64_t>(i), 0);
    if (file.ends_with(".npy")) names_.push_back(file.substr(0, file.size() - 4));
  }
  if (names_.empty()) throw file_error(ErrorCode::data_empty, path, kNoOffset, "the archive has no array");
}

NpzFile::~NpzFile() = default;

std::vector<std::byte> NpzFile::read(const std::string& name) const {
  auto* archive = static_cast<zip_t*>(archive_.get());
  const std::string file = name + ".npy";
  zip_stat_t status;
  zip_stat_init(&status);
  const Member member(zip_fopen(archive, file.c_str(), 0));
  if (!member || zip_stat(archive, file.c_str(), 0, &status) != 0) {
    throw file_error(ErrorCode::data_corrupt, path_, kNoOffset, fmt::format("'{}' cannot be opened", file),
                     zip_strerror(archive));
  }
  if (!is_plausible(status, std::filesystem::file_size(path_))) {
    throw file_error(ErrorCode::data_corrupt, path_, kNoOffset, fmt::format("'{}' has an impossible size", file),
                     fmt::format("{} bytes from {}", status.size, status.comp_size));
  }
  std::vector<std::byte> bytes(status.size);
  zip_uint64_t taken = 0;
  while (taken < status.size) {
    const zip_int64_t got = zip_fread(member.get(), bytes.data() + taken, status.size - taken);
    if (got <= 0) {
      throw file_error(ErrorCode::data_corrupt, name_of(name), static_cast<std::int64_t>(taken),
                       "the packed bytes are damaged", zip_file_strerror(member.get()),
                       fmt::format("{} bytes that agree with their checksum", status.size));
    }
    taken += static_cast<zip_uint64_t>(got);
  }
  if (bytes.empty()) throw file_error(ErrorCode::data_empty, name_of(name), 0, "the array is empty");
  return bytes;
}

void write_npz(const std::string& path, const std::vector<std::pair<std::string, std::string>>& names_and_files) {
  const auto fail = [&](const char* reason) {
    return Error(ErrorCode::write_failed, fmt::format("{} cannot be written: {}", path, reason));
  };
  int code = 0;
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  if (archive == nullptr) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    throw fail(reason.c_str());
  }
  for (const auto& [name, file] : names_and_files) {
    zip_source_t* source = zip_source_file(archive, file.c_str(), 0, 0);
    const zip_int64_t index =
        source == nullptr ? -1 : zip_file_add(archive, (name + ".npy").c_str(), source, ZIP_FL_OVERWRITE);
    if (index < 0 || zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), ZIP_CM_STORE, 0) != 0) {
      const std::string reason = zip_strerror(archive);
      if (index < 0 && source != nullptr) zip_source_free(source);
      zip_discard(archive);
      throw fail(reason.c_str());
    }
  }
  if (zip_close(archive) == 0) return;  // writes under a temporary name, then renames
  const std::string reason = zip_strerror(archive);
  zip_discard(archive);
  throw fail(reason.c_str());
}

std::map<std::string, Tensor> read_npz(const std::string& path) {
  const NpzFile archive(path);
  std::map<std::string, Tensor> arrays;
  for (const std::string& name : archive.names())
    arrays.emplace(name, npy_tensor(archive.read(name), archive.name_of(name)));
  return arrays;
}

}  // namespace loom

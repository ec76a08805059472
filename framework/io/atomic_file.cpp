#include "io/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "loom/error.h"

namespace loom {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kTemporarySuffix = ".tmp";

std::string folder_of(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

std::string temporary_name(const std::string& path) {
  return fmt::format("{}.{}{}", path, ::getpid(), kTemporarySuffix);
}

[[noreturn]] void throw_write_failed(const std::string& path, std::string_view what, int reason) {
  Diagnostic finding;
  finding.code = ErrorCode::write_failed;
  finding.where = {path, 0, 0};
  finding.message = fmt::format("cannot {}: {}", what, std::generic_category().message(reason));
  if (reason == ENOSPC || reason == EDQUOT)
    finding.hint = "free some space on the disk and repeat the command; a run resumes with train --resume";
  throw Error(std::move(finding));
}

}  // namespace

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)), target_(path_) {
  struct stat found {};
  const bool exists = ::stat(path_.c_str(), &found) == 0;
  if (exists && S_ISDIR(found.st_mode)) throw_write_failed(path_, "write a file there", EISDIR);
  if (exists && !S_ISREG(found.st_mode)) {  // a device or a pipe: a rename would replace it by a file
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ < 0) throw_write_failed(path_, "open it", errno);
    return;
  }
  std::error_code ignored;
  if (exists && fs::is_symlink(path_, ignored)) target_ = fs::canonical(path_);  // the link is kept
  temporary_ = temporary_name(target_);
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw_write_failed(path_, "create a file there", errno);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::fail(std::string_view what, int reason) {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  throw_write_failed(path_, what, reason);
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("write", written < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::commit(bool sync) {
  const bool is_file = !temporary_.empty();
  if (is_file && sync && ::fsync(descriptor_) != 0) fail("sync", errno);
  const int descriptor = descriptor_;
  descriptor_ = -1;
  if (::close(descriptor) != 0) fail("close", errno);
  if (!is_file) return;
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail("rename the finished file", errno);
  if (sync) sync_folder(folder_of(target_));
}

void write_text_file(const std::string& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

std::string read_text_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file) {
    Diagnostic finding;
    finding.code = ErrorCode::read_failed;
    finding.where = {path, 0, 0};
    finding.message = fmt::format("cannot read: {}", std::generic_category().message(errno));
    throw Error(std::move(finding));
  }
  return std::move(text).str();
}

void link_or_copy(const std::string& from, const std::string& to) {
  const std::string temporary = temporary_name(to);
  ::unlink(temporary.c_str());
  if (::link(from.c_str(), temporary.c_str()) == 0) {
    if (::rename(temporary.c_str(), to.c_str()) != 0) {
      const int reason = errno;
      ::unlink(temporary.c_str());
      throw_write_failed(to, "rename the link", reason);
    }
    ::unlink(temporary.c_str());  // rename does nothing if both names are already the same file
    sync_folder(folder_of(to));
    return;
  }
  write_text_file(to, read_text_file(from));
}

void remove_temporaries(const std::string& folder) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == kTemporarySuffix) fs::remove(entry.path(), ignored);
  }
}

void sync_folder(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) throw_write_failed(folder, "open the folder", errno);
  const int result = ::fsync(descriptor);
  const int reason = errno;
  ::close(descriptor);
  // Some file systems report that they cannot sync a folder; nothing more can be done on them.
  if (result != 0 && reason != EINVAL && reason != ENOTSUP) throw_write_failed(folder, "sync the folder", reason);
}

}  // namespace loom

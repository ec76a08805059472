#include "live/copy_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

#include "loom/error.h"

namespace loom {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kName = "latentloom-plugins-", kUnlocked = "latentloom-begun-";

// A descriptor that holds the lock of a folder, or -1.
int lock_of(const std::string& folder, int flags) {
  const int descriptor = ::open((folder + "/owner").c_str(), O_RDWR | O_CLOEXEC | flags, 0600);
  if (descriptor < 0 || ::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return descriptor;
  ::close(descriptor);
  return -1;
}

void remove_abandoned(const fs::path& temporary) {
  std::error_code ignored;
  std::vector<std::string> folders;
  for (const fs::directory_entry& entry : fs::directory_iterator(temporary, ignored)) {
    if (entry.path().filename().string().starts_with(kName)) folders.push_back(entry.path());
  }
  for (const std::string& folder : folders) {
    const int lock = lock_of(folder, 0);
    if (lock < 0) continue;  // in use, or of another user
    fs::remove_all(folder, ignored);
    ::close(lock);
  }
}

}  // namespace

CopyFolder::CopyFolder() {
  std::error_code problem;
  const fs::path temporary = fs::temp_directory_path(problem);
  if (problem) return;
  remove_abandoned(temporary);
  // Gets its name only after it is locked: otherwise another process could consider it abandoned.
  std::string begun = (temporary / fmt::format("{}XXXXXX", kUnlocked)).string();
  if (::mkdtemp(begun.data()) == nullptr) return;
  lock_ = lock_of(begun, O_CREAT);
  const std::string name = (temporary / fmt::format("{}{}", kName, begun.substr(begun.size() - 6))).string();
  if (lock_ >= 0) fs::rename(begun, name, problem);
  path_ = lock_ >= 0 && !problem ? name : begun;
}

CopyFolder::~CopyFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
  if (lock_ >= 0) ::close(lock_);
}

std::string CopyFolder::copy(const std::string& file) {
  const std::string copied = fmt::format("{}/{}-{}", path_, ++copies_, fs::path(file).filename().string());
  std::error_code problem = std::make_error_code(std::errc::no_such_file_or_directory);
  if (!path_.empty()) fs::copy_file(file, copied, problem);
  if (problem)
    throw Error(ErrorCode::write_failed, fmt::format("cannot copy {} to {}: {}", file, copied, problem.message()));
  return copied;
}

}  // namespace loom

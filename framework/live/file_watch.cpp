#include "live/file_watch.h"

#include <elf.h>
#include <sys/stat.h>

#include <chrono>
#include <condition_variable>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include "core/clock.h"

namespace loom {
namespace {

// The result of stat for a file's content; all zeros if there is no file.
struct Stamp {
  std::uint64_t inode = 0, size = 0;
  std::int64_t seconds = 0, nanoseconds = 0;
  bool operator==(const Stamp&) const = default;
  bool exists() const { return *this != Stamp(); }
};

Stamp stamp_of(const std::string& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return {};
  return {status.st_ino, static_cast<std::uint64_t>(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

struct Watched {
  Stamp known, seen;  // when last reported; when last checked
  double since = 0;   // when `seen` was first seen
};

}  // namespace

bool is_whole_library(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  Elf64_Ehdr header{};
  stream.read(reinterpret_cast<char*>(&header), sizeof header);
  if (stream.gcount() == 0 || header.e_ident[0] == 0) return false;  // a linker fills it in
  if (stream.gcount() < SELFMAG || std::string_view(reinterpret_cast<char*>(header.e_ident), SELFMAG) != ELFMAG)
    return true;
  if (stream.gcount() < static_cast<std::streamsize>(sizeof header)) return false;
  const std::uint64_t end = header.e_shoff + std::uint64_t{header.e_shnum} * header.e_shentsize;
  return header.e_shoff != 0 && end <= stamp_of(file).size;
}

class FileWatch::Impl {
 public:
  explicit Impl(std::function<void(const std::vector<std::string>&)> changed)
      : changed_(std::move(changed)), thread_([this] { work(); }) {}

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

  void watch(const std::vector<std::string>& files) {
    const std::lock_guard lock(mutex_);
    std::map<std::string, Watched> next;
    for (const std::string& file : files) {
      const auto it = files_.find(file);
      const Stamp now = stamp_of(file);
      next[file] = it != files_.end() ? it->second : Watched{now, now, clock_.seconds()};
    }
    files_ = std::move(next);
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, std::chrono::duration<double>(kPollSeconds), [this] { return stopping_; })) {
      const std::vector<std::string> files = settled();
      if (files.empty()) continue;
      lock.unlock();
      changed_(files);
      lock.lock();
    }
  }

  // The changed files, once none of them is still changing.
  std::vector<std::string> settled() {
    std::vector<std::string> files;
    const double now = clock_.seconds();
    for (auto& [file, watched] : files_) {
      const Stamp stamp = stamp_of(file);
      if (!(stamp == watched.seen)) {
        watched.seen = stamp;
        watched.since = now;
      }
      if (stamp == watched.known || !stamp.exists()) continue;  // a missing file is about to be replaced
      const double rest = now - watched.since;
      if (rest < kSettleSeconds || (rest < kPatienceSeconds && !is_whole_library(file))) return {};
      files.push_back(file);
    }
    for (const std::string& file : files) files_[file].known = files_[file].seen;
    return files;
  }

  std::function<void(const std::vector<std::string>&)> changed_;
  Stopwatch clock_;
  std::mutex mutex_;  // guards the members below
  std::condition_variable wake_;
  std::map<std::string, Watched> files_;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses the other members
};

FileWatch::FileWatch(std::function<void(const std::vector<std::string>& files)> changed)
    : impl_(std::make_unique<Impl>(std::move(changed))) {}
FileWatch::~FileWatch() = default;
void FileWatch::watch(const std::vector<std::string>& files) { impl_->watch(files); }

}  // namespace loom

#include "file_digests.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <unordered_map>

#include "io/atomic_file.h"
#include "loom/dataset.h"
#include "parallel.h"

namespace loom {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFormat = "latentloom digests 1";
constexpr std::int64_t kWorthKeeping = std::int64_t{16} << 20U;  // bytes; fewer are read within milliseconds
constexpr std::int64_t kSettled = 2'000'000'000;                 // ns since the last change
constexpr std::chrono::hours kUnused{24 * 90};

// What tells whether a file is the one whose digest is known.
struct Stamp {
  std::int64_t bytes = 0, changed = 0;  // changed: ns since 1970
  bool operator==(const Stamp&) const = default;
};
struct Known {
  Stamp stamp;
  std::uint64_t digest = 0;
};
using KnownFiles = std::unordered_map<std::string, Known>;

Error unreadable(const std::string& file) {
  return file_error(ErrorCode::read_failed, file, kNoOffset, "the file cannot be read");
}

Stamp stamp_of(const std::string& file) {
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0) throw unreadable(file);
  return {static_cast<std::int64_t>(found.st_size),
          static_cast<std::int64_t>(found.st_mtim.tv_sec) * 1'000'000'000 + found.st_mtim.tv_nsec};
}

std::uint64_t digest_of(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(), XXH3_freeState);
  if (!stream || !state || XXH3_64bits_reset(state.get()) != XXH_OK) throw unreadable(file);
  std::vector<char> block(std::size_t{1} << 18U);
  while (stream) {
    stream.read(block.data(), static_cast<std::streamsize>(block.size()));
    XXH3_64bits_update(state.get(), block.data(), static_cast<std::size_t>(stream.gcount()));
  }
  if (!stream.eof()) throw unreadable(file);
  return XXH3_64bits_digest(state.get());
}

// The cache file of a data set; "" where there is no such folder.
std::string cache_file(const std::string& root) {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  fs::path folder;
  if (cache != nullptr && fs::path(cache).is_absolute())
    folder = cache;
  else if (home != nullptr && fs::path(home).is_absolute())
    folder = fs::path(home) / ".cache";
  else
    return "";
  std::error_code failed;
  const std::string name = fs::absolute(root, failed).lexically_normal().string();
  return folder / "latentloom" / "digests" / fmt::format("{:016x}", XXH3_64bits(name.data(), name.size()));
}

template <class Number>
bool take_number(std::string_view& line, Number& number, int base = 10) {
  const auto [end, failed] = std::from_chars(line.data(), line.data() + line.size(), number, base);
  if (failed != std::errc() || end == line.data() + line.size() || *end != ' ') return false;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()) + 1);
  return true;
}

// Lines of "digest bytes changed path". A damaged line counts as absent.
KnownFiles read_known(const std::string& path) {
  KnownFiles known;
  std::ifstream stream(path, std::ios::binary);
  std::string line;
  if (!std::getline(stream, line) || line != kFormat) return known;
  while (std::getline(stream, line)) {
    std::string_view rest = line;
    Known file;
    if (take_number(rest, file.digest, 16) && take_number(rest, file.stamp.bytes) &&
        take_number(rest, file.stamp.changed))
      known.insert_or_assign(std::string(rest), file);
  }
  return known;
}

void remove_unused(const fs::path& folder) {
  std::error_code failed;
  const auto now = fs::file_time_type::clock::now();
  for (const auto& entry : fs::directory_iterator(folder, failed)) {
    const auto used = entry.last_write_time(failed);
    if (!failed && now - used > kUnused) fs::remove(entry.path(), failed);
  }
}

std::int64_t nanoseconds_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

// `names`: of the files, below the root. `begin`: when the first was read. A failure is not an error: the files are read
// again the next time.
void write_known(const std::string& path, const std::vector<std::string>& names, const std::vector<Known>& found,
                 std::int64_t begin) {
  std::string text = fmt::format("{}\n", kFormat);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Known& file = found[i];
    if (begin - file.stamp.changed < kSettled || names[i].find('\n') != std::string::npos) continue;
    text += fmt::format("{:016x} {} {} {}\n", file.digest, file.stamp.bytes, file.stamp.changed, names[i]);
  }
  const fs::path folder = fs::path(path).parent_path();
  std::error_code failed;
  fs::create_directories(folder, failed);
  try {
    write_text_file(path, text);
  } catch (const Error&) {
    return;
  }
  remove_unused(folder);
}

}  // namespace

std::vector<std::uint64_t> file_digests(const std::string& root, const std::vector<std::string>& files) {
  const std::int64_t begin = nanoseconds_now();
  const std::string path = cache_file(root);
  const KnownFiles known = path.empty() ? KnownFiles() : read_known(path);
  std::vector<std::string> names;
  for (const std::string& file : files) names.push_back(file.starts_with(root) ? file.substr(root.size()) : file);
  std::vector<Known> found(files.size());
  std::atomic<std::size_t> read{0};
  in_parallel(files.size(), [&](std::size_t i) {
    found[i].stamp = stamp_of(files[i]);
    const auto before = known.find(names[i]);
    const bool same = before != known.end() && before->second.stamp == found[i].stamp;
    found[i].digest = same ? before->second.digest : digest_of(files[i]);
    if (!same) ++read;
  });
  std::int64_t bytes = 0;
  std::vector<std::uint64_t> digests;
  for (const Known& file : found) {
    bytes += file.stamp.bytes;
    digests.push_back(file.digest);
  }
  if (path.empty() || bytes <= kWorthKeeping) return digests;
  std::error_code failed;
  if (read > 0)
    write_known(path, names, found, begin);
  else
    fs::last_write_time(path, fs::file_time_type::clock::now(), failed);  // it is in use
  return digests;
}

}  // namespace loom

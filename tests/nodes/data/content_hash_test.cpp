// The hash of files: all bytes count, digests are kept for unchanged files only, and what earlier versions gave.
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "nodes/data/data_checks.h"
#include "nodes/data/sound_writer.h"

using namespace loom;
using namespace loom::check;

namespace fs = std::filesystem;

namespace {

// The user's cache folder, for the time of a test.
class CacheFolder {
 public:
  CacheFolder() {
    if (const char* before = std::getenv(kName)) before_ = before;
    setenv(kName, folder_.path().c_str(), 1);
  }
  ~CacheFolder() { before_.empty() ? unsetenv(kName) : setenv(kName, before_.c_str(), 1); }
  CacheFolder(const CacheFolder&) = delete;
  CacheFolder& operator=(const CacheFolder&) = delete;

  std::vector<std::string> files() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path()))
      if (entry.is_regular_file()) found.push_back(entry.path().string());
    return found;
  }

 private:
  static constexpr const char* kName = "XDG_CACHE_HOME";
  ScratchFolder folder_;
  std::string before_;
};

// `count` bytes whose middle one is `middle`, as if written `seconds` ago.
void write_middle(const std::string& path, std::size_t count, char middle, int seconds) {
  std::string bytes(count, 'a');
  bytes[count / 2] = middle;
  write_bytes(path, bytes);
  fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::seconds(seconds));
}

std::string hash_of_text(const std::string& path) {
  return open_data("text", {{"path", path}, {"tokens", "bytes"}, {"length", 1 << 20}, {"split", "all"}}).hash();
}

constexpr std::size_t kSmall = std::size_t{2} << 20U, kLarge = std::size_t{20} << 20U;

}  // namespace

BOOST_AUTO_TEST_SUITE(content_hash)

BOOST_AUTO_TEST_CASE(a_byte_in_the_middle_counts) {
  const ScratchFolder folder;
  const std::string file = folder.file("a.wav");
  std::string before;
  for (const int value : {1, 2}) {
    write_sound(file, 100000, 1, [&](int i, int) { return i == 50000 ? 0.001F * static_cast<float>(value) : 0.0F; });
    const std::string hash = open_data("audio", {{"path", file}, {"length", 1000}, {"split", "all"}}).hash();
    BOOST_TEST(hash != before);
    before = hash;
  }
}

BOOST_AUTO_TEST_CASE(digests_of_large_files_are_kept) {
  const CacheFolder cache;
  const ScratchFolder folder;
  const std::string file = folder.file("a.txt");
  write_middle(file, kLarge, 'b', 60);
  const std::string first = hash_of_text(file);
  BOOST_REQUIRE(cache.files().size() == 1U);
  const std::string kept = read_bytes(cache.files()[0]);
  BOOST_TEST(kept.starts_with("latentloom digests 1\n"));
  BOOST_TEST(hash_of_text(file) == first);
  // The kept digest is what is used while size and time stand: another one in its place gives another hash.
  const std::size_t line = kept.find('\n') + 1;
  write_bytes(cache.files()[0], kept.substr(0, line) + "0123456789abcdef" + kept.substr(line + 16));
  BOOST_TEST(hash_of_text(file) != first);
  write_middle(file, kLarge, 'b', 30);  // another time: it is read again
  BOOST_TEST(hash_of_text(file) == first);
  write_bytes(cache.files()[0], "latentloom digests 1\nnot a digest\n");
  BOOST_TEST(hash_of_text(file) == first);
  write_middle(file, kLarge, 'c', 20);
  BOOST_TEST(hash_of_text(file) != first);
}

BOOST_AUTO_TEST_CASE(what_could_change_unseen_is_not_kept) {
  const CacheFolder cache;
  const ScratchFolder folder;
  const std::string file = folder.file("a.txt");
  write_middle(file, kSmall, 'b', 60);
  hash_of_text(file);
  BOOST_TEST(cache.files().size() == 0U);  // small data are read within milliseconds
  write_middle(file, kLarge, 'b', 0);
  const std::string first = hash_of_text(file);
  for (const std::string& kept : cache.files()) BOOST_TEST(read_bytes(kept) == "latentloom digests 1\n");
  write_middle(file, kLarge, 'c', 0);
  BOOST_TEST(hash_of_text(file) != first);
}

BOOST_AUTO_TEST_CASE(a_cache_that_cannot_be_written_is_done_without) {
  const ScratchFolder folder;
  write_bytes(folder.file("cache"), "a file, where a folder should be");
  setenv("XDG_CACHE_HOME", folder.file("cache").c_str(), 1);
  write_middle(folder.file("a.txt"), kLarge, 'b', 60);
  BOOST_TEST(hash_of_text(folder.file("a.txt")) == hash_of_text(folder.file("a.txt")));
  unsetenv("XDG_CACHE_HOME");
}

// The hashes of the first versions, as they are in checkpoints: both were printed by the program of that time.
BOOST_AUTO_TEST_CASE(earlier_hashes) {
  const std::string data = LOOM_SOURCE_DIR "/tests/golden/format-1-data";
  BOOST_TEST(open_data("npy", {{"path", data + "/x.npy"}, {"split", "train"}}).earlier_hash() == "3fa0a5e439e59f91");
  BOOST_TEST(open_data("images", {{"path", data + "/images"}, {"size", 8}, {"split", "train"}}).earlier_hash() ==
             "63ac5db3fcbf6cd9");
  const DataSource sprites = open_data("sprites", {{"count", 10}});
  BOOST_TEST(sprites.earlier_hash() == sprites.hash());
}

BOOST_AUTO_TEST_SUITE_END()

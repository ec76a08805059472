// Files that change, at once or by and by, and libraries that are not whole.
#include "live/file_watch.h"

#include <boost/test/unit_test.hpp>

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>

#include "plugin/loader.h"
#include "train/scratch_folder.h"

using namespace loom;
using namespace loom::check;

namespace {

// What a watch has reported.
class Reports {
 public:
  void add(const std::vector<std::string>& files) {
    const std::lock_guard lock(mutex_);
    reports_.push_back(files);
    changed_.notify_all();
  }
  // The report number `index`, waited for; empty where none comes.
  std::vector<std::string> wait(std::size_t index, double seconds = 10) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return reports_.size() > index; });
    return reports_.size() > index ? reports_[index] : std::vector<std::string>();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::vector<std::string>> reports_;
};

void write(const std::string& file, const std::string& text) { std::ofstream(file) << text; }

}  // namespace

BOOST_AUTO_TEST_SUITE(file_watch)

BOOST_AUTO_TEST_CASE(files_that_change_together_are_reported_together_and_once) {
  const ScratchFolder folder;
  const std::string a = folder.file("a.yaml"), b = folder.file("b.yaml");
  write(a, "1");
  write(b, "1");
  Reports reports;
  FileWatch watch([&](const std::vector<std::string>& files) { reports.add(files); });
  watch.watch({a, b});
  write(a, "22");
  write(b, "22");
  BOOST_TEST((reports.wait(0) == std::vector<std::string>{a, b}));
  BOOST_TEST(reports.wait(1, 0.5).empty());
  write(folder.file("next"), "333");
  std::filesystem::rename(folder.file("next"), b);  // as an editor or a linker does
  BOOST_TEST((reports.wait(1) == std::vector<std::string>{b}));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_still_being_written_is_waited_for) {
  const ScratchFolder folder;
  const std::string file = folder.file("a.yaml");
  write(file, "1");
  Reports reports;
  FileWatch watch([&](const std::vector<std::string>& files) { reports.add(files); });
  watch.watch({file});
  std::size_t reported_while_writing = 0;
  for (int i = 0; i < 8; ++i) {
    write(file, std::string(static_cast<std::size_t>(i) + 2, 'x'));
    reported_while_writing += reports.wait(0, 0.05).empty() ? 0 : 1;
  }
  BOOST_TEST(reported_while_writing == 0U);
  BOOST_TEST(!reports.wait(0).empty());
}

BOOST_AUTO_TEST_CASE(a_library_that_is_cut_off_is_not_whole) {
  const ScratchFolder folder;
  const std::string library = load_standard_registry()->node("linear")->library;
  std::ifstream stream(library, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
  BOOST_TEST(is_whole_library(library));
  for (const std::size_t size : {std::size_t{20}, std::size_t{5000}, bytes.size() - 1}) {
    write(folder.file("part.so"), bytes.substr(0, size));
    BOOST_TEST(!is_whole_library(folder.file("part.so")));
  }
  for (const std::string& begun : {std::string(), std::string(4096, '\0')}) {
    write(folder.file("begun.so"), begun);
    BOOST_TEST(!is_whole_library(folder.file("begun.so")));
  }
  write(folder.file("text.so"), "no library at all");
  BOOST_TEST(is_whole_library(folder.file("text.so")));  // the loader says what it is
}

BOOST_AUTO_TEST_SUITE_END()

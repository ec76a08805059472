#include "live/copy_folder.h"

#include <stdlib.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <memory>

#include "loom/error.h"
#include "train/scratch_folder.h"

using namespace loom;
namespace fs = std::filesystem;

namespace {

// A temporary folder of the test's own.
class Temporary {
 public:
  Temporary() : before_(fs::temp_directory_path()) { ::setenv("TMPDIR", folder_.path().c_str(), 1); }
  ~Temporary() { ::setenv("TMPDIR", before_.c_str(), 1); }
  fs::path operator/(const std::string& name) const { return fs::path(folder_.path()) / name; }
  bool is_empty() const { return fs::is_empty(folder_.path()); }

 private:
  std::string before_;
  check::ScratchFolder folder_;
};

void write(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }

}  // namespace

BOOST_AUTO_TEST_SUITE(copy_folder)

BOOST_AUTO_TEST_CASE(holds_copies_and_goes_with_its_owner) {
  const Temporary temporary;
  {
    CopyFolder folder;
    write(folder.path() + "/original", "text");
    const std::string one = folder.copy(folder.path() + "/original"), two = folder.copy(folder.path() + "/original");
    BOOST_TEST(one != two);
    BOOST_TEST(fs::file_size(two) == 4);
    BOOST_CHECK_EXCEPTION(folder.copy("/nowhere/at/all"), Error,
                          [](const Error& error) { return error.code() == ErrorCode::write_failed; });
  }
  BOOST_TEST(temporary.is_empty());
}

// A folder whose owner was killed has an `owner` that nobody locks.
BOOST_AUTO_TEST_CASE(removes_what_a_killed_owner_left) {
  const Temporary temporary;
  fs::create_directory(temporary / "latentloom-plugins-killed");
  write(temporary / "latentloom-plugins-killed/owner", "");
  write(temporary / "latentloom-plugins-killed/1-libacme.so", "bytes");
  fs::create_directory(temporary / "latentloom-plugins-other");  // has no owner: not one of ours
  auto first = std::make_unique<CopyFolder>();
  BOOST_TEST(!fs::exists(temporary / "latentloom-plugins-killed"));
  BOOST_TEST(fs::exists(temporary / "latentloom-plugins-other"));
  {
    const CopyFolder second;
    BOOST_TEST(fs::exists(first->path()));  // it lives
    BOOST_TEST(first->path() != second.path());
  }
  BOOST_TEST(fs::exists(first->path() + "/owner"));
}

BOOST_AUTO_TEST_SUITE_END()

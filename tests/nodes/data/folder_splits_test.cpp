// Splits by folders, by the path of the option test, and by a column: what is held out, and what is never on both sides.
#include <filesystem>
#include <set>

#include "nodes/data/data_checks.h"
#include "nodes/data/sound_writer.h"

using namespace loom;
using namespace loom::check;

namespace {

void write_text(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  write_bytes(path, text);
}

std::set<std::string> files_of(const DataSource& data) {
  std::set<std::string> names;
  for (std::int64_t i = 0; i < data.size(); ++i)
    names.insert(std::filesystem::path(data.origin(i).file).filename().string());
  return names;
}

using Names = std::set<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(folder_splits)

BOOST_AUTO_TEST_CASE(text_in_three_folders) {
  const ScratchFolder folder;
  write_text(folder.file("train/en/1.txt"), "aaaa");
  write_text(folder.file("train/de/2.txt"), "bbbb");
  write_text(folder.file("valid/en/3.txt"), "cccc");
  write_text(folder.file("test/de/4.txt"), "dddd");
  write_text(folder.file("notes/5.txt"), "eeee");
  const auto open = [&](const char* split) {
    return open_data("text", {{"path", folder.path()}, {"length", 2}, {"split", split}});
  };
  BOOST_TEST((files_of(open("train")) == Names{"1.txt", "2.txt"}));
  BOOST_TEST((files_of(open("validation")) == Names{"3.txt"}));
  BOOST_TEST((files_of(open("test")) == Names{"4.txt"}));
  BOOST_TEST((files_of(open("all")) == Names{"1.txt", "2.txt", "3.txt", "4.txt"}));
  BOOST_TEST(open("train").has_validation());
  BOOST_TEST(open("validation").split() == "validation");
  BOOST_TEST(mentions(open("train").notices(), "train/, valid/ and test/ are the splits"));
  BOOST_TEST(mentions(open("train").notices(), "1 text in notes/ was left out"));
  const Item held_out(open("test"), 0);  // de is 0 in every split, and d the fourth of four characters
  BOOST_TEST(held_out.integers(1)[0] == 0);
  BOOST_TEST((held_out.integers(0) == std::vector<std::int32_t>{3, 3}));
}

BOOST_AUTO_TEST_CASE(recordings_in_two_folders) {
  const ScratchFolder folder;
  for (const char* name : {"train/a/1.wav", "train/b/2.wav", "Test/b/3.wav"}) {
    std::filesystem::create_directories(std::filesystem::path(folder.file(name)).parent_path());
    write_sound(folder.file(name), 8, 1, ramp);
  }
  const auto open = [&](const char* split) {
    return open_data("audio", {{"path", folder.path()}, {"length", 4}, {"split", split}});
  };
  BOOST_TEST((files_of(open("train")) == Names{"1.wav", "2.wav"}));
  BOOST_TEST((files_of(open("test")) == Names{"3.wav"}));
  BOOST_TEST(open("train").size() == 4);
  BOOST_TEST(Item(open("test"), 0).integers(1)[0] == 1);
  BOOST_TEST(!open("train").has_validation());
  check_error(ErrorCode::data_specification, {"no split 'validation'", "option validation"},
              [&] { open("validation"); });
}

BOOST_AUTO_TEST_CASE(a_folder_of_its_own_is_test) {
  const ScratchFolder train, test;
  for (int i = 0; i < 5; ++i) write_sound(train.file(fmt::format("{}.wav", i)), 8, 1, ramp);
  write_sound(test.file("t.wav"), 8, 1, ramp);
  const auto open = [&](const char* split) {
    return open_data("audio", {{"path", train.path()}, {"test", test.path()}, {"length", 4}, {"split", split}});
  };
  BOOST_TEST(open("train").size() == 10);
  BOOST_TEST(open("train").split() == "train");
  BOOST_TEST((files_of(open("test")) == Names{"t.wav"}));
  BOOST_TEST(open("test").hash() != open("train").hash());
  check_error(ErrorCode::data_specification, {"split: all has no order"}, [&] { open("all"); });
}

BOOST_AUTO_TEST_CASE(rows_with_one_value_stay_together) {
  const ScratchFolder folder;
  std::string text = "a,patient\n";
  for (int i = 0; i < 60; ++i) text += fmt::format("{},{}\n", i, 100 + i % 12);
  const std::string file = folder.file("t.csv");
  write_bytes(file, text);
  std::map<std::string, std::set<int>> patients;
  std::int64_t items = 0;
  for (const char* split : {"train", "validation", "test"}) {
    const DataSource data = open_data(
        "table", {{"path", file}, {"holdout", 4}, {"holdout_by", "patient"}, {"validation", 3}, {"split", split}});
    BOOST_TEST(data.columns()[0].event.text() == "[1]");  // patient is not in x
    for (std::int64_t i = 0; i < data.size(); ++i)
      patients[split].insert(static_cast<int>(Item(data, i).floats()[0]) % 12);
    items += data.size();
  }
  BOOST_TEST(items == 60);
  BOOST_TEST((patients["test"].size() == 3U && patients["validation"].size() == 3U && patients["train"].size() == 6U));
  std::set<int> all;
  for (const auto& [split, some] : patients) all.insert(some.begin(), some.end());
  BOOST_TEST(all.size() == 12U);
  check_error(ErrorCode::data_not_found, {"no column 'patent'", "holdout_by", "did you mean 'patient'"}, [&] {
    open_data("table", {{"path", file}, {"holdout_by", "patent"}});
  });
}

BOOST_AUTO_TEST_SUITE_END()

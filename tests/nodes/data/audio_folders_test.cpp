// Folders of recordings: what is taken, what is left out and what is said about it, labels of subfolders.
#include <filesystem>

#include "loom/check.h"
#include "nodes/data/sound_writer.h"

using namespace loom;
using namespace loom::check;
namespace fs = std::filesystem;

namespace {

std::string only_notice(const DataSource& data) {
  const std::vector<std::string> notices = data.notices();
  BOOST_REQUIRE(notices.size() == 1U);
  return notices.front();
}

void write_short(const std::string& path, int frames = 100) { write_sound(path, frames, 1, ramp); }

}  // namespace

BOOST_AUTO_TEST_SUITE(audio_folders)

BOOST_AUTO_TEST_CASE(every_format_is_taken_by_its_ending) {
  const ScratchFolder folder;
  fs::create_directories(folder.file("deep/deeper"));
  write_short(folder.file("a.WAV"));
  write_sound(folder.file("deep/b.aif"), 100, 1, ramp, 8000, SF_FORMAT_AIFF | SF_FORMAT_PCM_16);
  write_sound(folder.file("deep/deeper/c.Snd"), 100, 1, ramp, 8000, SF_FORMAT_AU | SF_FORMAT_PCM_16);
  write_sound(folder.file("deep/d.oga"), 100, 1, ramp, 8000, SF_FORMAT_OGG | SF_FORMAT_VORBIS);
  const DataSource data = open_audio(folder.path(), 100);
  BOOST_TEST(data.size() == 4);
  BOOST_TEST(data.notices().empty());
  BOOST_TEST(data.columns().size() == 1U);  // a.WAV is in no subfolder
}

BOOST_AUTO_TEST_CASE(hidden_files_are_ignored) {
  const ScratchFolder folder;
  fs::create_directories(folder.file(".cache"));
  write_short(folder.file("a.wav"));
  write_short(folder.file(".cache/b.wav"));
  write_bytes(folder.file("._a.wav"), "no sound");
  write_bytes(folder.file(".DS_Store"), "x");
  const DataSource data = open_audio(folder.path(), 100);
  BOOST_TEST(data.size() == 1);
  BOOST_TEST(data.notices().empty());
}

BOOST_AUTO_TEST_CASE(other_files_are_counted) {
  const ScratchFolder folder;
  for (const char* name : {"a.wav", "b.wav", "c.flac"}) {
    write_sound(folder.file(name), 100, 1, ramp, 8000,
                (std::string(name).ends_with("c") ? SF_FORMAT_FLAC : SF_FORMAT_WAV) | SF_FORMAT_PCM_16);
  }
  write_bytes(folder.file("notes.txt"), "x");
  BOOST_TEST(only_notice(open_audio(folder.path(), 100)) == "1 of 4 files was left out: 1 .txt");
  write_bytes(folder.file("more.TXT"), "x");
  write_bytes(folder.file("list.csv"), "x");
  write_bytes(folder.file("README"), "x");
  BOOST_TEST(only_notice(open_audio(folder.path(), 100)) ==
             "4 of 7 files were left out: 1 without an ending, 1 .csv, 2 .txt");
}

BOOST_AUTO_TEST_CASE(a_folder_without_recordings) {
  const ScratchFolder folder;
  write_bytes(folder.file("notes.txt"), "x");
  check_error(ErrorCode::data_empty, {"1 .txt", ".wav", ".opus"}, [&] { open_audio(folder.path(), 100); });
}

BOOST_AUTO_TEST_CASE(a_link_to_a_folder_above_ends) {
  const ScratchFolder folder;
  fs::create_directories(folder.file("in"));
  write_short(folder.file("in/a.wav"));
  fs::create_directory_symlink(folder.path(), folder.file("in/up"));
  BOOST_TEST(open_audio(folder.path(), 100).size() == 1);
}

BOOST_AUTO_TEST_CASE(short_recordings_are_counted) {
  const ScratchFolder folder;
  for (const int frames : {100, 99, 250, 1, 0}) write_short(folder.file(fmt::format("{}.wav", frames)), frames);
  const DataSource dropped = open_audio(folder.path(), 100);
  BOOST_TEST(dropped.size() == 3);
  BOOST_TEST(only_notice(dropped) ==
             "3 of 5 recordings are shorter than a piece of 100 samples and were left out; tail: pad keeps them");
  const DataSource padded = open_audio(folder.path(), 100, {{"tail", "pad"}});
  BOOST_TEST(padded.size() == 6);
  BOOST_TEST(only_notice(padded) == "1 of 5 recordings has no samples and was left out");
}

BOOST_AUTO_TEST_CASE(unreadable_files_are_listed_at_once) {
  const ScratchFolder folder;
  for (int i = 0; i < 4; ++i) write_short(folder.file(fmt::format("good{}.wav", i)));
  const auto open = [&](const char* unreadable) {
    return open_audio(folder.path(), 100, {{"unreadable", unreadable}});
  };
  write_bytes(folder.file("text.wav"), "no sound");
  write_bytes(folder.file("cut.wav"), read_bytes(folder.file("good0.wav")).substr(0, 120));
  write_bytes(folder.file("empty.flac"), "");
  try {
    open("error");
    BOOST_ERROR("it is opened");
  } catch (const Error& error) {
    BOOST_TEST(error.diagnostics().size() == 3U);
    const std::string text = error.what();
    for (const char* part : {"text.wav", "E405", "cut.wav", "E402", "empty.flac", "E404", "unreadable: skip"})
      BOOST_TEST(text.find(part) != std::string::npos, "'" << part << "' is not in: " << text);
  }
  const DataSource data = open("skip");
  BOOST_TEST(data.size() == 4);
  const std::string notice = only_notice(data);
  BOOST_TEST(notice.find("3 of 7 recordings cannot be read and were skipped") == 0U, notice);
  BOOST_TEST(notice.find("text.wav") != std::string::npos, notice);
}

BOOST_AUTO_TEST_CASE(many_unreadable_files_are_counted) {
  const ScratchFolder folder;
  write_short(folder.file("good.wav"));
  for (int i = 0; i < 33; ++i) write_bytes(folder.file(fmt::format("bad{}.wav", i)), "no sound");
  check_error(ErrorCode::data_wrong_format, {"bad0.wav", "13 more"}, [&] { open_audio(folder.path(), 100); });
  BOOST_TEST(only_notice(open_audio(folder.path(), 100, {{"unreadable", "skip"}})).find("and 28 more") !=
             std::string::npos);
  fs::remove(folder.file("good.wav"));
  check_error(ErrorCode::data_wrong_format, {"bad0.wav"}, [&] {
    open_audio(folder.path(), 100, {{"unreadable", "skip"}});
  });
}

BOOST_AUTO_TEST_CASE(subfolders_are_labels) {
  const ScratchFolder folder;
  for (const char* name : {"no/inner", "yes", "maybe"}) fs::create_directories(folder.file(name));
  for (const char* name : {"no/inner/0_a.wav", "no/1_a.wav", "yes/1_b.wav", "maybe/2_a.wav"})
    write_short(folder.file(name));
  for (const char* ending : {"", "/"}) {
    const DataSource data = open_audio(folder.path() + ending, 100);
    BOOST_REQUIRE(data.columns().size() == 2U);
    BOOST_TEST(data.columns()[1].name == "label");
    std::vector<std::int32_t> labels;
    for (std::int64_t i = 0; i < data.size(); ++i) labels.push_back(Item(data, i).integers(1)[0]);
    BOOST_TEST((labels == std::vector<std::int32_t>{0, 1, 1, 2}));  // maybe, no, no/inner, yes
  }
  // Fields of the names stand in front of it, and one called label stands in its place.
  const DataSource both = open_audio(folder.path(), 100, {{"names", "{digit}_{take}"}});
  BOOST_TEST(both.columns().size() == 4U);
  BOOST_TEST(Item(both, 0).integers(1)[0] == 2);
  BOOST_TEST(Item(both, 3).integers(3)[0] == 2);
  const DataSource named = open_audio(folder.path(), 100, {{"names", "{label}_{take}"}});
  BOOST_TEST(named.columns().size() == 3U);
  BOOST_TEST(Item(named, 0).integers(1)[0] == 2);
}

BOOST_AUTO_TEST_CASE(fields_have_names_of_their_own) {
  const ScratchFolder folder;
  write_short(folder.file("1_a.wav"));
  for (const char* names : {"{x}_{take}", "{take}_{take}"}) {
    check_error(ErrorCode::data_specification, {names, "a name of its own"}, [&] {
      open_audio(folder.path(), 100, {{"names", names}});
    });
  }
}

BOOST_AUTO_TEST_SUITE_END()

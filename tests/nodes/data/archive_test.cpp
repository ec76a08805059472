// Pictures and sounds in archives: the values and the order of the unpacked folder, and wrong archives.
#include <archive.h>
#include <archive_entry.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "io/png.h"
#include "nodes/data/data_checks.h"
#include "nodes/data/sound_writer.h"

using namespace loom;
using namespace loom::check;

namespace {

namespace fs = std::filesystem;

struct Form {
  const char* ending;
  int format, filter;
};
const Form kTar{".tar", ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, ARCHIVE_FILTER_NONE};
const std::vector<Form> kForms = {kTar,
                                  {".tar", ARCHIVE_FORMAT_TAR_GNUTAR, ARCHIVE_FILTER_NONE},
                                  {".tar.gz", ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, ARCHIVE_FILTER_GZIP},
                                  {".tgz", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP},
                                  {".tar.xz", ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, ARCHIVE_FILTER_XZ},
                                  {".zip", ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE}};

using Files = std::vector<std::pair<std::string, std::string>>;  // names and bytes, in the order of the archive

void pack(const std::string& path, const Form& form, const Files& files) {
  archive* writer = archive_write_new();
  archive_write_set_format(writer, form.format);
  archive_write_add_filter(writer, form.filter);
  BOOST_REQUIRE(archive_write_open_filename(writer, path.c_str()) == ARCHIVE_OK);
  for (const auto& [name, bytes] : files) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(bytes.size()));
    archive_entry_set_filetype(entry, name.ends_with('/') ? AE_IFDIR : AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    BOOST_REQUIRE(archive_write_header(writer, entry) == ARCHIVE_OK);
    archive_write_data(writer, bytes.data(), bytes.size());
    archive_entry_free(entry);
  }
  BOOST_REQUIRE(archive_write_close(writer) == ARCHIVE_OK);
  archive_write_free(writer);
}

// The files below a folder with `prefix` before their names, the last one first: the order of an archive is any.
Files files_below(const std::string& folder, const std::string& prefix) {
  Files files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file())
      files.emplace_back(prefix + entry.path().lexically_relative(folder).string(), read_bytes(entry.path().string()));
  }
  std::ranges::sort(files, std::greater<>());
  return files;
}

void write_shades(const std::string& path, int shade) {
  fs::create_directories(fs::path(path).parent_path());
  std::string pixels;
  for (int i = 0; i < 12; ++i) pixels += static_cast<char>(shade + i);
  write_png(path, {2, 2, 3, pixels});
}

// Two data sets of one type: the same columns, items and order.
void check_same(const DataSource& one, const DataSource& other, const std::string& what) {
  BOOST_REQUIRE_MESSAGE(one.size() == other.size() && one.columns().size() == other.columns().size(), what);
  for (std::int64_t i = 0; i < one.size(); ++i) {
    const Item a(one, i), b(other, i);
    for (std::size_t k = 0; k < a.columns.size(); ++k) {
      BOOST_REQUIRE(one.columns()[k].name == other.columns()[k].name);
      const bool codes = a.columns[k].dtype() == DType::i32;
      BOOST_TEST((codes ? a.integers(k) == b.integers(k) : a.floats(k) == b.floats(k)),
                 what << ", item " << i << ", column " << k);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(archives)

BOOST_AUTO_TEST_CASE(pictures_are_those_of_the_unpacked_folder) {
  const ScratchFolder folder;
  const std::string root = folder.file("photos");
  for (int i = 0; i < 12; ++i) write_shades(fmt::format("{}/{}/{}.png", root, i % 3 == 0 ? "cats" : "dogs", i), 20 * i);
  write_bytes(root + "/notes.txt", "left out");
  write_bytes(root + "/dogs/.hidden.png", "no picture");
  for (const Form& form : kForms) {
    for (const std::string prefix : {"", "./", "photos/"}) {
      const std::string packed = folder.file(std::string("photos") + form.ending);
      pack(packed, form, files_below(root, prefix));
      for (const char* split : {"all", "train", "test"}) {
        const DataSource inside = open_data("images", {{"path", packed}, {"split", split}});
        check_same(open_data("images", {{"path", root}, {"split", split}}), inside,
                   packed + " " + prefix + " " + split);
        BOOST_TEST(inside.columns().size() == 2);
        BOOST_TEST(inside.notices().front() == "1 of 13 files was left out: 1 .txt");
      }
      fs::remove(packed);
    }
  }
}

BOOST_AUTO_TEST_CASE(splits_by_folders_and_many_threads) {
  const ScratchFolder folder;
  const std::string root = folder.file("photos"), packed = folder.file("photos.tar");
  for (int i = 0; i < 40; ++i)
    write_shades(fmt::format("{}/{}/{}/{}.png", root, i % 5 == 0 ? "test" : "train", i % 2 == 0 ? "a" : "b", i), 5 * i);
  pack(packed, kTar, files_below(root, "photos/"));
  const DataSource inside = open_data("images", {{"path", packed}, {"split", "train"}});
  const DataSource unpacked = open_data("images", {{"path", root}, {"split", "train"}});
  BOOST_TEST(inside.size() == 32);
  check_same(unpacked, inside, "train");
  BOOST_TEST(open_data("images", {{"path", packed}, {"split", "test"}}).size() == 8);
  std::vector<std::jthread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (std::int64_t i = 0; i < inside.size(); ++i)
        wrong += Item(inside, i).floats() == Item(unpacked, i).floats() ? 0 : 1;
    });
  }
  threads.clear();
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(sounds_are_those_of_the_unpacked_folder) {
  const ScratchFolder folder;
  const std::string root = folder.file("speech");
  for (const char* speaker : {"anna", "theo"}) {
    fs::create_directories(root + "/" + speaker);
    for (int i = 0; i < 3; ++i) {
      const std::string name = fmt::format("{}/{}/{}", root, speaker, i);
      write_sound(name + ".wav", 1000 + 100 * i, 1, sine(200 + 50 * i, 8000));
      write_sound(name + ".flac", 700, 1, sine(300 + 70 * i, 8000), 8000, SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
      write_sound(name + ".ogg", 3000, 1, sine(100, 8000), 8000, SF_FORMAT_OGG | SF_FORMAT_VORBIS);
    }
  }
  for (const Form& form : {kTar, kForms[2], kForms[5]}) {
    const std::string packed = folder.file(std::string("speech") + form.ending);
    pack(packed, form, files_below(root, ""));
    for (const char* split : {"all", "train", "test"})
      check_same(open_audio(root, 256, {}, split), open_audio(packed, 256, {}, split), packed + " " + split);
    const DataSource inside = open_audio(packed, 256);
    BOOST_TEST((inside.columns().size() == 2 && inside.sample_rate() == 8000));
    check_same(open_audio(root, 256, {{"rate", 12000}, {"resample", true}}),
               open_audio(packed, 256, {{"rate", 12000}, {"resample", true}}), "resampled");
  }
}

BOOST_AUTO_TEST_CASE(one_recording_of_an_archive) {
  const ScratchFolder folder, packed;
  fs::create_directories(folder.file("no"));
  write_sound(folder.file("no/a.wav"), 8, 1, ramp);
  write_sound(folder.file("no/b.wav"), 12, 1, ramp);
  const std::string archive = packed.file("s.tar");
  pack(archive, {".tar", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE}, files_below(folder.path(), ""));
  const auto open = [](const std::string& path) {
    return open_data("audio", {{"path", path}, {"length", 4}, {"split", "all"}});
  };
  const DataSource one = open(archive + "/no/b.wav");
  BOOST_TEST(one.size() == 3);
  BOOST_TEST(one.origin(2).file == archive + "/no/b.wav");
  BOOST_TEST((Item(one, 1).floats() == Item(open(folder.file("no/b.wav")), 1).floats()));
  check_error(ErrorCode::data_not_found, {"s.tar/no/c.wav"}, [&] { open(archive + "/no/c.wav"); });
}

BOOST_AUTO_TEST_CASE(a_single_folder_with_pictures_alone_is_a_class) {
  const ScratchFolder folder;
  const std::string packed = folder.file("some.tar"), own = folder.file("cats.tar");
  write_shades(folder.file("1.png"), 7);
  const std::string bytes = read_bytes(folder.file("1.png"));
  pack(packed, kTar, {{"cats/1.png", bytes}});
  BOOST_TEST(open_data("images", {{"path", packed}, {"split", "all"}}).columns().size() == 2);
  pack(own, kTar, {{"cats/1.png", bytes}});  // the archive of the folder cats
  BOOST_TEST(open_data("images", {{"path", own}, {"split", "all"}}).columns().size() == 1);
}

BOOST_AUTO_TEST_CASE(wrong_archives) {
  const ScratchFolder folder;
  const std::string packed = folder.file("photos.tar"), zip = folder.file("photos.zip");
  write_shades(folder.file("1.png"), 7);
  const std::string picture = read_bytes(folder.file("1.png"));
  const auto open = [](const std::string& path) {
    return [path] { open_data("images", {{"path", path}, {"split", "all"}}); };
  };
  pack(packed, kTar, {{"a/1.png", picture}, {"a/2.png", picture.substr(0, picture.size() - 9)}, {"a/3.png", ""}});
  check_error(ErrorCode::data_truncated, {"photos.tar/a/2.png", "photos.tar/a/3.png"}, open(packed));
  pack(packed, kTar, {{"a/1.txt", "text"}});
  check_error(ErrorCode::data_empty, {"photos.tar", "no such file", "1 .txt", ".png"}, open(packed));
  write_bytes(packed, std::string(2000, 'x'));
  check_error(ErrorCode::data_wrong_format, {"photos.tar", "no archive"}, open(packed));
  write_bytes(packed, "");
  check_error(ErrorCode::data_empty, {"photos.tar"}, open(packed));
  pack(packed, kTar, {{"a/1.png", picture}, {"a/2.png", std::string(5000, 'x')}});
  write_bytes(packed, read_bytes(packed).substr(0, 3000));
  check_error(ErrorCode::data_truncated, {"photos.tar"}, open(packed));
  pack(zip, kForms[5], {{"a/1.png", std::string(5000, 'x')}, {"a/2.png", picture}});
  std::string damaged = read_bytes(zip);
  damaged[45] = static_cast<char>(damaged[45] ^ 0x55);
  write_bytes(zip, damaged);
  BOOST_CHECK_THROW(open(zip)(), Error);
}

// A compressed archive that announces more than the bound is refused before it takes memory.
BOOST_AUTO_TEST_CASE(what_would_not_fit_into_memory_is_refused) {
  const ScratchFolder folder;
  const std::string packed = folder.file("photos.tar"), compressed = folder.file("photos.tar.gz");
  pack(packed, {".tar", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE}, {{"1.png", "x"}});
  std::string bytes = read_bytes(packed);
  bytes.replace(124, 11, "20000000000");       // the size in octal digits: 2 GiB
  bytes.replace(148, 8, std::string(8, ' '));  // the sum of the header's bytes, counted with blanks in its place
  unsigned sum = 0;
  for (std::size_t i = 0; i < 512; ++i) sum += static_cast<unsigned char>(bytes[i]);
  bytes.replace(148, 7, fmt::format("{:06o}", sum) + '\0');
  write_gzip(compressed, bytes);
  check_error(ErrorCode::data_wrong_format,
              {"photos.tar.gz/1.png", "too large", "1073741824 bytes", "max_bytes", "gunzip"}, [&] {
                open_data("images", {{"path", compressed}, {"split", "all"}});
              });
  write_bytes(packed, bytes);
  check_error(ErrorCode::data_truncated, {"photos.tar"}, [&] {
    open_data("images", {{"path", packed}, {"split", "all"}});
  });
}

// The bound is of all files together, for pictures and sounds; what is read from its place does not count.
BOOST_AUTO_TEST_CASE(the_bound_is_an_option) {
  const ScratchFolder folder;
  const std::string tar = folder.file("p.tar"), gzip = folder.file("p.tar.gz"), sounds = folder.file("s.tar.gz");
  write_png(folder.file("1.png"), {1, 1, 3, {10, 20, 30}});
  const std::string picture = read_bytes(folder.file("1.png"));
  const auto size = static_cast<std::int64_t>(picture.size());
  pack(tar, kTar, {{"1.png", picture}, {"2.png", picture}});
  pack(gzip, kForms[2], {{"1.png", picture}, {"2.png", picture}});
  const auto open = [](const char* type, const std::string& path, std::int64_t max_bytes) {
    return open_data(type, {{"path", path}, {"split", "all"}, {"max_bytes", max_bytes}}).size();
  };
  BOOST_TEST(open("images", tar, 1) == 2);
  BOOST_TEST(open("images", gzip, 2 * size) == 2);
  check_error(ErrorCode::data_wrong_format, {"p.tar.gz/2.png", "too large", "max_bytes"},
              [&] { open("images", gzip, 2 * size - 1); });
  pack(sounds, kForms[2], {{"1.wav", std::string(2000, 'x')}});
  check_error(ErrorCode::data_wrong_format, {"s.tar.gz/1.wav", "too large", "max_bytes"},
              [&] { open("audio", sounds, 1999); });
}

BOOST_AUTO_TEST_SUITE_END()

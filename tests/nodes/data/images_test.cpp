// Folders of images: values, classes, splits, fitting to a size, what is left out, and wrong files.
#include <png.h>
#include <turbojpeg.h>

#include <cmath>
#include <filesystem>
#include <set>

#include "nodes/data/data_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

using Pixels = std::vector<unsigned char>;

// Horizontal stripes of one colour a row.
Pixels rows(int width, const std::vector<Pixels>& colours) {
  Pixels pixels;
  for (const Pixels& colour : colours) {
    for (int i = 0; i < width; ++i) pixels.insert(pixels.end(), colour.begin(), colour.end());
  }
  return pixels;
}

void write_png(const std::string& path, int width, int height, const Pixels& pixels, png_uint_32 format) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = format;
  BOOST_REQUIRE(png_image_write_to_file(&image, path.c_str(), 0, pixels.data(), 0, nullptr) != 0);
}

void write_jpeg(const std::string& path, int width, int height, const Pixels& rgb) {
  tjhandle compressor = tjInitCompress();
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  BOOST_REQUIRE(tjCompress2(compressor, rgb.data(), width, 0, height, TJPF_RGB, &bytes, &size, TJSAMP_444, 95, 0) == 0);
  write_bytes(path, std::string(reinterpret_cast<char*>(bytes), size));
  tjFree(bytes);
  tjDestroy(compressor);
}

// A PNG of one pixel.
void write_pixel(const std::string& path, const Pixels& rgb) { write_png(path, 1, 1, rgb, PNG_FORMAT_RGB); }

DataSource open_folder(const ScratchFolder& folder, OptionList more = {{"split", "all"}}) {
  more.emplace_back("path", folder.path());
  return open_data("images", more);
}

// The red values of all items, in steps of 1/255.
std::multiset<int> reds(const DataSource& data) {
  std::multiset<int> values;
  for (std::int64_t i = 0; i < data.size(); ++i)
    values.insert(static_cast<int>(std::lround(Item(data, i).floats()[0] * 255)));
  return values;
}

const Pixels kRed = {255, 0, 0}, kBlue = {0, 0, 255}, kGreen = {0, 255, 0};

}  // namespace

BOOST_AUTO_TEST_SUITE(images)

BOOST_AUTO_TEST_CASE(a_png_keeps_its_values) {
  const ScratchFolder folder;
  write_png(folder.file("a.png"), 2, 2, rows(2, {kRed, {51, 102, 153}}), PNG_FORMAT_RGB);
  const DataSource data = open_data("images", {{"path", folder.path()}, {"split", "all"}});
  BOOST_TEST(data.size() == 1);
  BOOST_TEST((data.columns()[0].event == Shape{2, 2, 3}));
  BOOST_TEST(data.columns().size() == 1);  // no subfolder: no label
  const std::vector<float> values = Item(data, 0).floats();
  BOOST_TEST((std::vector<float>(values.begin(), values.begin() + 3) == std::vector<float>{1, 0, 0}));
  for (std::size_t c = 0; c < 3; ++c) BOOST_TEST(std::abs(values[9 + c] - 0.2F * static_cast<float>(c + 1)) < 1e-6F);
}

BOOST_AUTO_TEST_CASE(transparency_is_laid_on_black_and_gray_becomes_rgb) {
  const ScratchFolder folder;
  write_png(folder.file("a.png"), 1, 1, {255, 255, 255, 0}, PNG_FORMAT_RGBA);
  write_png(folder.file("b.png"), 1, 1, {102}, PNG_FORMAT_GRAY);
  const DataSource data = open_data("images", {{"path", folder.path()}, {"split", "all"}});
  std::vector<std::vector<float>> items = {Item(data, 0).floats(), Item(data, 1).floats()};
  std::ranges::sort(items);
  BOOST_TEST((items[0] == std::vector<float>{0, 0, 0}));
  BOOST_TEST((items[1] == std::vector<float>(3, 102 / 255.0F)));
}

BOOST_AUTO_TEST_CASE(subfolders_are_classes) {
  const ScratchFolder folder;
  write_png(folder.file("dog/1.png"), 1, 1, kRed, PNG_FORMAT_RGB);
  write_png(folder.file("cat/1.png"), 1, 1, kBlue, PNG_FORMAT_RGB);
  const DataSource data = open_data("images", {{"path", folder.path()}, {"split", "all"}});
  for (std::int64_t i = 0; i < 2; ++i) {
    const Item item(data, i);
    BOOST_TEST(item.integers(1)[0] == (item.floats()[2] == 1 ? 0 : 1));  // cat is the blue one
  }
}

BOOST_AUTO_TEST_CASE(the_centre_is_cut_out_and_resized) {
  const ScratchFolder folder;
  // 4 wide, 12 high: the centre 4 x 4 is green.
  std::vector<Pixels> colours(12, kRed);
  for (std::size_t row = 4; row < 8; ++row) colours[row] = kGreen;
  write_png(folder.file("a.png"), 4, 12, rows(4, colours), PNG_FORMAT_RGB);
  const std::vector<float> values =
      Item(open_data("images", {{"path", folder.path()}, {"split", "all"}, {"size", 2}}), 0).floats();
  BOOST_REQUIRE(values.size() == 12);
  for (std::size_t i = 0; i < 12; ++i) BOOST_TEST(std::abs(values[i] - (i % 3 == 1 ? 1.0F : 0.0F)) < 0.02F);
}

BOOST_AUTO_TEST_CASE(a_jpeg_is_decoded) {
  const ScratchFolder folder;
  write_jpeg(folder.file("a.jpeg"), 64, 64, rows(64, std::vector<Pixels>(64, {200, 100, 50})));
  for (const int size : {64, 16}) {  // 16: decoded at a quarter
    const std::vector<float> values =
        Item(open_data("images", {{"path", folder.path()}, {"split", "all"}, {"size", size}}), 0).floats();
    for (std::size_t i = 0; i < values.size(); ++i)
      BOOST_REQUIRE(std::abs(values[i] - std::array{200, 100, 50}[i % 3] / 255.0F) < 0.02F);
  }
  const DataSource gray = open_data("images", {{"path", folder.path()}, {"split", "all"}, {"channels", 1}});
  BOOST_TEST((gray.columns()[0].event == Shape{64, 64, 1}));
}

BOOST_AUTO_TEST_CASE(wrong_files) {
  const ScratchFolder folder;
  const auto open = [&] { open_data("images", {{"path", folder.path()}, {"split", "all"}}); };
  check_error(ErrorCode::data_empty, {".png, .jpg, .jpeg"}, open);
  write_bytes(folder.file("a.png"), "no picture");
  check_error(ErrorCode::data_wrong_format, {"a.png"}, open);
  write_bytes(folder.file("a.png"), "");
  check_error(ErrorCode::data_empty, {"a.png"}, open);
  write_png(folder.file("a.png"), 64, 64, rows(64, std::vector<Pixels>(64, kRed)), PNG_FORMAT_RGB);
  const std::string whole = read_bytes(folder.file("a.png"));
  write_bytes(folder.file("a.png"), whole.substr(0, whole.size() / 2));
  check_error(ErrorCode::data_truncated, {"a.png", "byte"}, open);
  write_jpeg(folder.file("a.png"), 64, 64, rows(64, std::vector<Pixels>(64, {9, 200, 30})));
  std::filesystem::rename(folder.file("a.png"), folder.file("b.jpg"));
  const std::string jpeg = read_bytes(folder.file("b.jpg"));
  write_bytes(folder.file("b.jpg"), jpeg.substr(0, jpeg.size() * 3 / 4));
  check_error(ErrorCode::data_truncated, {"b.jpg", "byte"}, open);
  write_bytes(folder.file("b.jpg"), jpeg.substr(0, jpeg.size() - 20));
  check_error(ErrorCode::data_truncated, {"b.jpg", "byte"}, open);
  check_error(ErrorCode::data_specification, {"channels is 2"}, [&] {
    open_data("images", {{"path", folder.path()}, {"channels", 2}});
  });
}

BOOST_AUTO_TEST_CASE(sixteen_bits_survive_resizing) {
  const ScratchFolder folder;
  // libpng's simplified interface takes 16 bits as linear light and writes them as they are.
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = image.height = 8;
  image.format = PNG_FORMAT_LINEAR_Y;
  const std::vector<png_uint_16> pixels(64, 1001);
  BOOST_REQUIRE(png_image_write_to_file(&image, folder.file("a.png").c_str(), 0, pixels.data(), 0, nullptr) != 0);
  for (const int size : {3, 8, 20}) {
    for (const float value : Item(open_folder(folder, {{"split", "all"}, {"size", size}, {"channels", 1}}), 0).floats())
      BOOST_TEST(std::abs(value - 1001 / 65535.0F) < 1e-6F);
  }
}

BOOST_AUTO_TEST_CASE(transparency_is_laid_on_the_background) {
  const ScratchFolder folder;
  write_png(folder.file("a.png"), 1, 1, {255, 51, 0, 204}, PNG_FORMAT_RGBA);
  const std::vector<float> values = Item(open_folder(folder, {{"split", "all"}, {"background", 0.5}}), 0).floats();
  for (const auto& [got, colour] : {std::pair{values[0], 1.0F}, {values[1], 0.2F}, {values[2], 0.0F}})
    BOOST_TEST(std::abs(got - (colour * 0.8F + 0.5F * 0.2F)) < 1e-6F);
  BOOST_TEST(open_folder(folder, {{"background", 0.5}, {"split", "all"}}).hash() != open_folder(folder).hash());
}

BOOST_AUTO_TEST_CASE(hidden_files_are_ignored_and_other_files_counted) {
  const ScratchFolder folder;
  write_pixel(folder.file("a.png"), kRed);
  write_pixel(folder.file("sub/B.PNG"), kRed);
  write_pixel(folder.file(".trash/old.png"), kRed);
  for (const char* name : {"._a.png", ".DS_Store", "Thumbs.db", "sub/._B.PNG", "sub/desktop.ini"})
    write_bytes(folder.file(name), "no picture");
  BOOST_TEST(open_folder(folder).size() == 2);
  BOOST_TEST(open_folder(folder).notices().empty());
  for (const char* name : {"c.HEIC", "sub/d.heic", "notes.txt", "README"}) write_bytes(folder.file(name), "text");
  const DataSource data = open_folder(folder);
  BOOST_TEST(data.size() == 2);
  BOOST_TEST(
      (data.notices() == std::vector<std::string>{"4 of 6 files were left out: 1 without an ending, 2 .heic, 1 .txt"}));
}

BOOST_AUTO_TEST_CASE(a_link_that_leads_back_is_not_followed) {
  const ScratchFolder folder;
  write_pixel(folder.file("sub/a.png"), kRed);
  std::filesystem::create_directory_symlink("..", folder.file("sub/up"));
  BOOST_TEST(open_folder(folder).size() == 1);
  std::filesystem::create_symlink("nowhere.png", folder.file("sub/b.png"));
  check_error(ErrorCode::data_not_found, {"b.png"}, [&] { open_folder(folder); });
}

BOOST_AUTO_TEST_CASE(all_unreadable_files_are_listed_at_once_or_skipped) {
  const ScratchFolder folder;
  for (int i = 0; i < 60; ++i) write_pixel(folder.file(fmt::format("c{}/{:02}.png", i % 2, i)), {99, 0, 0});
  const std::string whole = read_bytes(folder.file("c0/00.png"));
  write_bytes(folder.file("c0/00.png"), whole.substr(0, whole.size() - 5));
  write_bytes(folder.file("c1/17.png"), "");
  write_bytes(folder.file("c1/59.png"), "no picture");
  check_error(ErrorCode::data_truncated, {"00.png", "17.png", "59.png", "unreadable=skip"},
              [&] { open_folder(folder); });
  const DataSource data = open_folder(folder, {{"split", "all"}, {"unreadable", "skip"}});
  BOOST_TEST(data.size() == 57);
  BOOST_TEST(reds(data).count(99) == 57);
  BOOST_TEST(mentions(data.notices(), "3 of 60 images were skipped as unreadable: "));
  for (const char* name : {"00.png", "17.png", "59.png"}) BOOST_TEST(mentions(data.notices(), name));
  for (int i = 0; i < 60; ++i) write_bytes(folder.file(fmt::format("c{}/{:02}.png", i % 2, i)), "no picture");
  check_error(ErrorCode::data_wrong_format, {"40 more"}, [&] { open_folder(folder); });
  check_error(ErrorCode::data_empty, {"can be read"}, [&] { open_folder(folder, {{"unreadable", "skip"}}); });
}

BOOST_AUTO_TEST_CASE(skip_finds_damage_behind_the_header) {
  const ScratchFolder folder;
  Pixels pixels;
  for (int i = 0; i < 64 * 64 * 3; ++i) pixels.push_back(static_cast<unsigned char>(i * 7 % 251));
  for (int i = 0; i < 3; ++i) write_png(folder.file(fmt::format("{}.png", i)), 64, 64, pixels, PNG_FORMAT_RGB);
  std::string bytes = read_bytes(folder.file("1.png"));
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x55);
  write_bytes(folder.file("1.png"), bytes);
  const DataSource data = open_folder(folder, {{"split", "all"}, {"unreadable", "skip"}});
  BOOST_TEST(data.size() == 2);
  BOOST_TEST(mentions(data.notices(), "1 of 3 images was skipped as unreadable: " + folder.file("1.png")));
}

BOOST_AUTO_TEST_CASE(other_sizes_are_announced_where_nobody_asked_for_one) {
  const ScratchFolder folder;
  write_png(folder.file("1.png"), 4, 2, Pixels(24, 9), PNG_FORMAT_RGB);
  write_png(folder.file("2.png"), 2, 4, Pixels(24, 9), PNG_FORMAT_RGB);  // may be one that is turned
  write_png(folder.file("3.png"), 4, 4, Pixels(48, 9), PNG_FORMAT_RGB);
  BOOST_TEST(mentions(open_folder(folder).notices(), "1 of 3 images have another size than the first"));
  BOOST_TEST(!mentions(open_folder(folder, {{"split", "all"}, {"size", 2}}).notices(), "another size"));
}

BOOST_AUTO_TEST_CASE(folders_named_train_and_test_are_the_splits) {
  for (const char* held : {"test", "val", "Validation"}) {
    const ScratchFolder folder;
    write_pixel(folder.file("train/cat/1.png"), {10, 0, 0});
    write_pixel(folder.file("train/dog/2.png"), {20, 0, 0});
    write_pixel(folder.file(std::string(held) + "/dog/3.png"), {30, 0, 0});
    write_pixel(folder.file(std::string(held) + "/eel/4.png"), {40, 0, 0});
    write_pixel(folder.file("more/5.png"), {50, 0, 0});
    const DataSource train = open_folder(folder, {{"split", "train"}, {"holdout", 2}});
    BOOST_TEST((reds(train) == std::multiset<int>{10, 20}));
    const DataSource test = open_folder(folder, {{"split", "test"}});
    BOOST_TEST((reds(test) == std::multiset<int>{30, 40}));
    const DataSource all = open_folder(folder);
    BOOST_TEST((reds(all) == std::multiset<int>{10, 20, 30, 40}));
    for (std::int64_t i = 0; i < 4; ++i) {  // cat 0, dog 1, eel 2, in both
      const Item item(all, i);
      BOOST_TEST(item.integers(1)[0] == std::lround(item.floats()[0] * 255) / 20);
    }
    BOOST_TEST(mentions(train.notices(), fmt::format("train/ and {}/ are the splits", held)));
    BOOST_TEST(mentions(train.notices(), "1 image in more/ was left out"));
  }
}

BOOST_AUTO_TEST_CASE(a_third_folder_is_the_split_validation) {
  const ScratchFolder folder;
  write_pixel(folder.file("train/cat/1.png"), {10, 0, 0});
  write_pixel(folder.file("val/cat/2.png"), {20, 0, 0});
  write_pixel(folder.file("test/cat/3.png"), {30, 0, 0});
  BOOST_TEST((reds(open_folder(folder, {{"split", "train"}})) == std::multiset<int>{10}));
  BOOST_TEST((reds(open_folder(folder, {{"split", "validation"}})) == std::multiset<int>{20}));
  BOOST_TEST((reds(open_folder(folder, {{"split", "test"}})) == std::multiset<int>{30}));
  BOOST_TEST(reds(open_folder(folder)).size() == 3U);
  BOOST_TEST(open_folder(folder).has_validation());
  // What the option says goes before the folder.
  check_error(ErrorCode::data_not_found, {"elsewhere"}, [&] {
    open_folder(folder, {{"split", "validation"}, {"validation", folder.file("elsewhere")}});
  });
}

BOOST_AUTO_TEST_CASE(the_option_test_names_a_folder) {
  const ScratchFolder train, test;
  for (int i = 1; i <= 4; ++i) write_pixel(train.file(fmt::format("{}.png", i)), {static_cast<unsigned char>(i), 0, 0});
  write_pixel(test.file("9.png"), {90, 0, 0});
  const auto open = [&](const char* split) { return open_folder(train, {{"test", test.path()}, {"split", split}}); };
  BOOST_TEST((reds(open("train")) == std::multiset<int>{1, 2, 3, 4}));
  BOOST_TEST((reds(open("test")) == std::multiset<int>{90}));
  BOOST_TEST(open("test").split() == "test");
  BOOST_TEST(Item(open("test"), 0).columns[0].shape().text() == "[1, 1, 3]");
  const DataSource part = open_folder(train, {{"test", test.path()}, {"validation", 4}, {"split", "validation"}});
  BOOST_TEST(part.size() == 1);
}

// Files for evaluation are read as those of train: their size, and their classes by name.
BOOST_AUTO_TEST_CASE(files_of_a_split_of_their_own_are_read_as_train) {
  const ScratchFolder train, test;
  write_png(train.file("ant/1.png"), 2, 2, rows(2, {kRed, kRed}), PNG_FORMAT_RGB);
  write_pixel(train.file("bee/2.png"), kRed);
  write_pixel(test.file("bee/3.png"), kRed);
  for (const char* option : {"test", "validation"}) {
    const DataSource data = open_folder(train, {{option, test.path()}, {"split", option}});
    BOOST_TEST(data.columns()[0].event.text() == "[2, 2, 3]");
    BOOST_TEST(Item(data, 0).integers(1)[0] == 1);
  }
  write_pixel(test.file("cow/4.png"), kRed);
  check_error(ErrorCode::data_wrong_format, {"cow"}, [&] {
    open_folder(train, {{"test", test.path()}, {"split", "test"}}).require_known_classes(1);
  });
}

BOOST_AUTO_TEST_CASE(the_central_square) {
  const ScratchFolder folder;
  // 6 x 4 pixels whose red is 10 * row + column; rows 1 and 2, columns 2 and 3 are the square of 2.
  Pixels pixels;
  for (unsigned char y = 0; y < 4; ++y)
    for (unsigned char x = 0; x < 6; ++x) pixels.insert(pixels.end(), {static_cast<unsigned char>(10 * y + x), 0, 0});
  write_png(folder.file("1.png"), 6, 4, pixels, PNG_FORMAT_RGB);
  BOOST_TEST((reds(open_folder(folder, {{"split", "all"}, {"crop", 2}})) == std::multiset<int>{12}));
  const DataSource data = open_folder(folder, {{"split", "all"}, {"crop", 2}});
  BOOST_TEST(data.columns()[0].event.text() == "[2, 2, 3]");
  const std::vector<float> values = Item(data, 0).floats();
  for (const auto& [place, red] : {std::pair{0U, 12}, {3U, 13}, {6U, 22}, {9U, 23}})
    BOOST_TEST(std::lround(values[place] * 255) == red);
  BOOST_TEST(open_folder(folder, {{"split", "all"}, {"crop", 4}, {"size", 1}}).columns()[0].event.text() ==
             "[1, 1, 3]");
  BOOST_TEST(data.hash() != open_folder(folder).hash());
  write_pixel(folder.file("0.png"), kRed);
  check_error(ErrorCode::data_shape,
              {"0.png", "smaller than crop", "1 x 1 pixels", "2 x 2 pixels or more", "unreadable=skip"}, [&] {
                open_folder(folder, {{"split", "all"}, {"crop", 2}});
              });
  BOOST_TEST(open_folder(folder, {{"split", "all"}, {"crop", 2}, {"unreadable", "skip"}}).size() == 1);
}

BOOST_AUTO_TEST_CASE(a_bound_of_pixels) {
  const ScratchFolder folder;
  write_pixel(folder.file("0.png"), kRed);
  write_png(folder.file("1.png"), 3, 2, Pixels(18, 7), PNG_FORMAT_RGB);
  const auto open = [&](std::int64_t max_pixels, const char* unreadable) {
    return open_folder(folder, {{"split", "all"}, {"max_pixels", max_pixels}, {"unreadable", unreadable}});
  };
  BOOST_TEST(open(6, "error").size() == 2);
  check_error(ErrorCode::data_shape, {"1.png", "larger than max_pixels", "2 x 3 pixels", "5 pixels or fewer"},
              [&] { open(5, "error"); });
  BOOST_TEST(open(5, "skip").size() == 1);
}

BOOST_AUTO_TEST_CASE(a_split_folder_without_images) {
  const ScratchFolder folder;
  write_pixel(folder.file("train/1.png"), {10, 0, 0});
  std::filesystem::create_directory(folder.file("test"));
  const auto open = [&](const char* split) {
    return open_data("images", {{"path", folder.path() + "/"}, {"split", split}});
  };
  BOOST_TEST(open("train").size() == 1);
  BOOST_TEST(open("train").columns().size() == 1);  // no subfolder: no label
  check_error(ErrorCode::data_empty, {"split 'test' has no images"}, [&] { open("test"); });
}

BOOST_AUTO_TEST_CASE(a_folder_train_alone_is_a_class) {
  const ScratchFolder folder;
  write_pixel(folder.file("train/1.png"), kRed);
  write_pixel(folder.file("ship/2.png"), kRed);
  const DataSource data = open_folder(folder);
  BOOST_TEST(data.size() == 2);
  BOOST_TEST(data.columns().size() == 2);
  BOOST_TEST(data.notices().empty());
}

BOOST_AUTO_TEST_SUITE_END()

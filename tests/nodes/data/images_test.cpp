// Folders of PNG and JPEG: values, classes, fitting to a size, and wrong files.
#include <png.h>
#include <turbojpeg.h>

#include <filesystem>

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

BOOST_AUTO_TEST_SUITE_END()

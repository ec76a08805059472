// Every kind of image file against the values that it was written from (tests/golden/make_images.py), and files that
// are cut off, damaged, or lie about their size.
#include <zlib.h>

#include <filesystem>
#include <set>

#include "io/npz.h"
#include "nodes/data/data_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

using Arrays = std::map<std::string, Tensor>;

const Arrays& golden() {
  static const Arrays arrays = read_npz(LOOM_SOURCE_DIR "/tests/golden/images.npz");
  return arrays;
}

std::string file_of(const std::string& name) {
  const auto bytes = golden().at(name + "/file").values<std::uint8_t>();
  return {bytes.begin(), bytes.end()};
}

// A folder with one picture.
struct OnePicture {
  explicit OnePicture(std::string picture) : name(std::move(picture)) { write(file_of(name)); }
  void write(const std::string& bytes) const { write_bytes(folder.file(name), bytes); }
  DataSource open(int channels = 3) const {
    return open_data("images", {{"path", folder.path()}, {"split", "all"}, {"channels", channels}});
  }

  std::string name;
  ScratchFolder folder;
};

float luma(const float* rgb) { return 0.299F * rgb[0] + 0.587F * rgb[1] + 0.114F * rgb[2]; }

void compare(const std::string& name, float tolerance) {
  const OnePicture picture(name);
  const Tensor& expected = golden().at(name + "/rgb");
  const DataSource colour = picture.open(), gray = picture.open(1);
  BOOST_REQUIRE(colour.columns()[0].event == expected.shape());
  const std::vector<float> values = Item(colour, 0).floats(), grays = Item(gray, 0).floats();
  float worst = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    worst = std::max(worst, std::abs(values[i] - expected.values().data()[i]));
  BOOST_TEST(worst <= tolerance);
  for (std::size_t i = 0; i < grays.size(); ++i)
    worst = std::max(worst, std::abs(grays[i] - luma(expected.values().data() + 3 * i)));
  BOOST_TEST(worst <= tolerance);
}

// The five formats, small and without loss where there is a choice.
const std::vector<std::string> kOneOfEach = {"png_rgb_8.png", "jpeg_rgb.jpg", "webp_lossless.webp", "bmp_24.bmp",
                                             "tiff_lzw.tif"};

// Whether the picture can be read; false: it throws Error. Everything else ends the test.
template <class Action>
bool works(Action action) {
  try {
    action();
    return true;
  } catch (const Error& error) {
    BOOST_TEST(error.what() != std::string());
    return false;
  }
}

void put(std::string& bytes, std::size_t at, std::uint32_t value, std::size_t count, bool big) {
  for (std::size_t i = 0; i < count; ++i)
    bytes[at + i] = static_cast<char>(value >> 8 * (big ? count - 1 - i : i) & 0xFF);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(image_kinds)

BOOST_AUTO_TEST_CASE(every_kind_gives_the_values_it_was_written_from) {
  std::size_t kinds = 0;
  for (const auto& [key, array] : golden()) {
    if (!key.ends_with("/rgb")) continue;
    const std::string name = key.substr(0, key.size() - 4);
    const bool lossy = name.starts_with("jpeg") || name == "tiff_jpeg.tif" || name == "webp_lossy.webp" ||
                       name == "webp_exif.webp" || name == "tiff_cmyk.tif";
    BOOST_TEST_CONTEXT(name) compare(name, lossy ? 2.01F / 255 : 1e-6F);
    ++kinds;
  }
  BOOST_TEST(kinds > 60);
}

BOOST_AUTO_TEST_CASE(a_file_cut_off_anywhere_is_an_error) {
  for (const std::string& name : kOneOfEach) {
    const OnePicture picture(name);
    const DataSource opened = picture.open();
    const std::string whole = file_of(name);
    for (std::size_t length = 0; length < whole.size(); ++length) {
      picture.write(whole.substr(0, length));
      BOOST_TEST(!works([&] { picture.open(); }), name << " opened with " << length << " of " << whole.size());
      BOOST_TEST(!works([&] { Item(opened, 0); }), name << " read with " << length << " of " << whole.size());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_damaged_byte_gives_an_error_or_an_image) {
  std::size_t errors = 0, images = 0;
  for (const std::string& name : kOneOfEach) {
    const OnePicture picture(name);
    const DataSource opened = picture.open();
    const std::string whole = file_of(name);
    for (std::size_t at = 0; at < whole.size(); ++at) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(~damaged[at]);
      picture.write(damaged);
      ++(works([&] { Item(opened, 0); }) ? images : errors);
      works([&] { picture.open(); });
    }
  }
  BOOST_TEST(errors > 100U);
  BOOST_TEST(images > 100U);  // a pixel of a BMP, a setting of no consequence
}

BOOST_AUTO_TEST_CASE(a_png_that_lies_about_its_size) {
  const OnePicture picture("png_rgb_8.png");
  const auto with_size = [&](std::uint32_t width, std::uint32_t height) {
    std::string bytes = file_of(picture.name);
    put(bytes, 16, width, 4, true);
    put(bytes, 20, height, 4, true);
    put(bytes, 29, static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(bytes.data()) + 12, 17)), 4,
        true);
    picture.write(bytes);
  };
  with_size(70000, 70000);
  check_error(ErrorCode::data_corrupt, {picture.name, "impossible size", "70000 x 70000"}, [&] { picture.open(); });
  with_size(11000, 11000);
  check_error(ErrorCode::data_truncated, {picture.name, "too short for its size"}, [&] { picture.open(); });
  with_size(9, 6);
  check_error(ErrorCode::data_truncated, {picture.name, "cannot be decoded"}, [&] { picture.open(); });
}

BOOST_AUTO_TEST_CASE(a_jpeg_that_lies_about_its_size) {
  const OnePicture picture("jpeg_rgb.jpg");
  const std::string whole = file_of(picture.name);
  const std::size_t frame = whole.find("\xFF\xC0");
  const auto with_size = [&](std::uint32_t width, std::uint32_t height) {
    std::string bytes = whole;
    put(bytes, frame + 5, height, 2, true);
    put(bytes, frame + 7, width, 2, true);
    picture.write(bytes);
  };
  with_size(65000, 65000);
  check_error(ErrorCode::data_corrupt, {picture.name, "impossible size"}, [&] { picture.open(); });
  with_size(16, 200);  // the scan ends early, the end marker is there
  check_error(ErrorCode::data_truncated, {picture.name, "cannot be decoded"}, [&] { picture.open(); });
}

BOOST_AUTO_TEST_CASE(a_bmp_that_lies_about_its_size) {
  const OnePicture picture("bmp_24.bmp");
  std::string bytes = file_of(picture.name);
  put(bytes, 22, 10000, 4, false);
  picture.write(bytes);
  check_error(ErrorCode::data_truncated, {picture.name, "ends too early"}, [&] { picture.open(); });
  put(bytes, 22, 0x7FFFFFFF, 4, false);
  picture.write(bytes);
  check_error(ErrorCode::data_corrupt, {picture.name, "impossible size"}, [&] { picture.open(); });
}

BOOST_AUTO_TEST_CASE(of_several_frames_the_first_is_read_with_a_notice) {
  const OnePicture animation("webp_animation.webp"), picture("webp_lossy.webp");
  BOOST_TEST((animation.open().notices() ==
              std::vector<std::string>{"1 of 1 images has several pages or frames: the first is read"}));
  BOOST_TEST(picture.open().notices().empty());
}

BOOST_AUTO_TEST_CASE(kinds_that_are_not_read_are_named) {
  const OnePicture tiff("tiff_rgb_16.tif");
  std::string bytes = file_of(tiff.name);
  const auto directory = static_cast<std::size_t>(static_cast<unsigned char>(bytes[4])) +
                         256U * static_cast<std::size_t>(static_cast<unsigned char>(bytes[5]));
  put(bytes, directory + 2 + 12 * 4 + 8, 8, 4, false);  // the fifth tag, the photometric interpretation: CIE Lab
  tiff.write(bytes);
  check_error(ErrorCode::data_wrong_format, {tiff.name, "CIE Lab"}, [&] { tiff.open(); });
  const OnePicture bmp("bmp_palette_8.bmp");
  bytes = file_of(bmp.name);
  put(bytes, 30, 1, 4, false);
  bmp.write(bytes);
  check_error(ErrorCode::data_wrong_format, {bmp.name, "run lengths"}, [&] { bmp.open(); });
  bmp.write(
      std::string("\0\0\0\x18"
                  "ftypheic",
                  12));
  check_error(ErrorCode::data_wrong_format, {bmp.name, "HEIC"}, [&] { bmp.open(); });
}

BOOST_AUTO_TEST_SUITE_END()

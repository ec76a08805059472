// IDX files: folders and single files, plain and gzip, and every way in which a file can be wrong.
#include "nodes/data/data_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

std::string word(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 255);
  return bytes;
}

// `count` images of 2 x 3 whose values count up from `first`.
std::string images(std::uint32_t count, int first = 0) {
  std::string bytes = std::string("\0\0\10\3", 4) + word(count) + word(2) + word(3);
  for (std::uint32_t i = 0; i < 6 * count; ++i) bytes += static_cast<char>(first + static_cast<int>(i));
  return bytes;
}
std::string labels(std::uint32_t count, int first = 0) {
  std::string bytes = std::string("\0\0\10\1", 4) + word(count);
  for (std::uint32_t i = 0; i < count; ++i) bytes += static_cast<char>(first + static_cast<int>(i));
  return bytes;
}

void check_file(const std::string& bytes, ErrorCode code, const std::vector<std::string>& parts) {
  const ScratchFolder folder;
  const std::string file = folder.file("images");
  write_bytes(file, bytes);
  std::vector<std::string> all = parts;
  all.push_back(file);
  check_error(code, all, [&] { open_data("idx", {{"path", file}}); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(idx)

BOOST_AUTO_TEST_CASE(a_folder_as_mnist_has_it) {
  const ScratchFolder folder;
  write_bytes(folder.file("train-images-idx3-ubyte"), images(4));
  write_bytes(folder.file("train-labels-idx1-ubyte"), labels(4));
  write_gzip(folder.file("t10k-images-idx3-ubyte.gz"), images(2, 100));
  write_gzip(folder.file("t10k-labels-idx1-ubyte.gz"), labels(2, 7));
  const DataSource train = open_data("idx", {{"path", folder.path()}});
  BOOST_TEST(train.size() == 4);
  BOOST_TEST((train.columns()[0].event == Shape{2, 3, 1}));
  const Item item(train, 1);
  for (int i = 0; i < 6; ++i)
    BOOST_TEST(item.floats()[static_cast<std::size_t>(i)] == static_cast<float>(6 + i) / 255.0F);
  BOOST_TEST(item.integers(1)[0] == 1);
  const DataSource test = open_data("idx", {{"path", folder.path()}, {"split", "test"}});
  BOOST_TEST(test.size() == 2);
  BOOST_TEST(Item(test, 1).integers(1)[0] == 8);
  const DataSource all = open_data("idx", {{"path", folder.path()}, {"split", "all"}});
  BOOST_TEST(all.size() == 6);
  BOOST_TEST(Item(all, 5).floats() == Item(test, 1).floats());
  BOOST_TEST(train.hash() != test.hash());
}

BOOST_AUTO_TEST_CASE(one_file_holds_every_tenth_item_out) {
  const ScratchFolder folder;
  write_gzip(folder.file("digits.gz"), images(20));
  const auto size = [&](const char* split) {
    return open_data("idx", {{"path", folder.file("digits.gz")}, {"split", split}}).size();
  };
  BOOST_TEST(size("train") == 18);
  BOOST_TEST(size("test") == 2);
  BOOST_TEST(size("all") == 20);
  BOOST_TEST(open_data("idx", {{"path", folder.file("digits.gz")}}).columns().size() == 1U);
}

BOOST_AUTO_TEST_CASE(wrong_files) {
  check_file("", ErrorCode::data_empty, {"byte 0"});
  check_file(std::string("\0\0\10", 3), ErrorCode::data_truncated, {"byte 3", "3 bytes", "4 bytes"});
  check_file("\x89PNG....", ErrorCode::data_wrong_format, {"byte 0", "89 50 4e 47", "00 00 08"});
  check_file(std::string("\0\0\15\3", 4) + word(1), ErrorCode::data_wrong_format, {"byte 2", "type 0d"});
  check_file(labels(3), ErrorCode::data_wrong_format, {"byte 3", "1", "3 or 4"});
  check_file(images(2).substr(0, 10), ErrorCode::data_truncated, {"byte 10", "16 bytes"});
  check_file(images(0), ErrorCode::data_empty, {"byte 4"});
  check_file(images(2).substr(0, 20), ErrorCode::data_truncated, {"byte 20", "4 bytes of values", "12 (2 x 2 x 3)"});
  check_file(images(2) + "x", ErrorCode::data_corrupt, {"byte 28", "13 bytes", "12 (2 x 2 x 3)"});
  check_file(std::string("\0\0\10\3", 4) + std::string(12, '\377'), ErrorCode::data_truncated, {"0 bytes of values"});
}

BOOST_AUTO_TEST_CASE(damaged_gzip) {
  const ScratchFolder folder;
  write_gzip(folder.file("whole.gz"), images(30));
  const std::string bytes = read_bytes(folder.file("whole.gz"));
  write_bytes(folder.file("cut.gz"), bytes.substr(0, bytes.size() / 2));
  check_error(ErrorCode::data_truncated, {"cut.gz, byte"}, [&] {
    open_data("idx", {{"path", folder.file("cut.gz")}});
  });
  std::string wrong_checksum = bytes;
  wrong_checksum[bytes.size() - 6] ^= 1;
  write_bytes(folder.file("bad.gz"), wrong_checksum);
  check_error(ErrorCode::data_corrupt, {"bad.gz, byte", "incorrect data check"}, [&] {
    open_data("idx", {{"path", folder.file("bad.gz")}});
  });
}

BOOST_AUTO_TEST_CASE(wrong_folders) {
  const ScratchFolder folder;
  check_error(ErrorCode::data_not_found, {"train-images-idx3-ubyte"}, [&] {
    open_data("idx", {{"path", folder.path()}});
  });
  write_bytes(folder.file("train-images-idx3-ubyte"), images(4));
  write_bytes(folder.file("train-labels-idx1-ubyte"), labels(3));
  check_error(ErrorCode::data_corrupt, {"labels-idx1-ubyte, byte 4", "3", "4"}, [&] {
    open_data("idx", {{"path", folder.path()}});
  });
  check_error(ErrorCode::data_not_found, {"did you mean 'train-images-idx3-ubyte'"}, [&] {
    open_data("idx", {{"path", folder.file("train-images-idx3-ubytes")}});
  });
  write_bytes(folder.file("other-train-images-idx3-ubyte"), images(4));
  check_error(ErrorCode::data_specification, {"more than one"}, [&] { open_data("idx", {{"path", folder.path()}}); });
  check_error(ErrorCode::missing_option, {"path"}, [] { open_data("idx", {}); });
}

BOOST_AUTO_TEST_SUITE_END()

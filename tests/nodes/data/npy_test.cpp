// .npy files and .npz archives: values, labels, splits, and wrong files.
#include <zip.h>

#include "io/npy.h"
#include "nodes/data/data_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

template <class T>
std::string npy(const std::string& descr, const std::string& shape, const std::vector<T>& values,
                bool fortran = false) {
  std::string header =
      "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': (" + shape + "), }";
  header.append(63 - (header.size() + 10) % 64, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += {static_cast<char>(header.size() & 255), static_cast<char>(header.size() >> 8)};
  return bytes + header + std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

void write_npz(const std::string& path, const std::map<std::string, std::string>& files) {
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  for (const auto& [name, bytes] : files)
    zip_file_add(archive, name.c_str(), zip_source_buffer(archive, bytes.data(), bytes.size(), 0), 0);
  BOOST_REQUIRE(zip_close(archive) == 0);
}

const std::vector<float> kSix = {1, 2, 3, 4, 5, 6};

}  // namespace

BOOST_AUTO_TEST_SUITE(npy_data)

BOOST_AUTO_TEST_CASE(every_element_type) {
  const ScratchFolder folder;
  const std::string file = folder.file("x.npy");
  const auto first_item = [&](const std::string& bytes, const OptionList& more = {}) {
    write_bytes(file, bytes);
    OptionList options = {{"path", file}, {"split", "all"}};
    options.insert(options.end(), more.begin(), more.end());
    return Item(open_data("npy", options), 1).floats();
  };
  BOOST_TEST((first_item(npy("<f4", "2, 3", kSix)) == std::vector<float>{4, 5, 6}));
  BOOST_TEST((first_item(npy<double>("<f8", "2, 3", {1, 2, 3, 4, 5, 6})) == std::vector<float>{4, 5, 6}));
  BOOST_TEST((first_item(npy<std::int64_t>("<i8", "2, 3", {1, 2, 3, 4, 5, 6})) == std::vector<float>{4, 5, 6}));
  BOOST_TEST((first_item(npy<std::uint8_t>("|u1", "2, 1", {0, 255})) == std::vector<float>{1}));  // scaled by 1/255
  BOOST_TEST((first_item(npy("<f4", "2, 3", kSix), {{"scale", 0.5}}) == std::vector<float>{2, 2.5F, 3}));
}

BOOST_AUTO_TEST_CASE(tokens_and_labels) {
  const ScratchFolder folder;
  write_bytes(folder.file("x.npy"), npy<std::int32_t>("<i4", "2, 2", {7, 8, 9, 10}));
  write_bytes(folder.file("y.npy"), npy<std::int64_t>("<i8", "2,", {3, 4}));
  const DataSource data = open_data(
      "npy", {{"path", folder.file("x.npy")}, {"dtype", "i32"}, {"labels", folder.file("y.npy")}, {"split", "all"}});
  BOOST_TEST((Item(data, 1).integers(0) == std::vector<std::int32_t>{9, 10}));
  BOOST_TEST((Item(data, 1).integers(1) == std::vector<std::int32_t>{4}));
}

BOOST_AUTO_TEST_CASE(archives) {
  const ScratchFolder folder;
  const std::string file = folder.file("data.npz");
  write_npz(file, {{"images.npy", npy("<f4", "2, 3", kSix)}, {"y.npy", npy<std::int32_t>("<i4", "2,", {5, 6})}});
  const DataSource data = open_data("npy", {{"path", file}, {"array", "images"}, {"labels", "y"}, {"split", "all"}});
  BOOST_TEST((Item(data, 0).floats() == std::vector<float>{1, 2, 3}));
  BOOST_TEST((Item(data, 1).integers(1) == std::vector<std::int32_t>{6}));
  check_error(ErrorCode::data_not_found, {"data.npz", "'image'", "images, y"}, [&] {
    open_data("npy", {{"path", file}, {"array", "image"}});
  });
}

BOOST_AUTO_TEST_CASE(splits_hold_out_every_tenth) {
  const ScratchFolder folder;
  write_bytes(folder.file("x.npy"), npy("<f4", "40, 1", std::vector<float>(40, 1)));
  BOOST_TEST(open_data("npy", {{"path", folder.file("x.npy")}}).size() == 36);
  BOOST_TEST(open_data("npy", {{"path", folder.file("x.npy")}, {"split", "test"}}).size() == 4);
}

BOOST_AUTO_TEST_CASE(wrong_files) {
  const ScratchFolder folder;
  const std::string file = folder.file("x.npy");
  const auto open = [&] { open_data("npy", {{"path", file}}); };
  check_error(ErrorCode::data_not_found, {"x.npy"}, open);
  write_bytes(file, "");
  check_error(ErrorCode::data_empty, {"x.npy"}, open);
  write_bytes(file, "no array at all");
  check_error(ErrorCode::data_wrong_format, {"byte 0", "NUMPY"}, open);
  const std::string good = npy("<f4", "2, 3", kSix);
  write_bytes(file, good.substr(0, 20));
  check_error(ErrorCode::data_truncated, {"byte 20"}, open);
  write_bytes(file, good.substr(0, good.size() - 1));
  check_error(ErrorCode::data_truncated, {"23 bytes", "24", "2 x 3"}, open);
  write_bytes(file, good + "!");
  check_error(ErrorCode::data_corrupt, {"25 bytes", "24"}, open);
  write_bytes(file, npy("<f4", "0, 3", std::vector<float>{}));
  check_error(ErrorCode::data_empty, {"extent of 0"}, open);
  write_bytes(file, npy("<f4", "2, 3", kSix, true));
  check_error(ErrorCode::data_wrong_format, {"Fortran"}, open);
  write_bytes(file, npy("<c8", "3,", kSix));
  check_error(ErrorCode::data_wrong_format, {"<c8", "<f4"}, open);
  write_bytes(file, npy("<f4", "1000000000000, 1000000000000, 100000", kSix));
  check_error(ErrorCode::data_truncated, {"x.npy"}, open);
  write_bytes(file, good);
  check_error(ErrorCode::data_wrong_format, {"not integers"}, [&] {
    open_data("npy", {{"path", file}, {"dtype", "i32"}});
  });
  write_bytes(folder.file("y.npy"), npy<std::int32_t>("<i4", "3,", {1, 2, 3}));
  check_error(ErrorCode::data_shape, {"y.npy", "got:      3", "expected: 2"}, [&] {
    open_data("npy", {{"path", file}, {"labels", folder.file("y.npy")}});
  });
}

BOOST_AUTO_TEST_CASE(a_damaged_archive) {
  const ScratchFolder folder;
  const std::string file = folder.file("data.npz");
  const auto open = [&] { open_data("npy", {{"path", file}}); };
  write_bytes(file, "PK no archive");
  check_error(ErrorCode::data_wrong_format, {"data.npz"}, open);
  write_npz(file, {{"x.npy", npy("<f4", "100, 30", std::vector<float>(3000, 0.25F))}});
  std::string bytes = read_bytes(file);
  for (std::size_t i = 40; i < 60; ++i) bytes[i] = static_cast<char>(~bytes[i]);
  write_bytes(file, bytes);
  check_error(ErrorCode::data_corrupt, {"data.npz"}, open);
  write_npz(file, {{"readme.txt", "no arrays"}});
  check_error(ErrorCode::data_empty, {"no array"}, open);
}

BOOST_AUTO_TEST_CASE(whole_arrays_as_tensors) {
  const ScratchFolder folder;
  write_bytes(folder.file("x.npy"), npy<double>("<f8", "2, 3", {1, 2, 3, 4, 5, 6}));
  const Tensor tensor = read_npy(folder.file("x.npy"));
  BOOST_TEST((tensor.shape() == Shape{2, 3}));
  BOOST_TEST(tensor.values()[5] == 6);
}

BOOST_AUTO_TEST_SUITE_END()

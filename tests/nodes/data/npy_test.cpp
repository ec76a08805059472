// .npy files and .npz archives: values, labels, splits, and wrong files.
#include <zip.h>

#include <limits>
#include <set>

#include "io/npy.h"
#include "io/npz.h"
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

void write_archive(const std::string& path, const std::map<std::string, std::string>& files) {
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

// Every type, byte order and order of axes, against the values as NumPy converts them.
BOOST_AUTO_TEST_CASE(every_kind_of_array_equals_numpy) {
  const std::string file = LOOM_SOURCE_DIR "/tests/golden/arrays.npz";
  const std::map<std::string, Tensor> arrays = read_npz(file);
  int kinds = 0;
  for (const auto& [name, tensor] : arrays) {
    if (name.ends_with("_values")) continue;
    ++kinds;
    const TensorView expected = arrays.at(name + "_values").view();
    const DataSource data = open_data("npy", {{"path", file}, {"array", name}, {"split", "all"}, {"scale", 1.0}});
    BOOST_REQUIRE((data.columns()[0].event == Shape{4, 2, 3}));
    for (std::int64_t item = 0; item < 3; ++item) {
      const auto got = Item(data, item).floats(0),
                 want = std::vector<float>(expected[item].begin(), expected[item].end());
      BOOST_TEST(got == want, name << ", item " << item);
    }
  }
  BOOST_TEST(kinds == 42);
}

BOOST_AUTO_TEST_CASE(integers_that_do_not_fit) {
  const ScratchFolder folder;
  const std::string file = folder.file("x.npy");
  write_bytes(file, npy<std::int64_t>("<i8", "2, 2", {1, 2, 3, std::int64_t{1} << 31}));
  const DataSource data = open_data("npy", {{"path", file}, {"dtype", "i32"}, {"split", "all"}});
  BOOST_TEST((Item(data, 0).integers(0) == std::vector<std::int32_t>{1, 2}));
  check_error(ErrorCode::out_of_range, {"x.npy", "item 1", "2147483648"}, [&] { Item(data, 1); });
}

BOOST_AUTO_TEST_CASE(every_array_of_an_archive_is_a_column) {
  const ScratchFolder folder;
  const std::string file = folder.file("data.npz");
  write_archive(file, {{"x.npy", npy("<f4", "2, 3", kSix)},
                       {"mask.npy", npy<std::uint8_t>("|b1", "2, 2", {1, 0, 0, 1})},
                       {"colour.npy", npy<std::uint8_t>("|u1", "2,", {7, 200})},
                       {"weight.npy", npy<double>("<f8", "2,", {0.5, 2})},
                       {"names.npy", npy<std::uint32_t>("<U1", "2,", {65, 66})},
                       {"classes.npy", npy<std::int32_t>("<i4", "3,", {1, 2, 3})}});
  const DataSource data = open_data("npy", {{"path", file}, {"split", "all"}});
  std::vector<std::string> names;
  for (const Column& column : data.columns()) names.push_back(column.name);
  BOOST_TEST((names == std::vector<std::string>{"x", "colour", "mask", "weight"}));
  const Item item(data, 1);
  BOOST_TEST((item.integers(1) == std::vector<std::int32_t>{200}));  // bytes are scaled in x alone
  BOOST_TEST((item.floats(2) == std::vector<float>{0, 1}));
  BOOST_TEST((item.floats(3) == std::vector<float>{2}));
  BOOST_REQUIRE(data.notices().size() == 2U);
  BOOST_TEST(data.notices()[0] == "the array 'classes' is not a column: 3 items and not 2");
  BOOST_TEST(data.notices()[1].starts_with("the array 'names' is not a column: "));
  BOOST_TEST(data.notices()[1].ends_with("values of an unsupported type"));
}

BOOST_AUTO_TEST_CASE(known_factors) {
  const ScratchFolder folder;
  const std::string file = folder.file("data.npz");
  const auto open = [&](const std::vector<std::int32_t>& factors) {
    write_archive(file, {{"x.npy", npy("<f4", "3, 2", kSix)}, {"factors.npy", npy("<i4", "3, 2", factors)}});
    return open_data("npy", {{"path", file}, {"split", "all"}}).factor_sizes();
  };
  BOOST_TEST((open({0, 4, 1, 0, 0, 2}) == std::vector<std::int64_t>{2, 5}));
  check_error(ErrorCode::data_corrupt, {"factor 1 of item 2 is negative", "-1"}, [&] { open({0, 4, 1, 0, 0, -1}); });
}

// scipy.sparse.save_npz of [[0, 2, 0], [0, 0, 0], [3, 0, 4], [0, 5, 0]] in its three common formats.
BOOST_AUTO_TEST_CASE(sparse_matrices) {
  const ScratchFolder folder;
  const std::string file = folder.file("counts.npz");
  using Ints = std::vector<std::int32_t>;
  const std::string shape = npy<std::int64_t>("<i8", "2,", {4, 3});
  const auto ints = [](const Ints& values) { return npy("<i4", std::to_string(values.size()) + ",", values); };
  const auto check = [&](const std::map<std::string, std::string>& files) {
    write_archive(file, files);
    const DataSource data = open_data("npy", {{"path", file}, {"split", "all"}});
    BOOST_REQUIRE(data.size() == 4);
    BOOST_TEST((Item(data, 0).floats() == std::vector<float>{0, 2, 0}));
    BOOST_TEST((Item(data, 1).floats() == std::vector<float>{0, 0, 0}));
    BOOST_TEST((Item(data, 2).floats() == std::vector<float>{3, 0, 4}));
    BOOST_TEST((Item(data, 3).floats() == std::vector<float>{0, 5, 0}));
    const DataSource codes = open_data("npy", {{"path", file}, {"split", "all"}, {"dtype", "i32"}});
    BOOST_TEST((Item(codes, 2).integers(0) == Ints{3, 0, 4}));
  };
  const std::string bytes_format = npy<char>("|S3", "", {'c', 's', 'r'}),
                    text_format = npy<std::uint32_t>("<U3", "", {'c', 's', 'c'});
  check({{"format.npy", bytes_format},
         {"shape.npy", shape},
         {"data.npy", ints({2, 3, 4, 5})},
         {"indices.npy", ints({1, 0, 2, 1})},
         {"indptr.npy", ints({0, 1, 1, 3, 4})}});
  check({{"format.npy", text_format},
         {"shape.npy", shape},
         {"data.npy", ints({3, 2, 5, 4})},
         {"indices.npy", ints({2, 0, 3, 2})},
         {"indptr.npy", ints({0, 1, 3, 4})}});
  check({{"format.npy", npy<char>("|S3", "", {'c', 'o', 'o'})},
         {"shape.npy", shape},
         {"data.npy", ints({5, 4, 1, 3, 1})},
         {"row.npy", ints({3, 2, 0, 2, 0})},
         {"col.npy", ints({1, 2, 1, 0, 1})}});
}

BOOST_AUTO_TEST_CASE(damaged_sparse_matrices) {
  const ScratchFolder folder;
  const std::string file = folder.file("counts.npz");
  const auto ints = [](const std::vector<std::int32_t>& values) {
    return npy("<i4", std::to_string(values.size()) + ",", values);
  };
  std::map<std::string, std::string> files = {{"format.npy", npy<char>("|S3", "", {'c', 's', 'r'})},
                                              {"shape.npy", ints({2, 3})},
                                              {"data.npy", ints({2, 3})},
                                              {"indices.npy", ints({1, 2})},
                                              {"indptr.npy", ints({0, 1, 2})}};
  const auto with = [&](const std::string& name, const std::string& bytes) {
    auto changed = files;
    changed[name] = bytes;
    write_archive(file, changed);
    return [&] { open_data("npy", {{"path", file}, {"split", "all"}}); };
  };
  check_error(ErrorCode::data_corrupt, {"an index lies outside"}, with("indices.npy", ints({1, 3})));
  check_error(ErrorCode::data_corrupt, {"an index lies outside"}, with("indices.npy", ints({1, -1})));
  check_error(ErrorCode::data_corrupt, {"an index lies outside"}, with("indices.npy", ints({1})));
  check_error(ErrorCode::data_corrupt, {"not in order"}, with("indptr.npy", ints({0, 3, 2})));
  check_error(ErrorCode::data_corrupt, {"indptr"}, with("indptr.npy", ints({0, 2})));
  check_error(ErrorCode::data_shape, {"rows x columns"}, with("shape.npy", ints({2})));
  for (const std::int64_t rows : {0, -2})
    check_error(ErrorCode::data_shape, {"impossible shape", std::to_string(rows)},
                with("shape.npy", npy<std::int64_t>("<i8", "2,", {rows, 3})));
  check_error(ErrorCode::data_wrong_format, {"bsr", "tocsr"},
              with("format.npy", npy<char>("|S3", "", {'b', 's', 'r'})));
}

BOOST_AUTO_TEST_CASE(values_that_are_not_finite) {
  const ScratchFolder folder;
  const std::string file = folder.file("x.npy");
  std::vector<float> values(60, 1);
  values[7] = std::numeric_limits<float>::quiet_NaN();
  values[58] = -std::numeric_limits<float>::infinity();
  write_bytes(file, npy("<f4", "20, 3", values));
  check_error(ErrorCode::data_corrupt, {"x.npy", "nan of item 2, value 1", "-inf of item 19, value 1"}, [&] {
    open_data("npy", {{"path", file}});
  });
}

BOOST_AUTO_TEST_CASE(a_file_of_its_own_for_the_test_split) {
  const ScratchFolder folder;
  write_bytes(folder.file("x.npy"), npy("<f4", "6, 1", kSix));
  write_bytes(folder.file("y.npy"), npy<float>("<f4", "2, 1", {8, 9}));
  const OptionList both = {{"path", folder.file("x.npy")}, {"test", folder.file("y.npy")}};
  const auto split = [&](const char* name) {
    OptionList options = both;
    options.emplace_back("split", name);
    return options;
  };
  BOOST_TEST(open_data("npy", split("train")).size() == 6);
  const DataSource test = open_data("npy", split("test"));
  BOOST_TEST(test.size() == 2);
  BOOST_TEST((Item(test, 1).floats() == std::vector<float>{9}));
  check_error(ErrorCode::data_specification, {"split: all"}, [&] { open_data("npy", split("all")); });
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
  write_archive(file, {{"images.npy", npy("<f4", "2, 3", kSix)}, {"y.npy", npy<std::int32_t>("<i4", "2,", {5, 6})}});
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
  // One is held out of few items.
  write_bytes(folder.file("x.npy"), npy("<f4", "5, 1", std::vector<float>(5, 1)));
  BOOST_TEST(open_data("npy", {{"path", folder.file("x.npy")}}).size() == 4);
  BOOST_TEST(open_data("npy", {{"path", folder.file("x.npy")}, {"split", "test"}}).size() == 1);
}

BOOST_AUTO_TEST_CASE(an_empty_test_split_names_the_option) {
  const ScratchFolder folder;
  write_bytes(folder.file("x.npy"), npy("<f4", "1, 6", kSix));
  check_error(ErrorCode::data_empty, {"'test'", "the option holdout"}, [&] {
    open_data("npy", {{"path", folder.file("x.npy")}, {"split", "test"}});
  });
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
  write_bytes(file, npy("<c8", "3,", kSix));
  check_error(ErrorCode::data_wrong_format, {"<c8", "astype('float32')"}, open);
  write_bytes(file, npy("<f4", "1000000000000, 1000000000000, 100000", kSix));
  check_error(ErrorCode::data_truncated, {"x.npy"}, open);
  write_bytes(file, good);
  check_error(ErrorCode::data_wrong_format, {"not integers"}, [&] {
    open_data("npy", {{"path", file}, {"dtype", "i32"}});
  });
  write_bytes(folder.file("y.npy"), npy<std::int32_t>("<i4", "3,", {1, 2, 3}));
  check_error(ErrorCode::data_shape, {"y.npy", "got:      3 items", "expected: 2 integers"}, [&] {
    open_data("npy", {{"path", file}, {"labels", folder.file("y.npy")}});
  });
}

BOOST_AUTO_TEST_CASE(a_damaged_archive) {
  const ScratchFolder folder;
  const std::string file = folder.file("data.npz");
  const auto open = [&] { open_data("npy", {{"path", file}}); };
  write_bytes(file, "PK no archive");
  check_error(ErrorCode::data_wrong_format, {"data.npz"}, open);
  write_archive(file, {{"x.npy", npy("<f4", "100, 30", std::vector<float>(3000, 0.25F))}});
  std::string bytes = read_bytes(file);
  for (std::size_t i = 40; i < 60; ++i) bytes[i] = static_cast<char>(~bytes[i]);
  write_bytes(file, bytes);
  check_error(ErrorCode::data_corrupt, {"data.npz"}, open);
  write_archive(file, {{"readme.txt", "no arrays"}});
  check_error(ErrorCode::data_empty, {"no array"}, open);
}

BOOST_AUTO_TEST_CASE(whole_arrays_as_tensors) {
  const ScratchFolder folder;
  write_bytes(folder.file("x.npy"), npy<double>("<f8", "2, 3", {1, 2, 3, 4, 5, 6}));
  const Tensor tensor = read_npy(folder.file("x.npy"));
  BOOST_TEST((tensor.shape() == Shape{2, 3}));
  BOOST_TEST(tensor.values()[5] == 6);
}

BOOST_AUTO_TEST_CASE(masks_of_integers_are_masks) {
  const ScratchFolder folder;
  const std::string file = folder.file("x.npz");
  write_archive(
      file, {{"x.npy", npy("<f4", "2, 3", kSix)}, {"mask.npy", npy<std::uint8_t>("|u1", "2, 3", {1, 0, 1, 1, 1, 0})}});
  const DataSource data = open_data("npy", {{"path", file}, {"split", "all"}});
  const auto mask = std::ranges::find(data.columns(), "mask", &Column::name);
  BOOST_REQUIRE((mask != data.columns().end()));
  BOOST_TEST((mask->dtype == DType::f32 && mask->role == ColumnRole::mask));
  BOOST_TEST(
      (Item(data, 0).floats(static_cast<std::size_t>(mask - data.columns().begin())) == std::vector<float>{1, 0, 1}));
}

BOOST_AUTO_TEST_CASE(items_with_one_number_stay_together) {
  const ScratchFolder folder;
  const std::string file = folder.file("x.npz");
  std::vector<float> x;
  std::vector<std::int64_t> speaker;
  for (int i = 0; i < 40; ++i) {
    x.push_back(static_cast<float>(i % 8));
    speaker.push_back(i % 8 - 4);
  }
  write_archive(file, {{"x.npy", npy("<f4", "40, 1", x)}, {"speaker.npy", npy("<i8", "40,", speaker)}});
  std::set<float> held_out;
  for (const char* split : {"test", "train"}) {
    const DataSource data =
        open_data("npy", {{"path", file}, {"holdout", 4}, {"holdout_by", "speaker"}, {"split", split}});
    BOOST_TEST(data.size() == (std::string(split) == "test" ? 10 : 30));
    for (std::int64_t i = 0; i < data.size(); ++i) {
      const float value = Item(data, i).floats()[0];
      if (std::string(split) == "test")
        held_out.insert(value);
      else
        BOOST_TEST(held_out.count(value) == 0U);
    }
  }
  BOOST_TEST(held_out.size() == 2U);
  check_error(ErrorCode::data_not_found, {"no array 'speakr'", "did you mean 'speaker'"}, [&] {
    open_data("npy", {{"path", file}, {"holdout_by", "speakr"}});
  });
}

BOOST_AUTO_TEST_SUITE_END()

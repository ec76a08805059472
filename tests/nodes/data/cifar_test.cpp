// CIFAR-10 records: planes become channels, and wrong files are named.
#include "nodes/data/data_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

// Records whose label is `first`, `first` + 1, ... and whose planes hold label + 10, + 20, + 30.
std::string records(int count, int first = 0) {
  std::string bytes;
  for (int label = first; label < first + count; ++label) {
    bytes += static_cast<char>(label);
    for (int channel = 1; channel <= 3; ++channel) bytes += std::string(1024, static_cast<char>(label + 10 * channel));
  }
  return bytes;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cifar)

BOOST_AUTO_TEST_CASE(a_folder_with_batches) {
  const ScratchFolder folder;
  write_bytes(folder.file("data_batch_1.bin"), records(2));
  write_gzip(folder.file("data_batch_2.bin.gz"), records(3, 2));
  write_gzip(folder.file("data_batch_1.bin.gz"), records(2));  // the same again, packed
  write_bytes(folder.file("test_batch.bin"), records(1, 9));
  const DataSource train = open_data("cifar", {{"path", folder.path()}});
  BOOST_TEST(train.size() == 5);
  BOOST_TEST((train.columns()[0].event == Shape{32, 32, 3}));
  const Item item(train, 3);
  BOOST_TEST(item.integers(1)[0] == 3);
  for (std::size_t i = 0; i < 3072; ++i)
    BOOST_REQUIRE(item.floats()[i] == static_cast<float>(13 + 10 * static_cast<int>(i % 3)) / 255.0F);
  BOOST_TEST(open_data("cifar", {{"path", folder.path()}, {"split", "test"}}).size() == 1);
  BOOST_TEST(open_data("cifar", {{"path", folder.path()}, {"split", "all"}}).size() == 6);
  BOOST_TEST(open_data("cifar", {{"path", folder.file("test_batch.bin")}, {"split", "all"}}).size() == 1);
}

BOOST_AUTO_TEST_CASE(wrong_files) {
  const ScratchFolder folder;
  const std::string file = folder.file("data_batch_1.bin");
  const auto open = [&] { open_data("cifar", {{"path", file}, {"split", "all"}}); };
  check_error(ErrorCode::data_not_found, {"data_batch_1.bin"}, open);
  write_bytes(file, "");
  check_error(ErrorCode::data_empty, {"data_batch_1.bin"}, open);
  write_bytes(file, records(2).substr(0, 5000));
  check_error(ErrorCode::data_truncated, {"byte 5000", "3073"}, open);
  write_bytes(file, records(1, 80));
  check_error(ErrorCode::data_wrong_format, {"byte 0", "80", "0 to 9"}, open);
  write_bytes(file, records(1) + records(1, 80));
  check_error(ErrorCode::data_corrupt, {"byte 3073", "80"}, open);
  check_error(ErrorCode::data_not_found, {"test_batch.bin"}, [&] {
    open_data("cifar", {{"path", folder.path()}, {"split", "test"}});
  });
}

BOOST_AUTO_TEST_SUITE_END()

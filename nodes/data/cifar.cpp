// The binary version of CIFAR-10 (Krizhevsky 2009): records of 3073 bytes, a label and 32 x 32 red, then green, then
// blue. Plain or gzip.
#include <filesystem>

#include "files.h"
#include "loom/dataset.h"

namespace {

using loom::ErrorCode;
using loom::file_error;

constexpr std::int64_t kSide = 32, kPixels = kSide * kSide, kChannels = 3, kRecord = 1 + kChannels * kPixels;
constexpr int kClasses = 10;

std::vector<std::string> batch_files(const std::string& path, const std::string& split) {
  if (!loom::is_folder(path)) return {path};
  std::vector<std::string> files;
  for (const std::string& file : loom::list_files(path, {".bin", ".gz"})) {
    const std::string name = std::filesystem::path(file).filename().string();
    if (!name.starts_with("data_batch") && !name.starts_with("test_batch")) continue;
    if (name.ends_with(".gz") && loom::is_file(file.substr(0, file.size() - 3))) continue;  // the same file, compressed
    if (split == "all" || name.starts_with("test") == (split == "test")) files.push_back(file);
  }
  if (files.empty()) {
    throw file_error(ErrorCode::data_not_found, path, loom::kNoOffset, fmt::format("no file of the split '{}'", split),
                     "none", "data_batch_1.bin ... data_batch_5.bin and test_batch.bin, plain or .gz");
  }
  return files;
}

class Cifar final : public loom::Dataset {
 public:
  static void declare(loom::Contract& c) {
    c.summary("CIFAR-10 in its binary version, plain or gzip");
    c.source("Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images");
    c.output("x", "[N, 32, 32, 3]", "the image in [0, 1]");
    c.output("label", "[N]", "the class").dtype(loom::DType::i32);
    c.option("path", loom::required, loom::text(),
             "a folder with data_batch_*.bin and test_batch.bin, or one such file");
    loom::declare_split(c,
                        "the files of that split; of a single file, test is every 10th item of a pseudo-random order");
  }

  explicit Cifar(const loom::Options& options) {
    const std::string& path = options.text("path");
    const std::string& split = options.text("split");
    loom::require_exists(path);
    for (const std::string& file : batch_files(path, split)) add(file);
    const auto total = static_cast<std::int64_t>(records_.size()) / kRecord;
    split_ = loom::Split(loom::is_folder(path) ? "all" : split, total, 10, 1);
    hash_.add(split_.size());
  }

  std::int64_t size() const override { return split_.size(); }
  std::vector<loom::Column> columns() const override {
    loom::Column label{"label", loom::DType::i32, {}, 0, kClasses - 1, loom::ColumnRole::label};
    label.classes = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
    return {{"x", loom::DType::f32, {kSide, kSide, kChannels}, 0, 1}, label};
  }
  std::string hash() const override { return hash_.text(); }

  void read(std::int64_t index, std::span<const loom::TensorView> out) const override {
    const std::byte* record = records_.data() + split_.item(index) * kRecord;
    *out[1].data<std::int32_t>() = static_cast<std::int32_t>(record[0]);
    float* x = out[0].data();
    for (std::int64_t channel = 0; channel < kChannels; ++channel) {  // planes in the file, channels last here
      const std::byte* plane = record + 1 + channel * kPixels;
      for (std::int64_t i = 0; i < kPixels; ++i) x[i * kChannels + channel] = static_cast<float>(plane[i]) / 255.0F;
    }
  }

 private:
  void add(const std::string& file) {
    const std::vector<std::byte> bytes = loom::read_whole(file);
    const auto size = static_cast<std::int64_t>(bytes.size());
    if (size % kRecord != 0) {
      throw file_error(ErrorCode::data_truncated, file, size, "the last record is cut off",
                       fmt::format("{} bytes", size), fmt::format("a multiple of {} bytes", kRecord));
    }
    for (std::int64_t at = 0; at < size; at += kRecord) {
      const auto label = static_cast<int>(bytes[static_cast<std::size_t>(at)]);
      if (label >= kClasses) {
        throw file_error(at == 0 ? ErrorCode::data_wrong_format : ErrorCode::data_corrupt, file, at,
                         "this is not a label", fmt::format("{}", label), fmt::format("0 to {}", kClasses - 1));
      }
    }
    hash_.add(bytes);
    records_.insert(records_.end(), bytes.begin(), bytes.end());
  }

  std::vector<std::byte> records_;
  loom::Split split_;
  loom::ContentHash hash_;
};
LOOM_DATASET(Cifar, "cifar")

}  // namespace

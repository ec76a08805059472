// The IDX format of MNIST and its relatives (LeCun, Cortes, Burges: yann.lecun.com/exdb/mnist): big-endian header, then
// bytes. Plain or gzip.
#include <array>
#include <filesystem>
#include <optional>

#include "files.h"
#include "loom/dataset.h"

namespace {

using loom::Error;
using loom::ErrorCode;
using loom::file_error;

struct Array {
  std::string file;
  std::vector<std::byte> bytes;
  std::vector<std::int64_t> extents;
  std::size_t start = 0;  // where the values begin
};

void check_magic(const Array& array) {
  const std::size_t size = array.bytes.size();
  if (size < 4) {
    throw file_error(ErrorCode::data_truncated, array.file, static_cast<std::int64_t>(size), "the header is cut off",
                     fmt::format("{} bytes", size), "a magic number of 4 bytes");
  }
  const auto byte = [&](std::size_t i) { return static_cast<unsigned>(array.bytes[i]); };
  if (byte(0) != 0 || byte(1) != 0) {
    throw file_error(ErrorCode::data_wrong_format, array.file, 0, "this is not an IDX file",
                     fmt::format("{:02x} {:02x} {:02x} {:02x}", byte(0), byte(1), byte(2), byte(3)),
                     "00 00 08 <number of axes>");
  }
  if (byte(2) != 8) {
    throw file_error(ErrorCode::data_wrong_format, array.file, 2, "the values are not unsigned bytes",
                     fmt::format("type {:02x}", byte(2)), "type 08");
  }
}

// `axes` are the allowed numbers of axes; the sizes in the header must match the size of the file.
Array read_array(const std::string& file, std::initializer_list<std::size_t> axes) {
  Array array{file, loom::read_whole(file), {}, 0};
  check_magic(array);
  const auto rank = static_cast<std::size_t>(array.bytes[3]);
  if (std::find(axes.begin(), axes.end(), rank) == axes.end()) {
    throw file_error(ErrorCode::data_wrong_format, file, 3, "wrong number of axes", fmt::format("{}", rank),
                     loom::joined(axes, " or "));
  }
  array.start = 4 + 4 * rank;
  const auto size = static_cast<std::int64_t>(array.bytes.size());
  if (array.bytes.size() < array.start) {
    throw file_error(ErrorCode::data_truncated, file, size, "the header is cut off", fmt::format("{} bytes", size),
                     fmt::format("{} bytes", array.start));
  }
  std::int64_t values = 1;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    std::int64_t extent = 0;
    for (std::size_t i = 0; i < 4; ++i) extent = extent << 8 | static_cast<std::int64_t>(array.bytes[4 + 4 * axis + i]);
    if (extent == 0)
      throw file_error(ErrorCode::data_empty, file, static_cast<std::int64_t>(4 + 4 * axis),
                       "an extent of 0: there are no items");
    // The extents may be invalid: stop before their product overflows.
    values = values > (std::int64_t{1} << 62) / extent ? std::int64_t{1} << 62 : values * extent;
    array.extents.push_back(extent);
  }
  const std::int64_t got = size - static_cast<std::int64_t>(array.start);
  if (got != values) {
    throw file_error(got < values ? ErrorCode::data_truncated : ErrorCode::data_corrupt, file,
                     std::min(size, static_cast<std::int64_t>(array.start) + values),
                     got < values ? "the values end early" : "there is more data than the header says",
                     fmt::format("{} bytes of values", got),
                     fmt::format("{} ({})", values, loom::joined(array.extents, " x ")));
  }
  return array;
}

std::string without_gz(const std::string& name) {
  return name.ends_with(".gz") ? name.substr(0, name.size() - 3) : name;
}

// The images file of one split in a folder: MNIST names them train-images..., t10k-images...; others have prefixes.
std::string find_images(const std::string& folder, bool train) {
  std::vector<std::string> found, all;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const auto has = [&](const char* part) { return name.find(part) != std::string::npos; };
    if (!has("images") || !has("idx")) continue;
    all.push_back(name);
    if (train ? has("train") : has("t10k") || has("test")) found.push_back(entry.path().string());
  }
  std::ranges::sort(found);
  std::ranges::sort(all);
  const auto [first, last] = std::ranges::unique(found, {}, without_gz);  // a plain file and its .gz are the same file
  found.erase(first, last);
  if (found.size() == 1) return found.front();
  throw file_error(found.empty() ? ErrorCode::data_not_found : ErrorCode::data_specification, folder, loom::kNoOffset,
                   fmt::format("{} images file for the split '{}'", found.empty() ? "no" : "more than one",
                               train ? "train" : "test"),
                   loom::joined(found.empty() ? all : found),
                   train ? "train-images-idx3-ubyte, plain or .gz" : "t10k-images-idx3-ubyte, plain or .gz");
}

// The labels next to "...images-idx3-ubyte": "...labels-idx1-ubyte"; "" if there are none.
std::string find_labels(const std::string& images) {
  std::filesystem::path path(without_gz(images));
  std::string name = path.filename().string();
  for (const auto& [from, to] : {std::pair{"images", "labels"}, {"idx3", "idx1"}, {"idx4", "idx1"}}) {
    if (const std::size_t at = name.rfind(from); at != std::string::npos)
      name.replace(at, std::string_view(from).size(), to);
  }
  const std::string labels = path.replace_filename(name).string();
  if (labels == without_gz(images)) return "";
  for (const std::string& file : {labels, labels + ".gz"}) {
    if (loom::is_file(file)) return file;
  }
  return "";
}

class Idx final : public loom::Dataset {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Images in the IDX format of MNIST, Fashion-MNIST, KMNIST and EMNIST, plain or gzip");
    c.source("LeCun, Cortes, Burges: The MNIST database");
    c.output("x", "[N, H, W, C]", "the image in [0, 1]; one channel if the file has no channel axis");
    c.output("label", "[N]", "the class, if there is a labels file").dtype(loom::DType::i32);
    c.option("path", loom::required, loom::text(), "a folder with the train and t10k files, or one images file");
    loom::declare_split(c,
                        "the files of that split; of a single file, test is every 10th item of a pseudo-random order");
  }

  explicit Idx(const loom::Options& options) {
    const std::string& path = options.text("path");
    const std::string& split = options.text("split");
    loom::require_exists(path);
    const bool folder = loom::is_folder(path);
    if (!folder)
      add(path);
    else {
      if (split != "test") add(find_images(path, true));
      if (split != "train") add(find_images(path, false));
    }
    for (const Array& part : images_) total_ += part.extents[0];
    split_ = loom::Split(folder ? "all" : split, total_, 10, 1);
    hash_.add(split_.size());
  }

  std::int64_t size() const override { return split_.size(); }
  std::vector<loom::Column> columns() const override {
    const std::vector<std::int64_t>& extents = images_.front().extents;
    std::vector<loom::Column> columns = {
        {"x", loom::DType::f32, {extents[1], extents[2], extents.size() == 4 ? extents[3] : 1}, 0, 1}};
    if (has_labels()) columns.push_back({"label", loom::DType::i32, {}, 0, 255, loom::ColumnRole::label});
    return columns;
  }
  std::string hash() const override { return hash_.text(); }

  void read(std::int64_t index, std::span<const loom::TensorView> out) const override {
    std::int64_t item = split_.item(index);
    std::size_t part = 0;
    while (item >= images_[part].extents[0]) item -= images_[part++].extents[0];
    const std::span<float> x = out[0].values();
    const std::byte* bytes =
        images_[part].bytes.data() + images_[part].start + static_cast<std::size_t>(item) * x.size();
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(bytes[i]) / 255.0F;
    if (has_labels())
      *out[1].data<std::int32_t>() = static_cast<std::int32_t>(labels_[part].bytes[8 + static_cast<std::size_t>(item)]);
  }

 private:
  bool has_labels() const { return labels_.size() == images_.size(); }

  void add(const std::string& file) {
    images_.push_back(read_array(file, {3, 4}));
    const Array& images = images_.back();
    hash_.add(images.bytes);
    const std::vector<std::int64_t>& first = images_.front().extents;
    if (!std::equal(first.begin() + 1, first.end(), images.extents.begin() + 1, images.extents.end())) {
      throw file_error(ErrorCode::data_shape, file, 8,
                       "the images have a different shape from those of the train split",
                       loom::joined(images.extents, " x "), loom::joined(first, " x "));
    }
    const std::string labels = find_labels(file);
    if (labels.empty()) return;
    labels_.push_back(read_array(labels, {1}));
    hash_.add(labels_.back().bytes);
    if (labels_.back().extents[0] == images.extents[0]) return;
    throw file_error(ErrorCode::data_corrupt, labels, 4,
                     fmt::format("the number of labels differs from the images in {}", file),
                     fmt::format("{}", labels_.back().extents[0]), fmt::format("{}", images.extents[0]));
  }

  std::vector<Array> images_, labels_;
  std::int64_t total_ = 0;
  loom::Split split_;
  loom::ContentHash hash_;
};
LOOM_DATASET(Idx, "idx")

}  // namespace

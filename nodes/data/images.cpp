// A folder of PNG and JPEG images, decoded when they are read.
#include <filesystem>

#include "image_file.h"
#include "loom/dataset.h"

namespace {

// The first folder below `root` on the way to `file`, or "" for a file in `root` itself.
std::string class_of(const std::string& file, const std::string& root) {
  const std::filesystem::path below = std::filesystem::path(file).lexically_relative(root);
  return std::distance(below.begin(), below.end()) > 1 ? below.begin()->string() : "";
}

class Images final : public loom::Dataset {
 public:
  static void declare(loom::Contract& c) {
    c.summary("A folder of PNG and JPEG images, with its subfolders, decoded when they are read");
    c.output("x", "[N, height, width, channels]", "the centre of the image, resized, in [0, 1]");
    c.output("label", "[N]", "number of the subfolder in alphabetical order, if every image is in one")
        .dtype(loom::DType::i32);
    c.option("path", loom::required, loom::text(), "the folder");
    c.option("size", 0, loom::integer().at_least(0).at_most(8192), "height and width; 0: those of the first image",
             "pixels");
    c.option("height", 0, loom::integer().at_least(0).at_most(8192), "0: size", "pixels");
    c.option("width", 0, loom::integer().at_least(0).at_most(8192), "0: size", "pixels");
    c.option("channels", 3, loom::integer().at_least(1).at_most(3), "1: gray, 3: red, green, blue");
    c.option("holdout", 10, loom::integer().at_least(2), "one of this many images is held out for test");
    loom::declare_split(c, "test is every holdout-th image of a pseudo-random order");
  }

  explicit Images(const loom::Options& options)
      : folder_(options.text("path")),
        files_(loom::list_files(folder_, {".png", ".jpg", ".jpeg"})),
        channels_(static_cast<int>(options.integer("channels"))),
        split_name_(options.text("split")) {
    if (channels_ == 2) throw loom::Error(loom::ErrorCode::data_specification, "[images] channels is 2", "use 1 or 3");
    const auto extent = [&](const char* name) {
      return static_cast<int>(options.integer(name) > 0 ? options.integer(name) : options.integer("size"));
    };
    height_ = extent("height");
    width_ = extent("width");
    // The first image is always decoded, so that a folder of other files is detected before training.
    const loom::Image first = loom::read_image(files_.front(), channels_, 0);
    if (height_ == 0) height_ = first.height;
    if (width_ == 0) width_ = first.width;
    split_ = loom::Split(split_name_, static_cast<std::int64_t>(files_.size()), options.integer("holdout"), 1);
    number_classes();
  }

  std::int64_t size() const override { return split_.size(); }
  std::vector<loom::Column> columns() const override {
    std::vector<loom::Column> columns = {{"x", loom::DType::f32, {height_, width_, channels_}}};
    if (!labels_.empty()) columns.push_back({"label", loom::DType::i32, {}});
    return columns;
  }
  std::string hash() const override {
    loom::ContentHash hash;
    loom::add_files(hash, folder_, files_);
    for (std::int64_t value : {std::int64_t{height_}, std::int64_t{width_}, std::int64_t{channels_}, split_.size()})
      hash.add(value);
    hash.add(split_name_);
    return hash.text();
  }

  void read(std::int64_t index, std::span<const loom::TensorView> out) const override {
    const auto item = static_cast<std::size_t>(split_.item(index));
    const loom::Image image = loom::read_image(files_[item], channels_, std::max(height_, width_));
    const std::vector<unsigned char> pixels = loom::fit_image(image, height_, width_);
    std::ranges::transform(pixels, out[0].data(),
                           [](unsigned char value) { return static_cast<float>(value) / 255.0F; });
    if (!labels_.empty()) *out[1].data<std::int32_t>() = labels_[item];
  }

 private:
  void number_classes() {
    std::map<std::string, std::int32_t> numbers;
    for (const std::string& file : files_) numbers.emplace(class_of(file, folder_), 0);
    if (numbers.contains("")) return;
    std::int32_t next = 0;
    for (auto& [name, number] : numbers) number = next++;
    for (const std::string& file : files_) labels_.push_back(numbers.at(class_of(file, folder_)));
  }

  std::string folder_;
  std::vector<std::string> files_;
  int channels_, height_ = 0, width_ = 0;
  std::string split_name_;
  loom::Split split_;
  std::vector<std::int32_t> labels_;  // empty if there are images outside subfolders
};
LOOM_DATASET(Images, "images")

}  // namespace

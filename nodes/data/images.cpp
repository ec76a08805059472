// A folder of images, decoded when they are read.
#include "files.h"
#include "image_file.h"
#include "image_folder.h"
#include "loom/dataset.h"

namespace {

class Images final : public loom::Dataset {
 public:
  static void declare(loom::Contract& c) {
    c.summary("A folder of images (PNG, JPEG, WebP, BMP, TIFF), with its subfolders, decoded when they are read");
    c.output("x", "[N, height, width, channels]",
             "the centre of the image, upright, resized, in [0, 1]: the stored value over the largest that can be "
             "stored (255; 65535 for 16 bits), without gamma or colour profile; of several pages or frames, the first");
    c.output("label", "[N]", "number of the subfolder in alphabetical order, if every image is in one")
        .dtype(loom::DType::i32);
    c.option("path", loom::required, loom::text(),
             "the folder, or an archive of one (.tar, .zip; compressed ones are decoded into memory). "
             "Directly in it, the folders train, test and validation (or val) are the splits; without "
             "test, validation takes its place. Hidden files are ignored");
    c.option("size", 0, loom::integer().at_least(0).at_most(8192), "height and width; 0: those of the first image",
             "pixels");
    c.option("height", 0, loom::integer().at_least(0).at_most(8192), "0: size", "pixels");
    c.option("width", 0, loom::integer().at_least(0).at_most(8192), "0: size", "pixels");
    c.option("crop", 0, loom::integer().at_least(0).at_most(8192),
             "only the central square of so many pixels is read, before it is resized; 0: the largest part of the form "
             "height : width",
             "pixels");
    c.option("channels", 3, loom::integer().at_least(1).at_most(3),
             "3: red, green, blue; 1: gray, of colours 0.299 red + 0.587 green + 0.114 blue");
    c.option("background", 0.0, loom::number().at_least(0).at_most(1),
             "the gray on which transparent pixels are laid; 0: black, 1: white");
    c.option("max_pixels", loom::kMostPixels, loom::integer().at_least(1).at_most(loom::kMostPixels),
             "a larger image is unreadable; its header tells, before memory is taken", "pixels");
    loom::declare_archive(c);
    c.option("unreadable", "error", loom::text({"error", "skip"}),
             "images that are cut off, damaged, larger than max_pixels or smaller than crop: an error that lists them, "
             "or they are left out with a notice. To find them, skip decodes every image when the data are opened");
    c.option("holdout", 10, loom::integer().at_least(2),
             "one of this many images is held out for test; without meaning where folders are the splits");
    loom::declare_folder_split(
        c, "test is every holdout-th image of a pseudo-random order, or the images of the folder test");
  }

  explicit Images(const loom::Options& options)
      : path_(options.text("path")),
        crop_(static_cast<int>(options.integer("crop"))),
        channels_(static_cast<int>(options.integer("channels"))),
        background_(static_cast<float>(options.number("background"))),
        split_name_(options.text("split")) {
    if (channels_ == 2) throw loom::Error(loom::ErrorCode::data_specification, "[images] channels is 2", "use 1 or 3");
    folder_ = loom::open_image_folder(path_, {options.text("unreadable") == "skip", crop_,
                                              options.integer("max_pixels"), options.integer("max_bytes")});
    const auto extent = [&](const char* name) {
      return static_cast<int>(options.integer(name) > 0 ? options.integer(name) : options.integer("size"));
    };
    height_ = extent("height");
    width_ = extent("width");
    // The first image is always decoded, so that what no header shows is found before training where all are alike.
    const loom::Image first = read_file(0, 0);
    if (height_ == 0) height_ = first.height;
    if (width_ == 0) width_ = first.width;
    if (extent("height") == 0 || extent("width") == 0) notice_other_sizes();
    choose_items(options.integer("holdout"));
    number_classes();
  }

  std::int64_t size() const override { return static_cast<std::int64_t>(items_.size()); }
  std::vector<loom::Column> columns() const override {
    std::vector<loom::Column> columns = {{"x", loom::DType::f32, {height_, width_, channels_}, 0, 1}};
    if (!labels_.empty()) columns.push_back(labels_.column());
    return columns;
  }
  loom::Origin origin(std::int64_t index) const override {
    return {folder_.files[items_[static_cast<std::size_t>(index)]].path, 0};
  }
  // The size is that of the first image of the training data, if no option gives it.
  std::map<std::string, loom::OptionValue> settled_options() const override {
    return {{"height", height_}, {"width", width_}};
  }
  bool has_validation() const override { return folder_.parts.has_validation(); }
  std::vector<std::string> notices() const override { return folder_.notices; }
  std::string hash() const override { return hash_of(false); }
  std::string earlier_hash() const override { return hash_of(true); }

  void read(std::int64_t index, std::span<const loom::TensorView> out) const override {
    const std::size_t item = items_[static_cast<std::size_t>(index)];
    std::ranges::copy(loom::fit_image(read_file(item, std::max(height_, width_)), height_, width_), out[0].data());
    if (!labels_.empty()) *out[1].data<std::int32_t>() = labels_.numbers[item];
  }

 private:
  // A JPEG may be decoded at a reduced scale, unless its pixels are counted.
  loom::Image read_file(std::size_t file, int least_side) const {
    if (crop_ == 0) return folder_.read(file, {channels_, least_side, background_});
    return loom::central_square(folder_.read(file, {channels_, 0, background_}), crop_);
  }

  std::string hash_of(bool format_1) const {
    loom::ContentHash hash;
    folder_.add_to(hash, path_, format_1);
    for (std::int64_t value : {std::int64_t{height_}, std::int64_t{width_}, std::int64_t{channels_}, size()})
      hash.add(value);
    hash.add(split_name_);
    if (crop_ != 0) hash.add(std::int64_t{crop_});
    if (background_ != 0) hash.add(std::as_bytes(std::span(&background_, 1)));
    return hash.text();
  }

  // Nobody has asked for a size: that of the first image is every image's.
  void notice_other_sizes() {
    const auto sides = [](const loom::ImageHeader& header) { return std::minmax({header.height, header.width}); };
    const auto first = sides(folder_.files.front().header);
    const auto other =
        std::ranges::count_if(folder_.files, [&](const auto& file) { return sides(file.header) != first; });
    if (other == 0 || crop_ > 0) return;
    folder_.notices.push_back(
        fmt::format("{} of {} images have another size than the first: they are cut and resized to its {} x {} pixels; "
                    "size says which",
                    other, folder_.files.size(), height_, width_));
  }

  void choose_items(std::int64_t holdout) {
    folder_.parts.require(split_name_);
    if (folder_.parts.divided()) {
      for (std::size_t i = 0; i < folder_.files.size(); ++i) {
        if (folder_.parts.is_in(split_name_, folder_.files[i].path)) items_.push_back(i);
      }
      if (items_.empty())
        throw loom::file_error(loom::ErrorCode::data_empty, path_, loom::kNoOffset,
                               fmt::format("the folder of the split '{}' has no images", split_name_));
      return;
    }
    const loom::Split split(split_name_, static_cast<std::int64_t>(folder_.files.size()), holdout, 1);
    for (std::int64_t i = 0; i < split.size(); ++i) items_.push_back(static_cast<std::size_t>(split.item(i)));
  }

  void number_classes() {
    std::vector<std::string> classes;
    for (const loom::ImageFolder::File& file : folder_.files) classes.push_back(file.class_name);
    labels_ = loom::numbered(classes);
  }

  std::string path_;
  loom::ImageFolder folder_;
  int crop_, channels_, height_ = 0, width_ = 0;
  float background_;
  std::string split_name_;
  std::vector<std::size_t> items_;  // of the split, as places in folder_.files
  loom::Classes labels_;            // of all files; empty if there are images outside subfolders
};
LOOM_DATASET(Images, "images")

}  // namespace

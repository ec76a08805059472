// NumPy arrays: a .npy file, mapped and read item by item, or an array of an .npz archive, read into memory.
#include <algorithm>

#include "io/npy.h"
#include "io/npz.h"
#include "loom/dataset.h"

namespace {

using loom::ErrorCode;
using loom::file_error;
using loom::kNoOffset;

struct Array {
  loom::MappedFile file;          // the file of a .npy
  std::vector<std::byte> memory;  // the bytes of an archive's array
  loom::NpyHeader header;
  std::string name;  // in errors

  std::span<const std::byte> bytes() const {
    return memory.empty() ? file.bytes() : std::span<const std::byte>(memory);
  }
  const std::byte* values() const { return bytes().data() + header.start; }
};

bool is_archive(const std::string& path) { return path.ends_with(".npz"); }

Array open_file(const std::string& path) {
  Array array{loom::MappedFile(path), {}, {}, path};
  array.header = loom::read_npy_header(array.bytes(), path);
  return array;
}

// `name` is the array's name; "" means x, or the first array of the archive.
Array open_member(const std::string& path, const std::string& name) {
  const loom::NpzFile archive(path);
  const std::vector<std::string>& names = archive.names();
  auto it = std::ranges::find(names, name.empty() ? "x" : name);
  if (it == names.end() && name.empty()) it = names.begin();
  if (it == names.end()) {
    throw file_error(ErrorCode::data_not_found, path, kNoOffset, fmt::format("the archive has no array '{}'", name),
                     name, "one of " + loom::joined(names));
  }
  Array array{{}, archive.read(*it), {}, archive.name_of(*it)};
  array.header = loom::read_npy_header(array.bytes(), array.name);
  return array;
}

class Npy final : public loom::Dataset {
 public:
  static void declare(loom::Contract& c) {
    c.summary(
        "NumPy arrays, items first: a .npy file, read on demand, or an array of an .npz archive, read into "
        "memory");
    c.output("x", "[N, ...E]", "the array's items, times scale");
    c.output("label", "[N]", "the labels, if the option names them").dtype(loom::DType::i32);
    c.option("path", loom::required, loom::text(), "the .npy or .npz file");
    c.option("array", "", loom::text(), "name of the array in an .npz; by default x, or the first");
    c.option("labels", "", loom::text(), "integer labels: another array of the .npz, or the path of another .npy");
    c.option("dtype", "f32", loom::text({"f32", "i32"}), "type of x; i32 (tokens) for arrays of integers");
    c.option("scale", loom::OptionValue{}, loom::number(),
             "factor for x; default: 1/255 for bytes, otherwise 1; not for i32");
    c.option("holdout", 10, loom::integer().at_least(2), "one of this many items is held out for test");
    loom::declare_split(c, "test is every holdout-th item of a pseudo-random order");
  }

  explicit Npy(const loom::Options& options) {
    const std::string& path = options.text("path");
    const std::string& labels = options.text("labels");
    x_ = is_archive(path) ? open_member(path, options.text("array")) : open_file(path);
    if (!labels.empty())
      labels_ = std::make_unique<Array>(is_archive(path) ? open_member(path, labels) : open_file(labels));
    integers_ = options.text("dtype") == "i32";
    if (integers_) require_integers(x_);
    if (labels_) check_labels();
    scale_ = options.has("scale")                  ? static_cast<float>(options.number("scale"))
             : x_.header.type == loom::NpyType::u1 ? 1.0F / 255
                                                   : 1.0F;
    split_ = loom::Split(options.text("split"), x_.header.items(), options.integer("holdout"), 1);
    hash_.add(split_.size());
    hash_.add(options.text("split"));
  }

  std::int64_t size() const override { return split_.size(); }
  std::vector<loom::Column> columns() const override {
    const loom::Shape event(std::span(x_.header.extents).subspan(1));
    std::vector<loom::Column> columns = {{"x", integers_ ? loom::DType::i32 : loom::DType::f32, event}};
    if (labels_) columns.push_back({"label", loom::DType::i32, {}});
    return columns;
  }
  // Called only for reports, since it reads the whole array.
  std::string hash() const override {
    loom::ContentHash hash = hash_;
    hash.add(x_.bytes());
    if (labels_) hash.add(labels_->bytes());
    return hash.text();
  }

  void read(std::int64_t index, std::span<const loom::TensorView> out) const override {
    const std::int64_t item = split_.item(index);
    if (integers_)
      loom::read_npy_item(x_.header, x_.values(), item, out[0].values<std::int32_t>());
    else
      loom::read_npy_item(x_.header, x_.values(), item, scale_, out[0].values());
    if (labels_) loom::read_npy_item(labels_->header, labels_->values(), item, out[1].values<std::int32_t>());
  }

 private:
  static void require_integers(const Array& array) {
    using loom::NpyType;
    if (array.header.type != NpyType::f4 && array.header.type != NpyType::f8) return;
    throw file_error(ErrorCode::data_wrong_format, array.name, kNoOffset, "the values are not integers",
                     "floating point", "|u1, <i4 or <i8");
  }
  void check_labels() const {
    require_integers(*labels_);
    if (labels_->header.extents.size() == 1 && labels_->header.items() == x_.header.items()) return;
    throw file_error(ErrorCode::data_shape, labels_->name, kNoOffset, fmt::format("the labels do not fit {}", x_.name),
                     loom::joined(labels_->header.extents, " x "), fmt::format("{}", x_.header.items()));
  }

  Array x_;
  std::unique_ptr<Array> labels_;
  bool integers_ = false;
  float scale_ = 1;
  loom::Split split_;
  loom::ContentHash hash_;
};
LOOM_DATASET(Npy, "npy")

}  // namespace

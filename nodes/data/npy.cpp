// NumPy arrays: a .npy file, mapped and read item by item, or the arrays of an .npz archive, read into memory.
#include <algorithm>

#include "arrays.h"
#include "row_split.h"

namespace {

using loom::Array;
using loom::DType;
using loom::ErrorCode;
using loom::file_error;
using loom::kNoOffset;

class Npy final : public loom::Dataset {
 public:
  static void declare(loom::Contract& c) {
    c.summary(
        "NumPy arrays, items first: a .npy file, read on demand, or the arrays of an .npz archive, read into "
        "memory");
    c.output("x", "[N, ...E]", "the array's items, times scale");
    c.output("label", "[N]", "the labels, if the option names them").dtype(DType::i32);
    c.option(
        "path", loom::required, loom::text(),
        "the .npy or .npz file. Each array of an .npz with as many items as x is a column of its name: integers as "
        "i32, floating point and booleans as f32; integers [N, F] named factors are the known factors of variation. A "
        "matrix of scipy.sparse.save_npz (csr, csc, coo) is x");
    c.option("test", "", loom::text(), "a file of the same form whose items are the test split; `path` is train");
    c.option("array", "", loom::text(), "name of the array in an .npz that is x; by default x, or the first");
    c.option("labels", "", loom::text(), "integer labels: another array of the .npz, or the path of another .npy");
    c.option("dtype", "f32", loom::text({"f32", "i32"}), "type of x; i32 (tokens) for arrays of integers");
    c.option("scale", loom::OptionValue{}, loom::number(),
             "factor for x; default: 1/255 for unsigned bytes, otherwise 1; not for i32");
    c.option(
        "stored", "any", loom::text({"any", "bytes", "numbers"}),
        "what x is stored as: unsigned bytes or other numbers. A run says so itself, and other files need the option "
        "scale, since their unit is not known");
    c.option("holdout", 10, loom::integer().at_least(2), "one of this many items is held out for test");
    c.option("holdout_by", "", loom::text(),
             "an array of the .npz, integers [N]: items with one number in it are never on both sides of a split, and "
             "one of `holdout` of its numbers is held out");
    loom::declare_missing(c);
    loom::declare_split(c, "test is every holdout-th item of a pseudo-random order, or the file of the option test");
  }

  explicit Npy(const loom::Options& options) : split_name_(options.text("split")) {
    const std::string& test = options.text("test");
    const bool own = !test.empty() && split_name_ == "test";
    const std::string& path = own ? test : options.text("path");
    if (!test.empty() && split_name_ == "all") {
      throw loom::Error(ErrorCode::data_specification, "[npy] with the option test, split: all has no order",
                        "use split=train or split=test, or leave out test");
    }
    file_ = path;
    missing_ = options.text("missing") != "error";
    loom::NamedArrays named = loom::open_arrays(path, options.text("array"));
    arrays_ = std::move(named.arrays);
    notices_ = std::move(named.notices);
    x_name_ = std::move(named.name_of_x);
    integers_ = options.text("dtype") == "i32";
    if (integers_) require_integers(x());
    if (!options.text("labels").empty()) add_labels(path, options.text("labels"));
    scale_given_ = options.has("scale");
    require_stored_as(options.text("stored"));
    scale_ = options.has("scale") ? static_cast<float>(options.number("scale")) : x().is_bytes() ? 1.0F / 255 : 1.0F;
    for (const auto& [name, array] : arrays_) {
      array.require_finite(missing_ && role_of(name) == loom::ColumnRole::data);
      if (name == "factors" && dtype_of(name, array) == DType::i32) count_factors(array);
    }
    const std::string split = test.empty() ? split_name_ : "all";
    split_ = loom::RowSplit(split, x().items(), options.integer("holdout"), groups_of(options.text("holdout_by")));
  }

  std::int64_t size() const override { return split_.size(); }
  std::vector<std::string> notices() const override { return notices_; }
  std::vector<loom::Column> columns() const override {
    std::vector<loom::Column> columns;
    for (const auto& [name, array] : arrays_) {
      columns.push_back({name, dtype_of(name, array), array.event()});
      columns.back().role = role_of(name);
    }
    return columns;
  }
  std::vector<std::int64_t> factor_sizes() const override { return factor_sizes_; }
  std::string group(std::int64_t index) const override { return split_.group(index); }
  loom::Origin origin(std::int64_t index) const override { return {file_, split_.item(index)}; }
  std::string hash() const override {
    loom::ContentHash hash = hash_of_split();
    for (const auto& [name, array] : arrays_) array.add_to(hash);
    return hash.text();
  }
  // Another file stores x alike, or its unit must be said; and x is the array of the same name.
  std::map<std::string, loom::OptionValue> settled_options() const override {
    std::map<std::string, loom::OptionValue> options;
    if (!integers_ && !scale_given_) options["stored"] = x().is_bytes() ? "bytes" : "numbers";
    if (!x_name_.empty()) options["array"] = x_name_;
    return options;
  }
  // Format 1 had no columns but x and the labels that the option names.
  std::string earlier_hash() const override {
    loom::ContentHash hash = hash_of_split();
    for (std::size_t i = 0; i < (has_labels_ ? 2U : 1U); ++i) arrays_[i].array.add_values_to(hash);
    return hash.text();
  }

  void read(std::int64_t index, std::span<const loom::TensorView> out) const override {
    const std::int64_t item = split_.item(index);
    for (std::size_t i = 0; i < arrays_.size(); ++i) {
      if (out[i].dtype() == DType::i32)
        arrays_[i].array.read(item, out[i].values<std::int32_t>());
      else
        arrays_[i].array.read(item, i == 0 ? scale_ : 1.0F, out[i].values());
    }
  }

 private:
  loom::ContentHash hash_of_split() const {
    loom::ContentHash hash;
    hash.add(split_.size());
    hash.add(split_name_);
    return hash;
  }
  const Array& x() const { return arrays_.front().array; }
  DType dtype_of(const std::string& name, const Array& array) const {
    if (name == "x") return integers_ ? DType::i32 : DType::f32;
    if (role_of(name) == loom::ColumnRole::mask || role_of(name) == loom::ColumnRole::weight) return DType::f32;
    return array.is_floating() || array.is_bool() ? DType::f32 : DType::i32;
  }
  // The number of each item's value in the array; empty without one.
  std::vector<std::int64_t> groups_of(const std::string& name) const {
    if (name.empty()) return {};
    std::vector<std::string> names;
    for (const auto& one : arrays_) names.push_back(one.name);
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) {
      loom::Diagnostic finding = file_error(ErrorCode::data_not_found, file_, kNoOffset,
                                            fmt::format("there is no array '{}', which holdout_by names", name), name,
                                            "one of " + loom::joined(names))
                                     .diagnostics()
                                     .front();
      finding.suggestion = loom::nearest_name(name, names);
      throw loom::Error(std::move(finding));
    }
    const Array& array = arrays_[static_cast<std::size_t>(found - names.begin())].array;
    require_integers(array);
    if (array.event().rank() != 0)
      throw file_error(ErrorCode::data_shape, array.name(), kNoOffset, "holdout_by names an array of several numbers",
                       array.event().text(), "one integer an item");
    loom::GroupNumbers groups;
    for (std::int64_t item = 0; item < array.items(); ++item) {
      std::int32_t value = 0;
      array.read(item, std::span(&value, 1));
      groups.add(std::to_string(value));
    }
    return groups.take();
  }
  // Bytes are read as value / 255, other numbers as they are: in a file of the other kind the same number means another value.
  void require_stored_as(const std::string& kind) const {
    if (kind == "any" || scale_given_ || integers_ || (kind == "bytes") == x().is_bytes()) return;
    loom::Diagnostic finding =
        file_error(ErrorCode::data_wrong_format, x().name(), kNoOffset,
                   "the values are not stored as those of the run, so that their unit is not known", x().type_name(),
                   kind == "bytes" ? "unsigned bytes, read as value / 255" : "numbers that are read as they are")
            .diagnostics()
            .front();
    finding.hint = "scale=1 reads them as they are, scale=0.00392156862745098 (1/255) reads 0 to 255 as 0 to 1";
    throw loom::Error(std::move(finding));
  }
  // By the name of the array, as what is in it is known by nothing else.
  static loom::ColumnRole role_of(const std::string& name) {
    if (name == "label") return loom::ColumnRole::label;
    if (name == "factors") return loom::ColumnRole::factor;
    if (name == "mask" || name.ends_with("_mask")) return loom::ColumnRole::mask;
    if (name == "weight" || name.ends_with("_weight")) return loom::ColumnRole::weight;
    return loom::ColumnRole::data;
  }
  // Values of each factor: 0 to the largest that occurs.
  void count_factors(const Array& factors) {
    std::vector<std::int32_t> values(static_cast<std::size_t>(factors.event().count()));
    factor_sizes_.assign(values.size(), 0);
    for (std::int64_t item = 0; item < factors.items(); ++item) {
      factors.read(item, values);
      for (std::size_t k = 0; k < values.size(); ++k) {
        if (values[k] < 0) {
          throw file_error(ErrorCode::data_corrupt, factors.name(), kNoOffset,
                           fmt::format("factor {} of item {} is negative", k, item), fmt::format("{}", values[k]),
                           "numbers of values, from 0");
        }
        factor_sizes_[k] = std::max<std::int64_t>(factor_sizes_[k], values[k] + 1);
      }
    }
  }
  static void require_integers(const Array& array) {
    if (!array.is_floating()) return;
    throw file_error(ErrorCode::data_wrong_format, array.name(), kNoOffset, "the values are not integers",
                     array.type_name(), "integers: save array.astype('int32')");
  }
  // An array of the archive under its name, or a file: the column label.
  void add_labels(const std::string& path, const std::string& labels) {
    Array array = loom::is_archive(path) ? loom::open_member(path, labels) : Array::open(labels);
    require_integers(array);
    if (array.event().rank() != 0 || array.items() != x().items()) {
      throw file_error(ErrorCode::data_shape, array.name(), kNoOffset,
                       fmt::format("the labels do not fit {}", x().name()),
                       fmt::format("{} items of shape {}", array.items(), array.event().text()),
                       fmt::format("{} integers", x().items()));
    }
    std::erase_if(arrays_, [&](const auto& one) { return one.name == labels || one.name == "label"; });
    arrays_.insert(arrays_.begin() + 1, {"label", std::move(array)});
    has_labels_ = true;
  }

  std::string split_name_, file_, x_name_;
  std::vector<loom::NamedArrays::Named> arrays_;  // x first
  std::vector<std::string> notices_;
  std::vector<std::int64_t> factor_sizes_;
  bool integers_ = false, missing_ = false, has_labels_ = false, scale_given_ = false;
  float scale_ = 1;
  loom::RowSplit split_;
};
LOOM_DATASET(Npy, "npy")

}  // namespace

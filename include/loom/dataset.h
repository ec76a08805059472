// The contract of a data set: a fixed number of items, each with one value per column, read by index.
//
//   class MyData final : public loom::Dataset {
//    public:
//     static void declare(loom::Contract& c);      // options (path, split, ...) and columns as outputs ("x", "label")
//     explicit MyData(const loom::Options& options);
//     ...
//   };
//   LOOM_DATASET(MyData, "my_data")
//
// Thread safety: after construction every method may be called from many threads at once. Errors: a wrong, truncated,
// corrupt or empty file throws Error E4xx, which names the file, the byte offset if there is one, and what was
// expected.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "loom/contract.h"
#include "loom/error.h"
#include "loom/options.h"
#include "loom/plugin.h"
#include "loom/random.h"
#include "loom/tensor.h"

namespace loom {

// What the values of a column are, for the data card of a run and for what is written in the units of the data.
enum class ColumnRole {
  data,       // what a model describes
  label,      // a class, numbered from 0; Column::classes may name them
  condition,  // given to a model, not described by it
  mask,       // 1 where a value of another column is there, 0 where it is not
  factor,     // known factors of variation, for measures of disentanglement
  weight,     // how much an item or a value counts, at least 0
};
std::string_view name_of(ColumnRole role);

struct Column {
  std::string name;  // "x", "label", "factors"
  DType dtype = DType::f32;
  Shape event;  // shape of one item, without the batch axis
  // The range of the values, both ends included, where the format or the reader decides it: images [0, 1].
  double minimum = -std::numeric_limits<double>::infinity(), maximum = std::numeric_limits<double>::infinity();
  ColumnRole role = ColumnRole::data;
  std::string unit = {};                   // "mm", "s"; "": none is known
  std::vector<std::string> classes = {};   // of integers: classes[i] is the name of the value i
  std::vector<std::string> features = {};  // features[i] is the name of index i of the last axis: the header of a table
};

// Where an item comes from.
struct Origin {
  std::string file;           // "": the item is computed
  std::int64_t position = 0;  // the row of a table (1: the first after the header), the first frame of a piece of a
                              // recording, the index in an array
};

class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual std::int64_t size() const = 0;
  virtual std::vector<Column> columns() const = 0;
  // Writes item `index`, one view per column in the order of columns(), each with the column's event shape. Images and
  // sounds are scaled to what declare() documents (images: [0, 1]).
  virtual void read(std::int64_t index, std::span<const TensorView> out) const = 0;
  virtual Origin origin(std::int64_t index) const { return {"", index}; }
  // Items of one group are never on both sides of a split; where all are of one group, each is for itself.
  virtual std::string group(std::int64_t index) const { return origin(index).file; }
  // How many positions of the first axis of x are data where items differ in it; the rest is padding. -1: all are.
  virtual std::int64_t length([[maybe_unused]] std::int64_t index) const { return -1; }
  // Options with which other data of this type are read as these were: what was found in the data rather than given, such
  // as the categories of a table or the rate of recordings. A run keeps them in its data card.
  virtual std::map<std::string, OptionValue> settled_options() const { return {}; }
  // A hash over the content (or over the parameters of procedural data), reported with every metric measured on it.
  virtual std::string hash() const = 0;
  // The hash that the first versions gave the same content, for types whose hash has changed: their runs resume. "": it
  // has not changed.
  virtual std::string earlier_hash() const { return ""; }
  // What was left out or assumed when the data were opened, one sentence each, for the user to read before training
  // starts: "2 of 12 files were left out: 1 .heic, 1 .txt".
  virtual std::vector<std::string> notices() const { return {}; }
  // Whether the data have a split "validation" of their own, as a folder that is divided into three.
  virtual bool has_validation() const { return false; }
  // The number of values of each known factor of variation, for data with a "factors" column; otherwise empty.
  virtual std::vector<std::int64_t> factor_sizes() const { return {}; }
  // The sample rate of sounds in Hz; 0 if the items are not sounds.
  virtual std::int64_t sample_rate() const { return 0; }
};

// Opens a data set of a registered type, for programs and tests that read items themselves. Throws the errors of the
// options (E2xx, E403) and of the files (E4xx). The registry must outlive the result.
std::unique_ptr<Dataset> open_dataset(const Registry& registry, const std::string& type,
                                      const std::map<std::string, OptionValue>& options);

// Splits for data that has none: every n-th position of a pseudo-random order is held out for `test`.
inline void declare_split(Contract& c, const std::string& rule) {
  c.option("split", "train", text({"train", "test", "all"}), "which items: " + rule);
}

// For data in which values can be missing. Where `missing` is not error, read() gives a missing number as NaN and a missing
// class as -1, and the host replaces them; where it is error, the constructor throws one diagnostic for each, with file,
// row and column.
inline void declare_missing(Contract& c) {
  c.option("missing", "error", text({"error", "mask", "mean", "value"}),
           "missing values: an error; `fill`, with a column mask (NAME_mask beside a column other than x) of 1 where a "
           "value is there; the mean of their feature over train (the most frequent class); `fill`");
  c.option("fill", 0, number(), "what replaces a missing number, in the unit of the data, with missing: mask or value");
}

// The order depends only on `seed`, so train and test with the same seed never share an item. Where there are fewer items
// than `holdout`, but at least two, one is held out. `all` keeps the natural order, and a holdout of 0 leaves all items in
// train.
class Split {
 public:
  Split() = default;
  Split(const std::string& name, std::int64_t total, std::int64_t holdout, std::uint64_t seed)
      : total_(total),
        holdout_(total > 1 ? std::min(holdout, total) : holdout),
        kind_(name == "train"  ? Kind::train
              : name == "test" ? Kind::test
                               : Kind::all),
        key_(RandomStream(seed, stream_of("split"), 0).value(0)) {}

  std::int64_t size() const {
    const std::int64_t held = holdout_ > 0 ? total_ / holdout_ : 0;
    return kind_ == Kind::all ? total_ : kind_ == Kind::test ? held : total_ - held;
  }
  // The index in the whole data of item `index` of this split.
  std::int64_t item(std::int64_t index) const {
    if (kind_ == Kind::all) return index;
    std::int64_t place = index;
    if (kind_ == Kind::test)
      place = index * holdout_ + holdout_ - 1;
    else if (holdout_ > 1)
      place = index + index / (holdout_ - 1);
    // If total is not a multiple of holdout, all positions after the last held-out one belong to train.
    return static_cast<std::int64_t>(
        permuted_index(static_cast<std::uint64_t>(place), static_cast<std::uint64_t>(total_), key_));
  }

 private:
  enum class Kind { train, test, all };
  std::int64_t total_ = 0, holdout_ = 0;
  Kind kind_ = Kind::all;
  std::uint64_t key_ = 0;
};

// A 64-bit hash of the content of a data set. It is reported with every metric, so two metrics with the same hash were
// measured on the same data. It detects accidental differences, not forgeries.
class ContentHash {
 public:
  // The hash depends on the order and the lengths of the pieces: "ab", "c" differs from "a", "bc".
  void add(std::span<const std::byte> bytes) {
    std::size_t i = 0;
    for (; i + 8 <= bytes.size(); i += 8) mix(word(bytes.data() + i, 8));
    mix(word(bytes.data() + i, bytes.size() - i));
    mix(bytes.size());
  }
  void add(std::string_view text) { add(std::as_bytes(std::span(text.data(), text.size()))); }
  void add(std::int64_t number) { mix(static_cast<std::uint64_t>(number)); }

  std::string text() const { return fmt::format("{:016x}", finished()); }

 private:
  static std::uint64_t word(const std::byte* bytes, std::size_t count) {
    std::uint64_t value = 0;
    if (count > 0) std::memcpy(&value, bytes, count);
    return value;
  }
  // One round of MurmurHash3's body, widened to 64 bits.
  void mix(std::uint64_t value) {
    state_ ^= std::rotl(value * 0x87C37B91114253D5ULL, 31) * 0x4CF5AD432745937FULL;
    state_ = std::rotl(state_, 27) * 5 + 0x52DCE729;
  }
  // MurmurHash3's finalizer: every bit of the state reaches every bit of the text.
  std::uint64_t finished() const {
    std::uint64_t h = state_;
    h = (h ^ (h >> 33)) * 0xFF51AFD7ED558CCDULL;
    h = (h ^ (h >> 33)) * 0xC4CEB9FE1A85EC53ULL;
    return h ^ (h >> 33);
  }

  std::uint64_t state_ = 0x9E3779B97F4A7C15ULL;
};

// Reading files of values: whole, decompressed, or mapped. Errors name the file, the byte, what was found and what was
// expected.
//
// Thread safety: free functions keep no state; a MappedFile may be read from many threads.
inline constexpr std::int64_t kNoOffset = -1;

// "mnist/train-images, byte 4: message (got ..., expected ...)".
Error file_error(ErrorCode code, const std::string& file, std::int64_t offset, const std::string& message,
                 std::string got = "", std::string expected = "");

// Throws Error(data_not_found) with the nearest name in the same folder if the path does not exist.
void require_exists(const std::string& path);
bool is_folder(const std::string& path);
bool is_file(const std::string& path);

// The whole file, decompressed if it starts as a gzip file. Throws data_not_found, data_empty, data_truncated (a gzip
// stream that ends early), data_corrupt (a gzip stream that is damaged) or read_failed.
std::vector<std::byte> read_whole(const std::string& path);

// A file mapped for reading: the system reads the pages that are accessed, and drops them when memory is short.
class MappedFile {
 public:
  MappedFile() = default;
  explicit MappedFile(const std::string& path);  // throws data_not_found, data_empty, read_failed
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// "a, b, c". Not fmt::join, which makes GCC 12 warn in optimized builds.
template <class Range>
std::string joined(const Range& items, std::string_view separator = ", ") {
  std::string text;
  bool first = true;
  for (const auto& item : items) {
    if (!first) text += separator;
    text += fmt::format("{}", item);
    first = false;
  }
  return text;
}

}  // namespace loom

// Named arrays with one item per row: a .npy file, mapped, or the arrays of an .npz archive, read into memory.
//
// Ownership: an Array owns its bytes or its mapping. Thread safety: reading items is safe from many threads. Errors:
// E4xx with the file, the array and the byte.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/npy.h"
#include "loom/dataset.h"
#include "sparse.h"

namespace loom {

class Array {
 public:
  static Array open(const std::string& path);  // a .npy
  Array(std::vector<std::byte> npy, std::string name);
  explicit Array(SparseRows rows);

  const std::string& name() const { return name_; }  // in messages
  std::string type_name() const { return rows_ ? "a sparse matrix" : header_.type_name(); }
  bool is_floating() const { return rows_ ? rows_->is_floating() : header_.is_floating(); }
  bool is_bytes() const { return !rows_ && header_.type == NpyType::u1; }
  bool is_bool() const { return !rows_ && header_.type == NpyType::b1; }
  std::int64_t items() const { return rows_ ? rows_->rows() : header_.items(); }
  Shape event() const;
  void add_to(ContentHash& hash) const;         // the bytes of the array, by the digest of a file of its own
  void add_values_to(ContentHash& hash) const;  // the bytes themselves

  void read(std::int64_t item, float scale, std::span<float> out) const;
  void read(std::int64_t item, std::span<std::int32_t> out) const;
  // Throws Error(data_corrupt) that names the items with values that are not finite, but for NaN where that is missing.
  void require_finite(bool nan_is_missing) const;

 private:
  Array() = default;
  std::span<const std::byte> bytes() const {
    return memory_.empty() ? file_.bytes() : std::span<const std::byte>(memory_);
  }

  std::string name_;
  MappedFile file_;
  std::vector<std::byte> memory_;
  NpyHeader header_;
  std::optional<SparseRows> rows_;
};

// What a file holds: x, and other arrays with as many items, by name.
struct NamedArrays {
  struct Named {
    std::string name;
    Array array;
  };
  std::vector<Named> arrays;         // x first
  std::string name_of_x;             // in the archive; "" in a .npy
  std::vector<std::string> notices;  // of arrays that were left out
};

bool is_archive(const std::string& path);  // an .npz
// `x`: the name of the array that becomes x; "": x, or the first.
NamedArrays open_arrays(const std::string& path, const std::string& x);
// One array of an archive.
Array open_member(const std::string& path, const std::string& name);

}  // namespace loom

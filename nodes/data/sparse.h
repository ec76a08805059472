// A sparse matrix as scipy.sparse.save_npz writes it, read row by row. Formats csr, csc and coo.
//
// Thread safety: reading rows is safe from many threads. Errors: data_wrong_format for another format, data_corrupt for
// indices outside the matrix, each with the file and the array.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/npz.h"
#include "loom/dataset.h"

namespace loom {

class SparseRows {
 public:
  // Whether an archive holds one: arrays data, shape and format.
  static bool is_sparse(const NpzFile& archive);
  SparseRows(const NpzFile& archive, std::string path);

  std::int64_t rows() const { return static_cast<std::int64_t>(starts_.size()) - 1; }
  std::int64_t columns() const { return columns_; }
  bool is_floating() const { return is_floating_; }
  void add_to(ContentHash& hash) const;
  // The row, with zeros where nothing is stored; values at one place add up, as in SciPy.
  void read(std::int64_t row, float scale, std::span<float> out) const;
  void read(std::int64_t row, std::span<std::int32_t> out) const;

 private:
  // Sorts entries by row, in their order.
  void sort(std::span<const std::int64_t> row_of_entry, std::span<const std::int64_t> column_of_entry,
            std::span<const float> values);

  std::int64_t columns_ = 0;
  bool is_floating_ = false;
  std::vector<std::int64_t> starts_;  // of each row in the next two; one more at the end
  std::vector<std::int32_t> places_;  // columns
  std::vector<float> values_;
};

}  // namespace loom

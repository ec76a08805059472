#include "sparse.h"

#include <algorithm>
#include <limits>

#include "io/npy.h"

namespace loom {
namespace {

bool has(const NpzFile& archive, const char* name) {
  return std::ranges::find(archive.names(), name) != archive.names().end();
}

// The text of an array of bytes or of UCS-4 characters: "csr".
std::string text_of(const std::vector<std::byte>& npy) {
  const std::size_t header =
      npy.size() > 10 ? 10 + static_cast<std::size_t>(npy[8]) + (static_cast<std::size_t>(npy[9]) << 8) : 0;
  std::string text;
  for (std::size_t i = header; i < npy.size(); ++i)
    if (npy[i] != std::byte{0}) text += static_cast<char>(npy[i]);
  return text;
}

// An array of numbers, whatever its shape, as `Value`.
template <class Value>
std::vector<Value> numbers_of(const NpzFile& archive, const char* name) {
  const std::vector<std::byte> npy = archive.read(name);
  const Tensor tensor = npy_tensor(npy, archive.name_of(name));
  std::vector<Value> values;
  const auto append = [&](auto span) { values.assign(span.begin(), span.end()); };
  if (tensor.dtype() == DType::f32) append(tensor.values());
  if (tensor.dtype() == DType::i32) append(tensor.values<std::int32_t>());
  if (tensor.dtype() == DType::u8) append(tensor.values<std::uint8_t>());
  return values;
}

// The row or column of each entry, from the place where each row or column starts.
std::vector<std::int64_t> expanded(const std::vector<std::int64_t>& starts, std::size_t entries,
                                   const std::string& name) {
  std::vector<std::int64_t> index(entries);
  for (std::size_t k = 0; k + 1 < starts.size(); ++k) {
    if (starts[k] < 0 || starts[k] > starts[k + 1] || starts[k + 1] > static_cast<std::int64_t>(entries)) {
      throw file_error(ErrorCode::data_corrupt, name, kNoOffset, "the places where rows start are not in order",
                       fmt::format("{}, then {}", starts[k], starts[k + 1]), fmt::format("0 to {}", entries));
    }
    std::fill(index.begin() + starts[k], index.begin() + starts[k + 1], static_cast<std::int64_t>(k));
  }
  return index;
}

}  // namespace

bool SparseRows::is_sparse(const NpzFile& archive) {
  return has(archive, "format") && has(archive, "shape") && has(archive, "data");
}

SparseRows::SparseRows(const NpzFile& archive, std::string path) {
  const std::string format = text_of(archive.read("format"));
  const bool csr = format == "csr", csc = format == "csc";
  if (!csr && !csc && format != "coo") {
    throw file_error(ErrorCode::data_wrong_format, path, kNoOffset, "a sparse matrix of this format is not read",
                     format, "csr, csc or coo: save matrix.tocsr()");
  }
  const auto shape = numbers_of<std::int64_t>(archive, "shape");
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  if (shape.size() != 2 ||
      std::ranges::any_of(shape, [&](std::int64_t extent) { return extent < 1 || extent > most; })) {
    throw file_error(ErrorCode::data_shape, path, kNoOffset, "the sparse matrix has an impossible shape",
                     joined(shape, " x "), fmt::format("rows x columns, each 1 to {}", most));
  }
  columns_ = shape[1];
  const auto values = numbers_of<float>(archive, "data");
  is_floating_ = npy_tensor(archive.read("data"), path).dtype() == DType::f32;
  std::vector<std::int64_t> row, column;
  if (csr || csc) {
    const std::vector<std::int64_t> starts = numbers_of<std::int64_t>(archive, "indptr");
    const auto outer = static_cast<std::size_t>(csr ? shape[0] : shape[1]) + 1;
    if (starts.size() != outer || starts.back() != static_cast<std::int64_t>(values.size())) {
      throw file_error(ErrorCode::data_corrupt, archive.name_of("indptr"), kNoOffset,
                       "the array does not fit the sparse matrix", fmt::format("{} numbers", starts.size()),
                       fmt::format("{}, the last of them {}", outer, values.size()));
    }
    row = expanded(starts, values.size(), archive.name_of("indptr"));
    column = numbers_of<std::int64_t>(archive, "indices");
    if (csc) row.swap(column);
  } else {
    row = numbers_of<std::int64_t>(archive, "row");
    column = numbers_of<std::int64_t>(archive, "col");
  }
  const auto outside = [&](const std::vector<std::int64_t>& index, std::int64_t limit) {
    return index.size() != values.size() || std::ranges::any_of(index, [&](auto i) { return i < 0 || i >= limit; });
  };
  if (outside(row, shape[0]) || outside(column, shape[1])) {
    throw file_error(ErrorCode::data_corrupt, path, kNoOffset, "an index lies outside of the sparse matrix", "",
                     fmt::format("one pair of indices below {} and {} per value", shape[0], shape[1]));
  }
  starts_.assign(static_cast<std::size_t>(shape[0]) + 1, 0);  // once the arrays agree with the shape
  sort(row, column, values);
}

void SparseRows::sort(std::span<const std::int64_t> row_of_entry, std::span<const std::int64_t> column_of_entry,
                      std::span<const float> values) {
  for (const std::int64_t row : row_of_entry) ++starts_[static_cast<std::size_t>(row) + 1];
  for (std::size_t i = 1; i < starts_.size(); ++i) starts_[i] += starts_[i - 1];
  std::vector<std::int64_t> next(starts_.begin(), starts_.end() - 1);
  places_.resize(values.size());
  values_.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto at = static_cast<std::size_t>(next[static_cast<std::size_t>(row_of_entry[i])]++);
    places_[at] = static_cast<std::int32_t>(column_of_entry[i]);
    values_[at] = values[i];
  }
}

void SparseRows::add_to(ContentHash& hash) const {
  hash.add(columns_);
  hash.add(std::as_bytes(std::span(starts_)));
  hash.add(std::as_bytes(std::span(places_)));
  hash.add(std::as_bytes(std::span(values_)));
}

void SparseRows::read(std::int64_t row, float scale, std::span<float> out) const {
  std::ranges::fill(out, 0.0F);
  const auto first = static_cast<std::size_t>(starts_[static_cast<std::size_t>(row)]),
             last = static_cast<std::size_t>(starts_[static_cast<std::size_t>(row) + 1]);
  for (std::size_t i = first; i < last; ++i) out[static_cast<std::size_t>(places_[i])] += scale * values_[i];
}

void SparseRows::read(std::int64_t row, std::span<std::int32_t> out) const {
  std::vector<float> values(out.size());
  read(row, 1, values);
  std::ranges::transform(values, out.begin(), [](float value) { return static_cast<std::int32_t>(value); });
}

}  // namespace loom

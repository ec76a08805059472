#include "arrays.h"

#include <algorithm>
#include <cmath>

#include "files.h"
#include "io/npz.h"

namespace loom {
namespace {

constexpr std::size_t kNamedItems = 10;  // items that a message names

Array read_member(const NpzFile& archive, const std::string& name) {
  return {archive.read(name), archive.name_of(name)};
}

// The array of the archive that becomes x.
std::string name_of_x(const NpzFile& archive, const std::string& path, const std::string& wanted) {
  const std::vector<std::string>& names = archive.names();
  if (std::ranges::find(names, wanted.empty() ? "x" : wanted) != names.end()) return wanted.empty() ? "x" : wanted;
  if (wanted.empty()) return names.front();
  Diagnostic finding =
      file_error(ErrorCode::data_not_found, path, kNoOffset, fmt::format("the archive has no array '{}'", wanted),
                 wanted, "one of " + joined(names))
          .diagnostics()
          .front();
  finding.suggestion = nearest_name(wanted, names);
  throw Error(std::move(finding));
}

// Why an array cannot be a column beside x; "" if it can.
std::string unfit(const Array& array, const std::string& name, std::int64_t items) {
  if (name == "x") return "another array is x";
  if (array.items() != items) return fmt::format("{} items and not {}", array.items(), items);
  return "";
}

}  // namespace

Array Array::open(const std::string& path) {
  Array array;
  array.name_ = path;
  array.file_ = MappedFile(path);
  array.header_ = read_npy_header(array.bytes(), path);
  return array;
}

Array::Array(std::vector<std::byte> npy, std::string name)
    : name_(std::move(name)), memory_(std::move(npy)), header_(read_npy_header(memory_, name_)) {}

Array::Array(SparseRows rows) : rows_(std::move(rows)) {}

Shape Array::event() const {
  if (rows_) return {rows_->columns()};
  return Shape(std::span(header_.extents).subspan(1));
}

void Array::add_to(ContentHash& hash) const {
  if (rows_)
    rows_->add_to(hash);
  else if (memory_.empty())
    add_files(hash, name_, {name_});
  else
    hash.add(memory_);
}

void Array::add_values_to(ContentHash& hash) const {
  if (rows_)
    rows_->add_to(hash);
  else
    hash.add(bytes());
}

void Array::read(std::int64_t item, float scale, std::span<float> out) const {
  if (rows_)
    rows_->read(item, scale, out);
  else
    read_npy_item(header_, bytes().data() + header_.start, item, scale, out);
}

void Array::read(std::int64_t item, std::span<std::int32_t> out) const {
  if (rows_)
    rows_->read(item, out);
  else
    read_npy_item(header_, bytes().data() + header_.start, item, out, name_);
}

void Array::require_finite(bool nan_is_missing) const {
  if (!is_floating()) return;
  std::vector<float> values(static_cast<std::size_t>(event().count()));
  std::vector<std::string> places;
  std::size_t count = 0;
  for (std::int64_t item = 0; item < items(); ++item) {
    read(item, 1, values);
    const auto bad = std::ranges::find_if(
        values, [&](float value) { return !std::isfinite(value) && !(nan_is_missing && std::isnan(value)); });
    if (bad == values.end()) continue;
    if (++count <= kNamedItems)
      places.push_back(fmt::format("{} of item {}, value {}", *bad, item, bad - values.begin()));
  }
  if (count == 0) return;
  if (count > kNamedItems) places.push_back(fmt::format("... in {} items", count));
  throw file_error(ErrorCode::data_corrupt, name_, kNoOffset, "there are values that are not finite", joined(places),
                   nan_is_missing ? "finite values, or NaN, which is missing; items are counted from 0"
                                  : "finite values; items are counted from 0; the option missing takes NaN as missing");
}

bool is_archive(const std::string& path) { return path.ends_with(".npz"); }

Array open_member(const std::string& path, const std::string& name) {
  const NpzFile archive(path);
  return read_member(archive, name_of_x(archive, path, name));
}

NamedArrays open_arrays(const std::string& path, const std::string& x) {
  NamedArrays all;
  if (!is_archive(path)) {
    all.arrays.push_back({"x", Array::open(path)});
    return all;
  }
  const NpzFile archive(path);
  if (x.empty() && SparseRows::is_sparse(archive)) {
    all.arrays.push_back({"x", Array(SparseRows(archive, path))});
    return all;
  }
  const std::string first = name_of_x(archive, path, x);
  all.arrays.push_back({"x", read_member(archive, first)});
  all.name_of_x = first;
  const std::int64_t items = all.arrays.front().array.items();
  for (const std::string& name : archive.names()) {
    if (name == first) continue;
    std::string why;
    try {
      Array array = read_member(archive, name);
      why = unfit(array, name, items);
      if (why.empty()) all.arrays.push_back({name, std::move(array)});
    } catch (const Error& error) {
      why = error.diagnostics().front().message;
    }
    if (!why.empty()) all.notices.push_back(fmt::format("the array '{}' is not a column: {}", name, why));
  }
  return all;
}

}  // namespace loom

#include "loom/tensor.h"

#include <fmt/format.h>

#include <algorithm>

#include "loom/error.h"

namespace loom {

Shape::Shape(std::span<const std::int64_t> extents) {
  for (std::int64_t extent : extents) push_back(extent);
}

void Shape::push_back(std::int64_t extent) {
  if (rank_ == kMaxRank) {
    throw Error(ErrorCode::shape_mismatch, "a tensor cannot have this many axes", fmt::format("at most {}", kMaxRank));
  }
  extents_[static_cast<std::size_t>(rank_++)] = extent;
}

std::int64_t Shape::count() const { return count_from(0); }

std::int64_t Shape::count_from(int axis) const {
  std::int64_t product = 1;
  for (int i = axis; i < rank_; ++i) product *= (*this)[i] < 0 ? -(*this)[i] : (*this)[i];
  return product;
}

Shape Shape::at_batch(std::int64_t samples) const {
  Shape concrete = *this;
  for (int i = 0; i < rank_; ++i) {
    if (concrete[i] < 0) concrete[i] = -concrete[i] * samples;
  }
  return concrete;
}

Shape Shape::event() const { return rank_ == 0 ? Shape() : Shape(extents().subspan(1)); }

std::string Shape::text() const {
  std::string text = "[";
  for (int i = 0; i < rank_; ++i) {
    if (i > 0) text += ", ";
    const std::int64_t extent = (*this)[i];
    text += extent >= 0 ? fmt::format("{}", extent) : extent == -1 ? "N" : fmt::format("{}N", -extent);
  }
  return text + "]";
}

bool Shape::operator==(const Shape& other) const {
  return std::equal(extents().begin(), extents().end(), other.extents().begin(), other.extents().end());
}

}  // namespace loom

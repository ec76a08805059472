// Shapes of dense, row-major, channels-last tensors.
//
// An extent is a positive number, or a multiple of the batch: the extents of a graph are inferred once, for any batch,
// so an axis over the samples is stored as -k, "k values per sample" (k = 1 nearly always; a concatenation of real and
// generated images along the batch gives 2). Shape::at_batch(n) makes it concrete.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace loom {

inline constexpr std::int64_t kBatch = -1;  // the extent of the batch axis before the batch is known
inline constexpr int kMaxRank = 8;

class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> extents) : Shape(std::span(extents.begin(), extents.size())) {}
  explicit Shape(std::span<const std::int64_t> extents);  // throws Error(shape_mismatch) beyond kMaxRank

  int rank() const { return rank_; }
  std::int64_t operator[](int axis) const { return extents_[static_cast<std::size_t>(axis)]; }
  std::int64_t& operator[](int axis) { return extents_[static_cast<std::size_t>(axis)]; }
  std::int64_t back() const { return extents_[static_cast<std::size_t>(rank_ - 1)]; }
  std::span<const std::int64_t> extents() const { return {extents_.data(), static_cast<std::size_t>(rank_)}; }
  void push_back(std::int64_t extent);

  // True when the first axis runs over the samples.
  bool per_sample() const { return rank_ > 0 && extents_[0] < 0; }
  // Product of the extents; the batch axis of an abstract shape counts as its multiple k, so this is "values per
  // sample" there.
  std::int64_t count() const;
  // Product of the extents from `axis` on.
  std::int64_t count_from(int axis) const;
  // Axis -k becomes k * samples.
  Shape at_batch(std::int64_t samples) const;
  // The shape of one sample's event: everything after the first axis.
  Shape event() const;

  std::string text() const;  // "[N, 28, 28, 1]"
  bool operator==(const Shape& other) const;

 private:
  std::array<std::int64_t, kMaxRank> extents_{};
  int rank_ = 0;
};

}  // namespace loom

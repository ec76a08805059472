// Shapes and tensors: dense, row-major, channels last. A view does not own; a Tensor owns 64-byte aligned memory.
//
// An extent is a positive number, or a multiple of the batch. The extents of a graph are inferred once, for any batch,
// so an axis over the samples is stored as -k, "k rows per sample" (k is almost always 1; a concatenation of real and
// generated images along the batch gives 2). Shape::at_batch(n) gives the concrete shape.
//
// Thread safety: views are values; reading a tensor from many threads is safe, and writers must synchronise.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

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
  // Product of the extents; the batch axis of an abstract shape counts as its multiple k, so the result is then the
  // number of values per sample.
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

// bf16 is what a program in that precision stores: no value of a graph is declared or fetched as it.
enum class DType : std::uint8_t { f32, i32, u8, bf16 };

// The upper half of a float: 8 bits of precision with its range.
struct BFloat16 {
  std::uint16_t bits;
};

std::size_t size_of(DType dtype);       // bytes of one element
std::string_view name_of(DType dtype);  // "f32"

template <class T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<float>() {
  return DType::f32;
}
template <>
constexpr DType dtype_of<std::int32_t>() {
  return DType::i32;
}
template <>
constexpr DType dtype_of<std::uint8_t>() {
  return DType::u8;
}
template <>
constexpr DType dtype_of<BFloat16>() {
  return DType::bf16;
}

namespace detail {
[[noreturn]] void throw_dtype(DType got, DType expected);
}

// A non-owning tensor. Element access checks the dtype and throws Error(dtype_mismatch).
class TensorView {
 public:
  TensorView() = default;
  TensorView(DType dtype, Shape shape, void* data) : data_(data), shape_(shape), dtype_(dtype) {}

  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  std::int64_t count() const { return shape_.count(); }
  std::size_t bytes() const { return static_cast<std::size_t>(count()) * size_of(dtype_); }
  void* raw() const { return data_; }
  bool empty() const { return data_ == nullptr; }
  void rebind(void* data) { data_ = data; }

  template <class T = float>
  T* data() const {
    if (dtype_ != dtype_of<T>()) detail::throw_dtype(dtype_, dtype_of<T>());
    return static_cast<T*>(data_);
  }
  template <class T = float>
  std::span<T> values() const {
    return {data<T>(), static_cast<std::size_t>(count())};
  }

  // Samples are rows of the first axis.
  std::int64_t samples() const { return shape_.rank() == 0 ? 1 : shape_[0]; }
  std::int64_t per_sample() const { return shape_.count_from(1); }
  // The event of sample n.
  template <class T = float>
  std::span<T> operator[](std::int64_t n) const {
    return values<T>().subspan(static_cast<std::size_t>(n * per_sample()), static_cast<std::size_t>(per_sample()));
  }
  // Rows [first, first + rows) of the first axis.
  TensorView rows(std::int64_t first, std::int64_t rows) const;

 private:
  void* data_ = nullptr;
  Shape shape_;
  DType dtype_ = DType::f32;
};

struct AlignedFree {
  void operator()(std::byte* memory) const;
};
using AlignedBytes = std::unique_ptr<std::byte[], AlignedFree>;
// 64-byte aligned and zeroed; throws Error(out_of_memory).
AlignedBytes allocate_bytes(std::size_t bytes);

// Owns its memory, zero-initialized; movable, copied only on demand.
class Tensor {
 public:
  Tensor() = default;
  Tensor(DType dtype, const Shape& shape);

  TensorView view() const { return {dtype_, shape_, memory_.get()}; }
  operator TensorView() const { return view(); }  // NOLINT(google-explicit-constructor): a tensor is a view of itself
  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  std::int64_t count() const { return shape_.count(); }
  template <class T = float>
  std::span<T> values() const {
    return view().values<T>();
  }
  Tensor clone() const;

 private:
  DType dtype_ = DType::f32;
  Shape shape_;
  AlignedBytes memory_;
};

}  // namespace loom

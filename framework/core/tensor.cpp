#include "loom/tensor.h"

#include <fmt/format.h>

#include <cstring>

#include "loom/error.h"

namespace loom {
namespace detail {

void throw_dtype(DType got, DType expected) {
  throw Error(ErrorCode::dtype_mismatch, fmt::format("a tensor of {} was read as {}", name_of(got), name_of(expected)));
}

}  // namespace detail

std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::u8: return 1;
    case DType::bf16: return 2;
    default: return 4;
  }
}

std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::f32: return "f32";
    case DType::i32: return "i32";
    case DType::u8: return "u8";
    case DType::bf16: return "bf16";
  }
  return "?";
}

TensorView TensorView::rows(std::int64_t first, std::int64_t rows) const {
  Shape shape = shape_;
  shape[0] = rows;
  const auto offset = static_cast<std::size_t>(first * per_sample()) * size_of(dtype_);
  return {dtype_, shape, static_cast<std::byte*>(data_) + offset};
}

Tensor::Tensor(DType dtype, const Shape& shape)
    : dtype_(dtype), shape_(shape), memory_(allocate_bytes(static_cast<std::size_t>(shape.count()) * size_of(dtype))) {}

Tensor Tensor::clone() const {
  Tensor copy(dtype_, shape_);
  if (memory_) std::memcpy(copy.memory_.get(), memory_.get(), view().bytes());
  return copy;
}

}  // namespace loom

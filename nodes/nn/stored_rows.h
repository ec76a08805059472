// Rows of f32 for loops over tensors that are stored in bf16: a few rows at a time, in scratch. Tensors of f32 are passed
// as they are, all rows at once.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "loom/math.h"
#include "loom/node.h"

namespace loom::nodes {

// The values in f32: as they are, or from bf16 into `copy`.
inline const float* values_in_f32(const TensorView& view, float* copy) {
  if (view.dtype() != DType::bf16) return view.data();
  math::to_f32(view.data<BFloat16>(), copy, view.count());
  return copy;
}

class StoredRows {
 public:
  static constexpr int kMost = 3;  // tensors that are read

  // Tensors of `rows` rows of `columns` values.
  void prepare(const Prepare& p, std::int64_t rows, std::int64_t columns) {
    constexpr std::int64_t kValues = 4096;  // of a tensor, in a first-level cache
    const auto is_bf16 = [](const TensorView& view) { return view.dtype() == DType::bf16; };
    const bool any = std::ranges::any_of(p.input_views, is_bf16) || std::ranges::any_of(p.output_views, is_bf16);
    rows_ = rows, columns_ = columns;
    block_ = any ? std::clamp<std::int64_t>(kValues / columns, 1, rows) : rows;
    if (any) memory_ = p.scratch<float>((kMost + 1) * block_ * columns_);
  }

  using Inputs = std::array<const float*, kMost>;

  // body(inputs, output, rows); without an output, `output` is null.
  template <class Body>
  void run(const Call& call, std::initializer_list<TensorView> from, TensorView to, const Body& body) const {
    for (std::int64_t first = 0; first < rows_; first += block_) {
      const std::int64_t rows = std::min(block_, rows_ - first);
      Inputs inputs{};
      std::size_t i = 0;
      for (const TensorView& view : from) {
        inputs[i] = wide(view, first, rows, part(call, i));
        ++i;
      }
      const bool narrow = !to.empty() && to.dtype() == DType::bf16;
      float* output = narrow ? part(call, kMost) : to.empty() ? nullptr : to.data() + first * columns_;
      body(inputs, output, rows);
      if (narrow) math::to_bf16(output, to.data<BFloat16>() + first * columns_, rows * columns_);
    }
  }

 private:
  float* part(const Call& call, std::size_t i) const {
    if (memory_.empty()) return nullptr;
    return memory_(call).data() + static_cast<std::int64_t>(i) * block_ * columns_;
  }
  const float* wide(const TensorView& view, std::int64_t first, std::int64_t rows, float* copy) const {
    if (view.dtype() != DType::bf16) return view.data() + first * columns_;
    math::to_f32(view.data<BFloat16>() + first * columns_, copy, rows * columns_);
    return copy;
  }

  std::int64_t rows_ = 0, columns_ = 1, block_ = 1;
  Slot<float> memory_;
};

}  // namespace loom::nodes

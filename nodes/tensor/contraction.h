// Sums of products over named axes, as matrix products: what matmul and einsum compute, forward and backward.
//
// Axes are numbered from 0 to extents.size() - 1. A tensor is described by the stride of each axis in it; 0 where it does
// not have the axis. An axis that occurs twice in a tensor (a diagonal) has the sum of both strides.
//   c[axes of c] = sum over the axes that c does not have of a[axes of a] b[axes of b]
// A tensor that is laid out as a matrix, or a batch of them, is passed to the product as it is; others are copied first.
//
// Immutable. Thread safety: execute() from any thread, each with its own scratch, 64-byte aligned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dnnl/matmul.h"

namespace loom::nodes {

using Strides = std::vector<std::int64_t>;

// Of a tensor that has these axes in this order, dense; an axis may occur twice.
Strides strides_of(const std::vector<int>& axes, const std::vector<std::int64_t>& extents);

// A copy between layouts. Axes that only `from` has are summed over, along those that only `to` has values are repeated.
// Places of `to` that no axis reaches (beside a diagonal) become 0.
class Rearrangement {
 public:
  Rearrangement() = default;
  Rearrangement(const std::vector<std::int64_t>& extents, const Strides& from, const Strides& to,
                std::int64_t to_count);
  void execute(const float* from, float* to) const;

 private:
  struct Axis {
    std::int64_t extent, from, to;
  };
  std::vector<Axis> axes_;  // the last is the innermost
  std::int64_t to_count_ = 0;
  bool fill_ = false, sums_ = false;
};

class Contraction {
 public:
  // `c_count`: values of the tensor c.
  Contraction(const std::vector<std::int64_t>& extents, const Strides& a, const Strides& b, const Strides& c,
              std::int64_t c_count);

  std::size_t scratch_bytes() const { return scratch_bytes_; }
  void execute(const float* a, const float* b, float* c, std::byte* scratch) const;
  double flop() const { return flop_; }
  std::string implementation() const { return product_->implementation(); }

 private:
  struct Groups;  // axes by what they are in the product
  struct Matrix {
    bool transposed = false;
    std::int64_t row = 0, batch = 0;  // distances
    std::optional<Rearrangement> copy;
    std::size_t at = 0;  // of the copy, in scratch
  };
  Matrix operand(const std::vector<std::int64_t>& extents, const Strides& strides, const Groups& g,
                 const std::vector<int>& rows, const std::vector<int>& columns);
  std::size_t place(std::int64_t floats);

  Matrix a_, b_, c_;
  bool swapped_ = false;  // c^T = b^T a^T
  std::size_t scratch_bytes_ = 0, work_at_ = 0;
  double flop_ = 0;
  std::unique_ptr<const dnnl::Matmul> product_;
};

// A sum of products of any number of tensors, from the left to the right.
class ProductSum {
 public:
  ProductSum() = default;
  ProductSum(const std::vector<std::int64_t>& extents, const std::vector<Strides>& factors, const Strides& result,
             std::int64_t result_count);

  std::size_t scratch_bytes() const { return scratch_bytes_; }
  // `factors` holds one pointer for each.
  void execute(const float* const* factors, float* result, std::byte* scratch) const;
  double flop() const;
  std::string implementation() const { return single_ ? "copy" : products_.back().implementation(); }

 private:
  std::optional<Rearrangement> single_;  // of one factor
  std::vector<Contraction> products_;    // of the result so far and the next factor
  std::vector<std::size_t> partial_at_;  // where each result but the last lies in scratch
  std::size_t scratch_bytes_ = 0, work_at_ = 0;
};

}  // namespace loom::nodes

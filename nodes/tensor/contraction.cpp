#include "tensor/contraction.h"

#include <algorithm>

namespace loom::nodes {
namespace {

constexpr std::size_t kAlignment = 64;

std::size_t aligned(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

std::int64_t count_of(const std::vector<int>& axes, const std::vector<std::int64_t>& extents) {
  std::int64_t count = 1;
  for (const int axis : axes) count *= extents[static_cast<std::size_t>(axis)];
  return count;
}

// The distance between neighbours along axes that can be walked as one; none if they cannot.
std::optional<std::int64_t> joined_stride(const std::vector<int>& axes, const std::vector<std::int64_t>& extents,
                                          const Strides& strides) {
  const auto of = [](const auto& list, int axis) { return list[static_cast<std::size_t>(axis)]; };
  for (std::size_t i = 0; i + 1 < axes.size(); ++i) {
    if (of(strides, axes[i]) != of(strides, axes[i + 1]) * of(extents, axes[i + 1])) return std::nullopt;
  }
  return axes.empty() ? 0 : of(strides, axes.back());
}

// Whether no axis runs through what lies between two places of another, as a diagonal does; oneDNN refuses such matrices.
bool are_nested(const std::vector<std::int64_t>& extents, const Strides& strides) {
  std::vector<std::pair<std::int64_t, std::int64_t>> axes;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    if (strides[i] != 0 && extents[i] > 1) axes.emplace_back(strides[i], extents[i]);
  }
  std::ranges::sort(axes);
  for (std::size_t i = 0; i + 1 < axes.size(); ++i) {
    if (axes[i + 1].first < axes[i].first * axes[i].second) return false;
  }
  return true;
}

void sort_by_stride(std::vector<int>& axes, const Strides& strides) {
  std::ranges::stable_sort(
      axes, [&](int a, int b) { return strides[static_cast<std::size_t>(a)] > strides[static_cast<std::size_t>(b)]; });
}

}  // namespace

Strides strides_of(const std::vector<int>& axes, const std::vector<std::int64_t>& extents) {
  Strides strides(extents.size(), 0);
  std::int64_t stride = 1;
  for (std::size_t i = axes.size(); i-- > 0;) {
    strides[static_cast<std::size_t>(axes[i])] += stride;
    stride *= extents[static_cast<std::size_t>(axes[i])];
  }
  return strides;
}

Rearrangement::Rearrangement(const std::vector<std::int64_t>& extents, const Strides& from, const Strides& to,
                             std::int64_t to_count)
    : to_count_(to_count) {
  std::int64_t reached = 1;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    if (extents[i] == 1 || (from[i] == 0 && to[i] == 0)) continue;
    axes_.push_back({extents[i], from[i], to[i]});
    if (to[i] != 0) reached *= extents[i];
    sums_ = sums_ || to[i] == 0;
  }
  fill_ = sums_ || reached != to_count;
  // The innermost axis is the one along which both lie closest; sums over it stay in a register.
  std::ranges::stable_sort(axes_, [](const Axis& a, const Axis& b) { return a.from + a.to > b.from + b.to; });
}

void Rearrangement::execute(const float* from, float* to) const {
  if (fill_) std::fill_n(to, to_count_, 0.0F);
  const Axis inner = axes_.empty() ? Axis{1, 1, 1} : axes_.back();
  const std::size_t outer = axes_.empty() ? 0 : axes_.size() - 1;
  std::int64_t rows = 1;
  for (std::size_t i = 0; i < outer; ++i) rows *= axes_[i].extent;
  std::int64_t at_from = 0, at_to = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* x = from + at_from;
    float* y = to + at_to;
    if (inner.to == 0) {
      double sum = 0;
      for (std::int64_t k = 0; k < inner.extent; ++k) sum += static_cast<double>(x[k * inner.from]);
      *y += static_cast<float>(sum);
    } else if (sums_) {
      for (std::int64_t k = 0; k < inner.extent; ++k) y[k * inner.to] += x[k * inner.from];
    } else {
      for (std::int64_t k = 0; k < inner.extent; ++k) y[k * inner.to] = x[k * inner.from];
    }
    // The next row: row + 1 in the number system of the outer extents.
    std::int64_t rest = row + 1;
    for (std::size_t i = outer; i-- > 0;) {
      at_from += axes_[i].from;
      at_to += axes_[i].to;
      if (rest % axes_[i].extent != 0) break;
      at_from -= axes_[i].extent * axes_[i].from;
      at_to -= axes_[i].extent * axes_[i].to;
      rest /= axes_[i].extent;
    }
  }
}

struct Contraction::Groups {
  std::vector<int> batch, summed, rows, columns;
  std::int64_t g, k;

  Groups(const std::vector<std::int64_t>& extents, const Strides& a, const Strides& b, const Strides& c) {
    for (std::size_t i = 0; i < extents.size(); ++i) {
      const bool in_a = a[i] != 0, in_b = b[i] != 0, in_c = c[i] != 0;
      if (extents[i] == 1) continue;
      if (in_a && in_b) (in_c ? batch : summed).push_back(static_cast<int>(i));
      if (in_a != in_b && in_c) (in_a ? rows : columns).push_back(static_cast<int>(i));
    }
    sort_by_stride(batch, c);
    sort_by_stride(rows, c);
    sort_by_stride(columns, c);
    sort_by_stride(summed, a);
    g = count_of(batch, extents);
    k = count_of(summed, extents);
  }
};

std::size_t Contraction::place(std::int64_t floats) {
  const std::size_t at = scratch_bytes_;
  scratch_bytes_ = aligned(at + static_cast<std::size_t>(floats) * sizeof(float));
  return at;
}

// The matrices [g][rows, columns] of a tensor: as they lie, or copied.
Contraction::Matrix Contraction::operand(const std::vector<std::int64_t>& extents, const Strides& strides,
                                         const Groups& g, const std::vector<int>& rows,
                                         const std::vector<int>& columns) {
  const std::int64_t m = count_of(rows, extents), n = count_of(columns, extents);
  const auto batch = joined_stride(g.batch, extents, strides), row = joined_stride(rows, extents, strides),
             column = joined_stride(columns, extents, strides);
  std::int64_t axes = 1;  // those of the product; more are summed over, or repeated, by the copy
  for (std::size_t i = 0; i < extents.size(); ++i) axes *= strides[i] != 0 ? extents[i] : 1;
  if (batch && row && column && axes == g.g * m * n && are_nested(extents, strides)) {
    const std::int64_t down = m == 1 ? n : *row, across = n == 1 ? m : *column;
    if ((n == 1 || *column == 1) && down >= n) return {false, down, *batch, std::nullopt, 0};
    if ((m == 1 || *row == 1) && across >= m) return {true, across, *batch, std::nullopt, 0};
  }
  std::vector<int> order = g.batch;
  order.insert(order.end(), rows.begin(), rows.end());
  order.insert(order.end(), columns.begin(), columns.end());
  return {false, n, m * n, Rearrangement(extents, strides, strides_of(order, extents), g.g * m * n),
          place(g.g * m * n)};
}

Contraction::Contraction(const std::vector<std::int64_t>& extents, const Strides& a, const Strides& b, const Strides& c,
                         std::int64_t c_count) {
  const Groups g(extents, a, b, c);
  const std::int64_t m = count_of(g.rows, extents), n = count_of(g.columns, extents);
  a_ = operand(extents, a, g, g.rows, g.summed);
  b_ = operand(extents, b, g, g.summed, g.columns);
  c_ = operand(extents, c, g, g.rows, g.columns);
  if (!c_.copy && c_count != g.g * m * n) {  // places beside a diagonal
    c_.transposed = false;
    c_.row = n, c_.batch = m * n;
    c_.at = place(m * n * g.g);
    c_.copy.emplace();
  }
  if (c_.copy) {
    std::vector<int> order = g.batch;
    order.insert(order.end(), g.rows.begin(), g.rows.end());
    order.insert(order.end(), g.columns.begin(), g.columns.end());
    c_.copy = Rearrangement(extents, strides_of(order, extents), c, c_count);
  }
  swapped_ = c_.transposed;  // c lies as [n, m]
  const Matrix &left = swapped_ ? b_ : a_, &right = swapped_ ? a_ : b_;
  dnnl::MatmulShape shape{.m = swapped_ ? n : m, .n = swapped_ ? m : n, .k = g.k, .batch = g.g};
  shape.transpose_a = left.transposed != swapped_;
  shape.transpose_b = right.transposed != swapped_;
  shape.lda = left.row, shape.ldb = right.row, shape.ldc = c_.row;
  shape.batch_stride_a = left.batch, shape.batch_stride_b = right.batch, shape.batch_stride_c = c_.batch;
  product_ = std::make_unique<dnnl::Matmul>(shape);
  work_at_ = scratch_bytes_;
  scratch_bytes_ += product_->scratch_bytes();
  flop_ = 2.0 * static_cast<double>(g.g * m * n) * static_cast<double>(g.k);
}

void Contraction::execute(const float* a, const float* b, float* c, std::byte* scratch) const {
  const auto copied = [&](const Matrix& matrix, const float* values) -> const float* {
    if (!matrix.copy) return values;
    auto* copy = reinterpret_cast<float*>(scratch + matrix.at);
    matrix.copy->execute(values, copy);
    return copy;
  };
  const float *left = copied(a_, a), *right = copied(b_, b);
  if (swapped_) std::swap(left, right);
  float* result = c_.copy ? reinterpret_cast<float*>(scratch + c_.at) : c;
  product_->execute(left, right, nullptr, result, scratch + work_at_);
  if (c_.copy) c_.copy->execute(result, c);
}

ProductSum::ProductSum(const std::vector<std::int64_t>& extents, const std::vector<Strides>& factors,
                       const Strides& result, std::int64_t result_count) {
  if (factors.size() == 1) {
    single_ = Rearrangement(extents, factors.front(), result, result_count);
    return;
  }
  Strides so_far = factors.front();
  std::size_t work = 0;
  for (std::size_t i = 1; i < factors.size(); ++i) {
    const bool last = i + 1 == factors.size();
    std::vector<int> kept;  // axes of the two that the result or a later factor has
    for (std::size_t axis = 0; axis < extents.size(); ++axis) {
      bool needed = result[axis] != 0;
      for (std::size_t j = i + 1; j < factors.size(); ++j) needed = needed || factors[j][axis] != 0;
      if (needed && (so_far[axis] != 0 || factors[i][axis] != 0)) kept.push_back(static_cast<int>(axis));
    }
    const Strides next = last ? result : strides_of(kept, extents);
    const std::int64_t count = last ? result_count : count_of(kept, extents);
    products_.emplace_back(extents, so_far, factors[i], next, count);
    work = std::max(work, products_.back().scratch_bytes());
    so_far = next;
    if (last) break;
    partial_at_.push_back(scratch_bytes_);
    scratch_bytes_ = aligned(scratch_bytes_ + static_cast<std::size_t>(count) * sizeof(float));
  }
  work_at_ = scratch_bytes_;
  scratch_bytes_ += work;
}

void ProductSum::execute(const float* const* factors, float* result, std::byte* scratch) const {
  if (single_) return single_->execute(factors[0], result);
  const float* so_far = factors[0];
  for (std::size_t i = 0; i < products_.size(); ++i) {
    const bool last = i + 1 == products_.size();
    float* to = last ? result : reinterpret_cast<float*>(scratch + partial_at_[i]);
    products_[i].execute(so_far, factors[i + 1], to, scratch + work_at_);
    so_far = to;
  }
}

double ProductSum::flop() const {
  double sum = 0;
  for (const Contraction& product : products_) sum += product.flop();
  return sum;
}

}  // namespace loom::nodes

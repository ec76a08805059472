// The interpreter of block programs.
#include "math/block_program.h"

#include <algorithm>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "math/block_program.cpp"  // this file, once per instruction set
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "math/functions-inl.h"
#include "math/gamma-inl.h"

HWY_BEFORE_NAMESPACE();
namespace loom::math::HWY_NAMESPACE {

HWY_INLINE Vec one_if(hn::Mask<Tag> mask) { return hn::IfThenElseZero(mask, set(1)); }

HWY_INLINE Vec whole_expm1(Vec x) { return keep_nan(x, hn::Expm1(kTag, hn::Max(set(-100), hn::Min(set(100), x)))); }
HWY_INLINE Vec sign_of(Vec x) {
  return keep_nan(x, hn::IfThenElse(hn::Eq(x, hn::Zero(kTag)), x, hn::CopySign(set(1), x)));
}
HWY_INLINE Vec either_nan(Vec a, Vec b, Vec y) {
  return hn::IfThenElse(hn::Or(hn::IsNaN(a), hn::IsNaN(b)), hn::Add(a, b), y);
}
HWY_INLINE Vec max_of(Vec a, Vec b) { return either_nan(a, b, hn::Max(a, b)); }
HWY_INLINE Vec min_of(Vec a, Vec b) { return either_nan(a, b, hn::Min(a, b)); }
HWY_INLINE Vec select_of(Vec a, Vec b, Vec c) {
  const auto chosen = hn::And(hn::Ne(a, hn::Zero(kTag)), hn::Eq(a, a));
  return hn::IfThenElse(chosen, b, c);
}

#define LOOM_UNARY(name, expression) \
  case BlockOp::name:                \
    return map([&](Vec x) HWY_ATTR { return expression; }, y, n, a)
#define LOOM_BINARY(name, expression) \
  case BlockOp::name:                 \
    return map([&](Vec u, Vec v) HWY_ATTR { return expression; }, y, n, a, b)
#define LOOM_TERNARY(name, expression) \
  case BlockOp::name:                  \
    return map([&](Vec u, Vec v, Vec w) HWY_ATTR { return expression; }, y, n, a, b, c)
#define LOOM_WIDE(name, expression) \
  case BlockOp::name: return map_wide([&](Wide x) HWY_ATTR { return expression; }, y, n, a)

void run_unary(const BlockStep& step, float* y, const float* a, std::int64_t n) {
  const Vec p = hn::Set(kTag, step.p), q = hn::Set(kTag, step.q);
  switch (step.op) {
    LOOM_UNARY(copy, x);
    LOOM_UNARY(exp, exp_of(x));
    LOOM_UNARY(log, log_of(x));
    LOOM_UNARY(log1p, log1p_of(x));
    LOOM_UNARY(expm1, whole_expm1(x));
    LOOM_UNARY(sqrt, hn::Sqrt(x));
    LOOM_UNARY(rsqrt, hn::Div(set(1), hn::Sqrt(x)));
    LOOM_UNARY(reciprocal, hn::Div(set(1), x));
    LOOM_UNARY(abs, hn::Abs(x));
    LOOM_UNARY(sign, sign_of(x));
    LOOM_UNARY(tanh, tanh_of(x));
    LOOM_UNARY(sigmoid, sigmoid_of(x));
    LOOM_UNARY(softplus, softplus_of(x));
    LOOM_UNARY(erf, erf_of(x));
    LOOM_UNARY(floor, hn::Floor(x));
    LOOM_UNARY(round, hn::Round(x));
    LOOM_UNARY(affine, hn::MulAdd(p, x, q));
    LOOM_WIDE(sin, sine_or_cosine(x, true));
    LOOM_WIDE(cos, sine_or_cosine(x, false));
    LOOM_WIDE(lgamma, lgamma_of(x));
    LOOM_WIDE(digamma, digamma_of(x));
    LOOM_WIDE(trigamma, trigamma_of(x));
    LOOM_WIDE(tetragamma, tetragamma_of(x));
    default: break;
  }
}

void run_more(const BlockStep& step, float* y, const float* a, const float* b, const float* c, std::int64_t n) {
  const Vec p = hn::Set(kTag, step.p), q = hn::Set(kTag, step.q);
  switch (step.op) {
    LOOM_BINARY(add, hn::Add(u, v));
    LOOM_BINARY(subtract, hn::Sub(u, v));
    LOOM_BINARY(multiply, hn::Mul(u, v));
    LOOM_BINARY(divide, hn::Div(u, v));
    LOOM_BINARY(minimum, min_of(u, v));
    LOOM_BINARY(maximum, max_of(u, v));
    LOOM_BINARY(less, one_if(hn::Lt(u, v)));
    LOOM_BINARY(less_equal, one_if(hn::Le(u, v)));
    LOOM_BINARY(equal, one_if(hn::Eq(u, v)));
    LOOM_BINARY(not_equal, one_if(hn::Not(hn::Eq(u, v))));  // also of NaN
    LOOM_BINARY(scaled_add, hn::Add(hn::MulAdd(p, u, v), q));
    LOOM_TERNARY(select, select_of(u, v, w));
    LOOM_TERNARY(multiply_add, hn::MulAdd(u, v, w));
    LOOM_TERNARY(multiply_subtract, hn::MulSub(u, v, w));
    LOOM_TERNARY(negative_multiply_add, hn::NegMulAdd(u, v, w));
    case BlockOp::power: return map_wide([](Wide u, Wide v) HWY_ATTR { return power_of(u, v); }, y, n, a, b);
    default: break;
  }
}

#undef LOOM_UNARY
#undef LOOM_BINARY
#undef LOOM_TERNARY
#undef LOOM_WIDE

void RunBlock(const BlockStep* steps, std::size_t count, float* const* values, std::int64_t n, std::uint64_t wanted) {
  for (std::size_t i = 0; i < count; ++i) {
    const BlockStep& step = steps[i];
    if ((step.needed_for & wanted) == 0) continue;
    if (step.op < BlockOp::add)
      run_unary(step, values[step.y], values[step.a], n);
    else
      run_more(step, values[step.y], values[step.a], values[step.b], values[step.c], n);
  }
}

// The lanes in order, from an accumulator.
template <class F>
HWY_INLINE double fold(Vec accumulator, double start, F f) {
  HWY_ALIGN float buffer[kBufferSize];
  hn::Store(accumulator, kTag, buffer);
  for (std::int64_t i = 0; i < lanes(); ++i) start = f(start, static_cast<double>(buffer[i]));
  return start;
}

template <class F, class G>
HWY_INLINE void rows_with(F combine, G combine_numbers, float identity, const float* x, std::int64_t rows,
                          std::int64_t n, double* out) {
  const std::int64_t width = lanes();
  for (std::int64_t r = 0; r < rows; ++r, x += n) {
    if (n < width) {  // a short row is faster number by number
      double value = out[r];
      for (std::int64_t i = 0; i < n; ++i) value = combine_numbers(value, static_cast<double>(x[i]));
      out[r] = value;
      continue;
    }
    Vec even = hn::Set(kTag, identity), odd = even;
    std::int64_t i = 0;
    for (; i + 2 * width <= n; i += 2 * width) {
      even = combine(even, load(x + i));
      odd = combine(odd, load(x + i + width));
    }
    if (i + width <= n) {
      even = combine(even, load(x + i));
      i += width;
    }
    if (i < n) odd = combine(odd, load_part(x + i, n - i, identity));
    out[r] = fold(combine(even, odd), out[r], combine_numbers);
  }
}

// As of vectors: NaN is kept.
HWY_INLINE double larger(double a, double b) { return a != a || b != b ? a + b : std::max(a, b); }
HWY_INLINE double smaller(double a, double b) { return a != a || b != b ? a + b : std::min(a, b); }

void ReduceRows(Reduction reduction, const float* x, std::int64_t rows, std::int64_t n, double* out) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  switch (reduction) {
    case Reduction::sum:
      return rows_with([](Vec a, Vec b) HWY_ATTR { return hn::Add(a, b); }, [](double a, double b) { return a + b; }, 0,
                       x, rows, n, out);
    case Reduction::product:
      return rows_with([](Vec a, Vec b) HWY_ATTR { return hn::Mul(a, b); }, [](double a, double b) { return a * b; }, 1,
                       x, rows, n, out);
    case Reduction::maximum:
      return rows_with([](Vec a, Vec b) HWY_ATTR { return max_of(a, b); }, larger, -kInfinity, x, rows, n, out);
    case Reduction::minimum:
      return rows_with([](Vec a, Vec b) HWY_ATTR { return min_of(a, b); }, smaller, kInfinity, x, rows, n, out);
  }
}

// Each column in a register, and the sum of the call's rows is added once: so a long sum has two levels, and loses less.
template <class F, class G>
HWY_INLINE void columns_with(F combine, G combine_numbers, const float* x, std::int64_t rows, std::int64_t n,
                             float* out) {
  const std::int64_t width = lanes();
  std::int64_t i = 0;
  for (; i + width <= n; i += width) {
    Vec total = load(x + i);
    for (std::int64_t r = 1; r < rows; ++r) total = combine(total, load(x + r * n + i));
    store(combine(load(out + i), total), out + i);
  }
  for (; i < n; ++i) {
    auto total = static_cast<double>(out[i]);
    for (std::int64_t r = 0; r < rows; ++r) total = combine_numbers(total, static_cast<double>(x[r * n + i]));
    out[i] = static_cast<float>(total);
  }
}

void ReduceColumns(Reduction reduction, const float* x, std::int64_t rows, std::int64_t n, float* out) {
  switch (reduction) {
    case Reduction::sum:
      return columns_with([](Vec a, Vec b) HWY_ATTR { return hn::Add(a, b); }, [](double a, double b) { return a + b; },
                          x, rows, n, out);
    case Reduction::product:
      return columns_with([](Vec a, Vec b) HWY_ATTR { return hn::Mul(a, b); }, [](double a, double b) { return a * b; },
                          x, rows, n, out);
    case Reduction::maximum:
      return columns_with([](Vec a, Vec b) HWY_ATTR { return max_of(a, b); }, larger, x, rows, n, out);
    case Reduction::minimum:
      return columns_with([](Vec a, Vec b) HWY_ATTR { return min_of(a, b); }, smaller, x, rows, n, out);
  }
}

// Whole vectors: what is written after the end of a run is overwritten by the next.
void RepeatEach(const float* x, std::int64_t rows, std::int64_t n, float* y) {
  const std::int64_t width = lanes();
  for (std::int64_t r = 0; r < rows; ++r, y += n) {
    const Vec value = hn::Set(kTag, x[r]);
    for (std::int64_t i = 0; i < n; i += width) store(value, y + i);
  }
}

}  // namespace loom::math::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace loom::math {
namespace {
HWY_EXPORT(RunBlock);
HWY_EXPORT(ReduceRows);
HWY_EXPORT(ReduceColumns);
HWY_EXPORT(RepeatEach);
}  // namespace

int operand_count(BlockOp op) { return op < BlockOp::add ? 1 : op < BlockOp::select ? 2 : 3; }

void run_block(std::span<const BlockStep> steps, float* const* values, std::int64_t n, std::uint64_t wanted) {
  HWY_DYNAMIC_DISPATCH(RunBlock)(steps.data(), steps.size(), values, n, wanted);
}

float evaluate(BlockOp op, float a, float b, float c, float p, float q) {
  float y = 0;
  float* const values[] = {&y, &a, &b, &c};
  const BlockStep step{op, 0, 1, 2, 3, p, q};
  run_block({&step, 1}, values, 1, ~std::uint64_t{0});
  return y;
}

double identity_of(Reduction reduction) {
  switch (reduction) {
    case Reduction::sum: return 0;
    case Reduction::product: return 1;
    case Reduction::maximum: return -std::numeric_limits<double>::infinity();
    case Reduction::minimum: return std::numeric_limits<double>::infinity();
  }
  return 0;
}

void reduce_rows(Reduction reduction, const float* x, std::int64_t rows, std::int64_t n, double* out) {
  HWY_DYNAMIC_DISPATCH(ReduceRows)(reduction, x, rows, n, out);
}
void reduce_columns(Reduction reduction, const float* x, std::int64_t rows, std::int64_t n, float* out) {
  HWY_DYNAMIC_DISPATCH(ReduceColumns)(reduction, x, rows, n, out);
}
void repeat_each(const float* x, std::int64_t rows, std::int64_t n, float* y) {
  HWY_DYNAMIC_DISPATCH(RepeatEach)(x, rows, n, y);
}

}  // namespace loom::math
#endif

// Element-wise operations and reductions on blocks of floats that stay in the first cache: what a formula is compiled to.
//
// A block is a short piece of a tensor. A program runs all of its steps on one block before the next, so that what lies
// between two steps is never written to memory. One call runs all steps: the instruction set is chosen once a block.
//
// Conventions: those of loom/math.h. NaN passes through every operation; comparisons with NaN are false, apart from !=.
//
// Thread safety: pure functions; no call allocates.
#pragma once

#include <cstdint>
#include <span>

namespace loom::math {

enum class BlockOp : std::uint8_t {
  // y = f(a)
  copy,
  exp,
  log,
  log1p,
  expm1,
  sqrt,
  rsqrt,
  reciprocal,
  abs,
  sign,
  sin,
  cos,
  tanh,
  sigmoid,
  softplus,
  erf,
  lgamma,
  digamma,
  trigamma,
  tetragamma,  // the derivative of trigamma
  floor,
  round,   // to the nearest integer, halves to the even one
  affine,  // p a + q
  // y = f(a, b)
  add,
  subtract,
  multiply,
  divide,
  power,
  minimum,
  maximum,
  less,  // 1 or 0
  less_equal,
  equal,
  not_equal,
  scaled_add,  // p a + b + q
  // y = f(a, b, c)
  select,                // a != 0 and not NaN ? b : c
  multiply_add,          // a b + c
  multiply_subtract,     // a b - c
  negative_multiply_add  // c - a b
};

// Number of operands of an operation: 1 to 3.
int operand_count(BlockOp op);

struct BlockStep {
  BlockOp op;
  std::uint16_t y = 0, a = 0, b = 0, c = 0;  // indices of `values`
  float p = 0, q = 0;
  std::uint64_t needed_for = ~std::uint64_t{0};  // results that need the step, as bits
};

// Runs the steps that any of the `wanted` results needs, on n floats of each value. An output may be an operand.
void run_block(std::span<const BlockStep> steps, float* const* values, std::int64_t n, std::uint64_t wanted);

// One operation on one number, with the same arithmetic.
float evaluate(BlockOp op, float a, float b = 0, float c = 0, float p = 0, float q = 0);

enum class Reduction : std::uint8_t { sum, product, maximum, minimum };

double identity_of(Reduction reduction);
// out[r] = out[r] op x[r n] op ... op x[r n + n - 1]
void reduce_rows(Reduction reduction, const float* x, std::int64_t rows, std::int64_t n, double* out);
// out[i] = out[i] op x[i] op x[n + i] op ... op x[(rows - 1) n + i]
void reduce_columns(Reduction reduction, const float* x, std::int64_t rows, std::int64_t n, float* out);
// y[r n + i] = x[r]. May write up to kBlockPadding floats after the end of y.
void repeat_each(const float* x, std::int64_t rows, std::int64_t n, float* y);

inline constexpr std::int64_t kBlockPadding = 64;

}  // namespace loom::math

// Products of row-major float matrices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace loom::dnnl {

enum class Activation { none, relu };

// C = activation(op(A) op(B) [+ C] [+ bias]), for each matrix of a batch:
//   op(A) is [m,k]; A itself is [m,k], or [k,m] with transpose_a
//   op(B) is [k,n]; B itself is [k,n], or [n,k] with transpose_b
//   C is [m,n]; bias is [n]
//
// A PyTorch linear layer with weight [out,in] is, for x and y of `rows` rows,
//   forward        y = x W^T + b   m=rows n=out k=in    transpose_b, bias  (pack_b pays below about 100 rows)
//   backward data  dx = dy W       m=rows n=in  k=out
//   gradient       dW += dy^T x    m=out  n=in  k=rows  transpose_a, accumulate
struct MatmulShape {
  std::int64_t m = 1, n = 1, k = 1;
  std::int64_t batch = 1;
  bool transpose_a = false, transpose_b = false;
  bool bias = false;
  bool accumulate = false;  // adds to the contents of C
  Activation activation = Activation::none;
  // B is a weight that stays the same for many executions: allow it to be packed once (not with ldb or batches).
  bool pack_b = false;
  // Rounds A and B to bf16 (needs has_bf16()); the sums, C and bias are f32. Only for a dense A and B, one product at a time.
  bool bf16 = false;
  // Stored in bf16 in place of f32; only with `bf16`. A C in bf16 is dense, and not added to.
  bool a_bf16 = false, b_bf16 = false, c_bf16 = false;
  // Distance in floats between two rows of A, B, C in memory; 0: dense. With these (and the distance between two
  // matrices of the batch; 0: dense), one head of an attention can be addressed inside [tokens, heads, d].
  std::int64_t lda = 0, ldb = 0, ldc = 0;
  std::int64_t batch_stride_a = 0, batch_stride_b = 0, batch_stride_c = 0;
};

// Immutable; execute() and pack() may be called from many threads at once, each with its own scratch.
class Matmul {
 public:
  explicit Matmul(const MatmulShape& shape);
  ~Matmul();
  Matmul(Matmul&&) noexcept;
  Matmul& operator=(Matmul&&) noexcept;

  // Scratch for execute() and pack(), 64-byte aligned.
  std::size_t scratch_bytes() const;

  // Size of the packed form of B; 0 when execute() takes the plain B.
  std::size_t packed_bytes() const;
  void pack(const float* b, void* packed, void* scratch) const;

  // `b` is the plain B, or the packed form when packed_bytes() != 0. `bias` is ignored unless shape.bias.
  void execute(const void* a, const void* b, const float* bias, void* c, void* scratch) const;

  // oneDNN's name for the implementation, for diagnosis.
  std::string implementation() const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace loom::dnnl

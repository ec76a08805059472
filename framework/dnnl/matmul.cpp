#include "dnnl/matmul.h"

#include <optional>

#include "dnnl/bf16.h"
#include "dnnl/column_product.h"
#include "dnnl/detail.h"
#include "dnnl/primitive.h"
#include "dnnl/vector_loops.h"

namespace loom::dnnl {

using namespace detail;

struct Matmul::Impl {
  bool bias = false, packs = false;
  bool relu = false, c_bf16 = false;
  std::int64_t n = 0, k = 0, m = 0, batch = 0, ldc = 0, batch_stride = 0;
  Primitive product;
  std::optional<Operand> bf16_a, bf16_b;  // B only where it is not packed
  std::optional<ColumnProduct> column;    // in place of the primitive

  void apply_relu(void* result) const {
    if (c_bf16) return math::relu(static_cast<Bf16*>(result), m * n);
    auto* c = static_cast<float*>(result);
    for (std::int64_t i = 0; i < batch; ++i) {
      float* rows = c + i * batch_stride;
      if (ldc == n) dnnl::relu(rows, m * n);
      for (std::int64_t r = 0; ldc != n && r < m; ++r) dnnl::relu(rows + r * ldc, n);
    }
  }
};

namespace {

// The logical matrix op(X) of `rows` x `columns` over memory that contains it plain or transposed.
Desc matrix(std::int64_t batch, std::int64_t rows, std::int64_t columns, bool transposed, std::int64_t leading,
            std::int64_t batch_stride, Type type) {
  const std::int64_t stored_rows = transposed ? columns : rows;
  const std::int64_t stored_columns = transposed ? rows : columns;
  if (leading == 0) leading = stored_columns;
  require(leading >= stored_columns, "matmul: the distance between two rows is less than a row");
  if (batch_stride == 0) batch_stride = leading * stored_rows;
  const std::int64_t row_stride = transposed ? 1 : leading, column_stride = transposed ? leading : 1;
  if (batch == 1) return strided({rows, columns}, {row_stride, column_stride}, type);
  return strided({batch, rows, columns}, {batch_stride, row_stride, column_stride}, type);
}

}  // namespace

Matmul::Matmul(const MatmulShape& s) {
  const auto what = label("matmul", {s.batch, s.m, s.k, s.n});
  require(s.batch > 0 && s.m > 0 && s.n > 0 && s.k > 0, what + ": every size must be positive");
  require(!s.pack_b || (s.batch == 1 && s.ldb == 0), what + ": only a single dense B can be packed");
  pin_this_thread();
  auto impl = std::make_unique<Impl>();
  require(!s.bf16 || (s.batch == 1 && s.lda == 0 && s.ldb == 0),
          what + ": only single dense matrices are rounded to bf16");
  impl->bias = s.bias, impl->packs = s.pack_b && (s.transpose_b || s.bf16), impl->n = s.n, impl->k = s.k;
  require(s.bf16 || !(s.a_bf16 || s.b_bf16 || s.c_bf16), what + ": only products in bf16 take matrices in bf16");
  require(!s.c_bf16 || (s.ldc == 0 && !s.accumulate), what + ": a result in bf16 is dense, and not added to");
  impl->relu = s.activation == Activation::relu, impl->c_bf16 = s.c_bf16;
  impl->m = s.m, impl->batch = s.batch, impl->ldc = s.ldc == 0 ? s.n : s.ldc;
  impl->batch_stride = s.batch_stride_c == 0 ? s.m * impl->ldc : s.batch_stride_c;
  const Type type = s.bf16 ? Type::bf16 : Type::f32;
  const Desc a = matrix(s.batch, s.m, s.k, s.transpose_a, s.lda, s.batch_stride_a, type);
  const Desc plain = matrix(s.batch, s.k, s.n, s.transpose_b, s.ldb, s.batch_stride_b, type);
  // Row-major [k,n] is what the kernels read without copying; blocked layouts gain no more than 3 % over it.
  const Desc b = s.pack_b && !s.bf16 ? row_major({s.k, s.n}) : plain;
  const Desc c = matrix(s.batch, s.m, s.n, false, s.ldc, s.batch_stride_c, s.c_bf16 ? Type::bf16 : Type::f32);
  if (s.bf16) {
    impl->bf16_a.emplace(s.m * s.k, s.a_bf16);
    impl->bf16_b.emplace(s.k * s.n, s.b_bf16 && !impl->packs);
  }
  const Desc bias = !s.bias ? Desc() : s.batch == 1 ? row_major({1, s.n}) : row_major({1, 1, s.n});
  if (!s.bf16 && ColumnProduct::is_meant(s)) {
    MatmulShape shape = s;
    shape.transpose_b = s.transpose_b && !impl->packs;  // the packed B is [k,n]
    impl->column.emplace(shape);
    impl_ = std::move(impl);
    return;
  }
  const auto descriptor = described(what, [&] { return matmul_descriptor(a, b, bias, c, attributes(s.accumulate)); });
  std::vector<Argument> arguments{{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}};
  if (s.bias) arguments.push_back({DNNL_ARG_BIAS, bias});
  impl->product = Primitive(what, descriptor, std::move(arguments));
  impl_ = std::move(impl);
}

Matmul::~Matmul() = default;
Matmul::Matmul(Matmul&&) noexcept = default;
Matmul& Matmul::operator=(Matmul&&) noexcept = default;

std::size_t Matmul::scratch_bytes() const {
  std::size_t bytes = impl_->product.scratch_bytes();
  if (impl_->bf16_a) bytes += impl_->bf16_a->bytes() + (impl_->packs ? 0 : impl_->bf16_b->bytes());
  return bytes;
}

std::size_t Matmul::packed_bytes() const {
  const std::size_t element = impl_->bf16_b ? sizeof(Bf16) : sizeof(float);
  return impl_->packs ? static_cast<std::size_t>(impl_->n * impl_->k) * element : 0;
}

void Matmul::pack(const float* b, void* packed, void*) const {
  if (!impl_->packs) return;
  if (impl_->bf16_b) return math::to_bf16(b, static_cast<Bf16*>(packed), impl_->n * impl_->k);
  transpose(b, impl_->n, impl_->k, static_cast<float*>(packed));
}

void Matmul::execute(const void* a, const void* b, const float* bias, void* c, void* scratch) const {
  if (impl_->column) {
    return impl_->column->execute(static_cast<const float*>(a), static_cast<const float*>(b), bias,
                                  static_cast<float*>(c));
  }
  const void* left = a;
  if (impl_->bf16_a) {
    left = impl_->bf16_a->of(a, scratch);
    scratch = offset(scratch, impl_->bf16_a->bytes());
    if (!impl_->packs) {
      b = impl_->bf16_b->of(b, scratch);
      scratch = offset(scratch, impl_->bf16_b->bytes());
    }
  }
  if (impl_->bias) {
    impl_->product.run({left, b, c, bias}, scratch);
  } else {
    impl_->product.run({left, b, c}, scratch);
  }
  if (impl_->relu) impl_->apply_relu(c);
}

std::string Matmul::implementation() const {
  return impl_->column   ? "own column"
         : impl_->bf16_a ? "bf16 " + impl_->product.implementation()
                         : impl_->product.implementation();
}

}  // namespace loom::dnnl

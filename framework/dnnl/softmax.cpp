#include "dnnl/softmax.h"

#include <algorithm>

#include "dnnl/detail.h"
#include "dnnl/primitive.h"

namespace loom::dnnl {

using namespace detail;

struct Softmax::Impl {
  Primitive forward, backward;
};

Softmax::Softmax(std::int64_t rows, std::int64_t columns, bool logarithm) {
  const auto what = label(logarithm ? "log_softmax" : "softmax", {rows, columns});
  require(rows > 0 && columns > 0, what + ": every size must be positive");
  const Desc data = row_major({rows, columns});
  auto impl = std::make_unique<Impl>();
  impl->forward = make_softmax_forward(what, data, logarithm);
  impl->backward = make_softmax_backward("gradient of " + what, data, logarithm);
  impl_ = std::move(impl);
}

Softmax::~Softmax() = default;
Softmax::Softmax(Softmax&&) noexcept = default;
Softmax& Softmax::operator=(Softmax&&) noexcept = default;

std::size_t Softmax::scratch_bytes() const {
  return std::max(impl_->forward.scratch_bytes(), impl_->backward.scratch_bytes());
}

void Softmax::forward(const float* x, float* y, void* scratch) const { impl_->forward.run({x, y}, scratch); }

void Softmax::backward(const float* diff_y, const float* y, float* diff_x, void* scratch) const {
  impl_->backward.run({diff_y, y, diff_x}, scratch);
}

}  // namespace loom::dnnl

#include "dnnl/layer_norm.h"

#include <algorithm>

#include "dnnl/detail.h"
#include "dnnl/primitive.h"
#include "dnnl/vector_loops.h"

namespace loom::dnnl {

using namespace detail;

struct LayerNorm::Impl {
  std::int64_t columns = 0;
  Primitive forward, backward;
};

LayerNorm::LayerNorm(std::int64_t rows, std::int64_t columns, float epsilon) {
  const auto what = label("layer_norm", {rows, columns});
  require(rows > 0 && columns > 0, what + ": every size must be positive");
  pin_this_thread();
  const Desc data = row_major({rows, columns}), statistics = row_major({rows}), affine = row_major({columns});
  auto impl = std::make_unique<Impl>();
  impl->columns = columns;
  const auto forward = described(what, [&] { return layer_norm_forward_descriptor(data, statistics, epsilon); });
  impl->forward = Primitive(what, forward,
                            {{DNNL_ARG_SRC, data},
                             {DNNL_ARG_SCALE, affine},
                             {DNNL_ARG_SHIFT, affine},
                             {DNNL_ARG_DST, data},
                             {DNNL_ARG_MEAN, statistics},
                             {DNNL_ARG_VARIANCE, statistics}});
  const auto gradient = "gradient of " + what;
  const auto backward =
      described(gradient, [&] { return layer_norm_backward_descriptor(data, statistics, epsilon, forward); });
  impl->backward = Primitive(gradient, backward,
                             {{DNNL_ARG_SRC, data},
                              {DNNL_ARG_SCALE, affine},
                              {DNNL_ARG_MEAN, statistics},
                              {DNNL_ARG_VARIANCE, statistics},
                              {DNNL_ARG_DIFF_DST, data},
                              {DNNL_ARG_DIFF_SRC, data},
                              {DNNL_ARG_DIFF_SCALE, affine},
                              {DNNL_ARG_DIFF_SHIFT, affine},
                              {DNNL_ARG_SHIFT, affine}});
  impl_ = std::move(impl);
}

LayerNorm::~LayerNorm() = default;
LayerNorm::LayerNorm(LayerNorm&&) noexcept = default;
LayerNorm& LayerNorm::operator=(LayerNorm&&) noexcept = default;

std::size_t LayerNorm::scratch_bytes() const {
  return 2 * float_bytes(impl_->columns) + std::max(impl_->forward.scratch_bytes(), impl_->backward.scratch_bytes());
}

void LayerNorm::forward(const float* x, const float* scale, const float* shift, float* y, float* mean, float* variance,
                        void* scratch) const {
  impl_->forward.run({x, scale, shift, y, mean, variance}, scratch);
}

void LayerNorm::backward(const float* x, const float* scale, const float* mean, const float* variance,
                         const float* diff_y, float* diff_x, float* diff_scale, float* diff_shift,
                         void* scratch) const {
  // The primitive overwrites its results, but the gradients of parameters are running sums.
  const std::size_t bytes = float_bytes(impl_->columns);
  float* scale_sum = static_cast<float*>(scratch);
  float* shift_sum = static_cast<float*>(offset(scratch, bytes));
  // The gradient does not depend on the shift, but oneDNN 2.6 expects it as an argument: any pointer will
  // do.
  impl_->backward.run({x, scale, mean, variance, diff_y, diff_x, scale_sum, shift_sum, scale},
                      offset(scratch, 2 * bytes));
  add(scale_sum, diff_scale, impl_->columns);
  add(shift_sum, diff_shift, impl_->columns);
}

}  // namespace loom::dnnl

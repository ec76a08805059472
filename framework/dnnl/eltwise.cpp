#include "dnnl/eltwise.h"

#include "dnnl/detail.h"
#include "dnnl/primitive.h"

namespace loom::dnnl {

using namespace detail;

namespace {

struct Traits {
  const char* name;
  onednn::algorithm forward, backward;
  bool takes_alpha;
};

Traits traits(EltwiseKind kind) {
  using A = onednn::algorithm;
  switch (kind) {
    case EltwiseKind::relu: return {"relu", A::eltwise_relu, A::eltwise_relu_use_dst_for_bwd, false};
    case EltwiseKind::leaky_relu: return {"leaky_relu", A::eltwise_relu, A::eltwise_relu_use_dst_for_bwd, true};
    case EltwiseKind::elu: return {"elu", A::eltwise_elu, A::eltwise_elu_use_dst_for_bwd, true};
    case EltwiseKind::gelu_erf: return {"gelu_erf", A::eltwise_gelu_erf, A::eltwise_gelu_erf, false};
    case EltwiseKind::gelu_tanh: return {"gelu_tanh", A::eltwise_gelu_tanh, A::eltwise_gelu_tanh, false};
    case EltwiseKind::silu: return {"silu", A::eltwise_swish, A::eltwise_swish, true};
    case EltwiseKind::tanh: return {"tanh", A::eltwise_tanh, A::eltwise_tanh_use_dst_for_bwd, false};
    case EltwiseKind::sigmoid: return {"sigmoid", A::eltwise_logistic, A::eltwise_logistic_use_dst_for_bwd, false};
    case EltwiseKind::softplus: return {"softplus", A::eltwise_soft_relu, A::eltwise_soft_relu, false};
    case EltwiseKind::exp: return {"exp", A::eltwise_exp, A::eltwise_exp_use_dst_for_bwd, false};
  }
  throw std::invalid_argument("unknown elementwise function");
}

}  // namespace

struct Eltwise::Impl {
  Primitive forward, backward;
};

bool Eltwise::backward_reads_output(EltwiseKind kind) {
  const auto t = traits(kind);
  return t.forward != t.backward;
}

Eltwise::Eltwise(EltwiseKind kind, std::int64_t count, float alpha) {
  const auto t = traits(kind);
  const auto what = label(t.name, {count});
  require(count > 0, what + ": the count must be positive");
  require((kind != EltwiseKind::leaky_relu && kind != EltwiseKind::elu) || alpha >= 0.0F,
          what + ": alpha must not be negative, since the gradient is taken from the output");
  pin_this_thread();
  // The parameter of softplus in 3.x is the steepness; 2.x has none and ignores it.
  const float parameter = t.takes_alpha ? alpha : kind == EltwiseKind::softplus ? 1.0F : 0.0F;
  const Desc data = row_major({count});
  auto impl = std::make_unique<Impl>();
  // Two forward descriptors: a backward descriptor needs a hint with the same algorithm.
  const auto forward = described(what, [&] { return eltwise_forward_descriptor(t.forward, data, parameter, 0.0F); });
  impl->forward = Primitive(what, forward, {{DNNL_ARG_SRC, data}, {DNNL_ARG_DST, data}});
  const auto gradient = "gradient of " + what;
  const auto backward = described(gradient, [&] {
    const auto hint = eltwise_forward_descriptor(t.backward, data, parameter, 0.0F);
    return eltwise_backward_descriptor(t.backward, data, parameter, 0.0F, hint);
  });
  impl->backward = Primitive(gradient, backward,
                             {{DNNL_ARG_DIFF_DST, data},
                              {backward_reads_output(kind) ? DNNL_ARG_DST : DNNL_ARG_SRC, data},
                              {DNNL_ARG_DIFF_SRC, data}});
  if (impl->forward.scratch_bytes() + impl->backward.scratch_bytes() != 0) {
    throw std::runtime_error(what + ": this version of oneDNN needs scratch memory, which is not provided");
  }
  impl_ = std::move(impl);
}

Eltwise::~Eltwise() = default;
Eltwise::Eltwise(Eltwise&&) noexcept = default;
Eltwise& Eltwise::operator=(Eltwise&&) noexcept = default;

void Eltwise::forward(const float* x, float* y) const { impl_->forward.run({x, y}, nullptr); }

void Eltwise::backward(const float* diff_y, const float* x_or_y, float* diff_x) const {
  impl_->backward.run({diff_y, x_or_y, diff_x}, nullptr);
}

}  // namespace loom::dnnl

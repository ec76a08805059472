#include "dnnl/pooling.h"

#include <algorithm>

#include "dnnl/detail.h"
#include "dnnl/primitive.h"

namespace loom::dnnl {

using namespace detail;

struct Pooling::Impl {
  Primitive forward, inference, backward;
  std::size_t workspace_bytes = 0;
};

namespace {

onednn::algorithm algorithm_of(PoolingKind kind) {
  switch (kind) {
    case PoolingKind::max: return onednn::algorithm::pooling_max;
    case PoolingKind::average: return onednn::algorithm::pooling_avg_exclude_padding;
    case PoolingKind::average_padded: return onednn::algorithm::pooling_avg_include_padding;
  }
  throw std::invalid_argument("unknown kind of pooling");
}

void validate_pooling(const PoolingShape& s, const std::string& what) {
  require(std::min({s.n, s.d, s.h, s.w, s.c, s.kd, s.kh, s.kw, s.stride_d, s.stride_h, s.stride_w}) > 0,
          what + ": every size must be positive");
  const auto fits = [](std::int64_t size, std::int64_t kernel, std::int64_t before, std::int64_t after) {
    return std::min(before, after) >= 0 && std::max(before, after) < kernel && size + before + after >= kernel;
  };
  require(fits(s.d, s.kd, s.pad_front, s.pad_back) && fits(s.h, s.kh, s.pad_top, s.pad_bottom) &&
              fits(s.w, s.kw, s.pad_left, s.pad_right),
          what + ": padding must be less than the window, which must fit into the padded input");
}

}  // namespace

Pooling::Pooling(const PoolingShape& s) {
  const auto what = label("pooling", {s.n, s.d, s.h, s.w, s.c}) + " " + label("window", {s.kd, s.kh, s.kw});
  validate_pooling(s, what);
  pin_this_thread();
  const auto by_axis = [&](std::int64_t d, std::int64_t h, std::int64_t w) {
    return s.is_volume() ? Dims{d, h, w} : Dims{h, w};
  };
  const Desc x = channels_last(s.n, s.c, by_axis(s.d, s.h, s.w)),
             y = channels_last(s.n, s.c, by_axis(s.out_d(), s.out_h(), s.out_w()));
  const Dims kernel = by_axis(s.kd, s.kh, s.kw);
  // oneDNN requires the padding to end with the last window: positions that it does not reach are not padding.
  const auto end = [](std::int64_t size, std::int64_t out, std::int64_t stride, std::int64_t window,
                      std::int64_t begin) { return (out - 1) * stride + window - size - begin; };
  const Spatial spatial{
      by_axis(s.stride_d, s.stride_h, s.stride_w), by_axis(0, 0, 0), by_axis(s.pad_front, s.pad_top, s.pad_left),
      by_axis(end(s.d, s.out_d(), s.stride_d, s.kd, s.pad_front), end(s.h, s.out_h(), s.stride_h, s.kh, s.pad_top),
              end(s.w, s.out_w(), s.stride_w, s.kw, s.pad_left))};
  auto impl = std::make_unique<Impl>();
  const auto kind = algorithm_of(s.kind);
  const auto forward = described(what, [&] { return pooling_forward_descriptor(true, kind, x, y, spatial, kernel); });
  const auto inference =
      described(what, [&] { return pooling_forward_descriptor(false, kind, x, y, spatial, kernel); });
  const auto gradient = "gradient of " + what;
  const auto backward =
      described(gradient, [&] { return pooling_backward_descriptor(kind, x, y, spatial, kernel, forward); });
  std::vector<Argument> forward_arguments{{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}};
  std::vector<Argument> backward_arguments{{DNNL_ARG_DIFF_DST, y}, {DNNL_ARG_DIFF_SRC, x}};
  impl->inference = Primitive(what, inference, forward_arguments);
  if (s.kind == PoolingKind::max) {
    const Desc workspace = forward.workspace_desc();
    impl->workspace_bytes = workspace.get_size();
    forward_arguments.push_back({DNNL_ARG_WORKSPACE, workspace});
    backward_arguments.push_back({DNNL_ARG_WORKSPACE, workspace});
  }
  impl->forward = Primitive(what, forward, std::move(forward_arguments));
  impl->backward = Primitive(gradient, backward, std::move(backward_arguments));
  impl_ = std::move(impl);
}

Pooling::~Pooling() = default;
Pooling::Pooling(Pooling&&) noexcept = default;
Pooling& Pooling::operator=(Pooling&&) noexcept = default;

std::size_t Pooling::scratch_bytes() const {
  return std::max({impl_->forward.scratch_bytes(), impl_->inference.scratch_bytes(), impl_->backward.scratch_bytes()});
}

std::size_t Pooling::workspace_bytes() const { return impl_->workspace_bytes; }

void Pooling::forward(const float* x, float* y, void* workspace, void* scratch) const {
  if (impl_->workspace_bytes != 0) {
    impl_->forward.run({x, y, workspace}, scratch);
  } else {
    impl_->forward.run({x, y}, scratch);
  }
}

void Pooling::inference(const float* x, float* y, void* scratch) const { impl_->inference.run({x, y}, scratch); }

void Pooling::backward(const float* diff_y, const void* workspace, float* diff_x, void* scratch) const {
  if (impl_->workspace_bytes != 0) {
    impl_->backward.run({diff_y, diff_x, workspace}, scratch);
  } else {
    impl_->backward.run({diff_y, diff_x}, scratch);
  }
}

}  // namespace loom::dnnl

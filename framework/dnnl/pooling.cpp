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

}  // namespace

Pooling::Pooling(const PoolingShape& s) {
  const auto what = label("pooling", {s.n, s.h, s.w, s.c}) + " " + label("window", {s.kh, s.kw});
  require(std::min({s.n, s.h, s.w, s.c, s.kh, s.kw, s.stride_h, s.stride_w}) > 0,
          what + ": every size must be positive");
  require(std::min({s.pad_top, s.pad_bottom, s.pad_left, s.pad_right}) >= 0 && s.pad_top < s.kh &&
              s.pad_bottom < s.kh && s.pad_left < s.kw && s.pad_right < s.kw,
          what + ": padding must be less than the window, since a window in the padding alone has no value");
  require(s.h + s.pad_top + s.pad_bottom >= s.kh && s.w + s.pad_left + s.pad_right >= s.kw,
          what + ": the window is larger than the padded input");
  pin_this_thread();
  const Desc x = channels_last(s.n, s.c, s.h, s.w), y = channels_last(s.n, s.c, s.out_h(), s.out_w());
  const Dims kernel{s.kh, s.kw};
  // oneDNN requires the padding to end with the last window: positions that it does not reach are not padding.
  const auto end = [](std::int64_t size, std::int64_t out, std::int64_t stride, std::int64_t window,
                      std::int64_t begin) { return (out - 1) * stride + window - size - begin; };
  const Spatial spatial{
      {s.stride_h, s.stride_w},
      {0, 0},
      {s.pad_top, s.pad_left},
      {end(s.h, s.out_h(), s.stride_h, s.kh, s.pad_top), end(s.w, s.out_w(), s.stride_w, s.kw, s.pad_left)}};
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

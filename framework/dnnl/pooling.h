// Maximum and average pooling, forward and backward.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace loom::dnnl {

enum class PoolingKind {
  max,
  average,         // over the pixels of the window inside the image (PyTorch: count_include_pad=False)
  average_padded,  // over the whole window, padding counted as zeros (PyTorch's default)
};

// x is [n,h,w,c], y is [n,out_h(),out_w(),c]. One-dimensional data has h = kh = 1. Volumes have a depth d before h; images
// have d = kd = 1.
struct PoolingShape {
  PoolingKind kind = PoolingKind::max;
  std::int64_t n = 1, h = 1, w = 1, c = 1;
  std::int64_t kh = 1, kw = 1;
  std::int64_t stride_h = 1, stride_w = 1;
  std::int64_t pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;

  std::int64_t d = 1, kd = 1, stride_d = 1, pad_front = 0, pad_back = 0;

  std::int64_t out_d() const { return (d + pad_front + pad_back - kd) / stride_d + 1; }
  std::int64_t out_h() const { return (h + pad_top + pad_bottom - kh) / stride_h + 1; }
  std::int64_t out_w() const { return (w + pad_left + pad_right - kw) / stride_w + 1; }
  bool is_volume() const { return d > 1 || kd > 1 || out_d() > 1; }
  std::int64_t x_count() const { return n * d * h * w * c; }
  std::int64_t y_count() const { return n * out_d() * out_h() * out_w() * c; }
};

// Immutable; may run on many threads at once, each with its own scratch of scratch_bytes(), 64-byte aligned.
class Pooling {
 public:
  explicit Pooling(const PoolingShape& shape);
  ~Pooling();
  Pooling(Pooling&&) noexcept;
  Pooling& operator=(Pooling&&) noexcept;

  std::size_t scratch_bytes() const;
  // Output of forward() for backward(): which pixel was the maximum. 0 for averages.
  std::size_t workspace_bytes() const;

  void forward(const float* x, float* y, void* workspace, void* scratch) const;
  // As forward(), without the workspace, if no gradient will be requested.
  void inference(const float* x, float* y, void* scratch) const;
  // Overwrites diff_x.
  void backward(const float* diff_y, const void* workspace, float* diff_x, void* scratch) const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace loom::dnnl

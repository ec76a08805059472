// The gradients of the WaveNet block, chunk by chunk in the order of time: the gradient of x at a position is written
// before later positions add to it.
#include "autoregressive/wavenet_block.h"
#include "dnnl/vector_loops.h"
#include "loom/math.h"
#include "math/gate.h"

namespace loom::nodes {

void WavenetBlock::backward(const Backward& b) const {
  const std::span<float> weights = weights_(b);
  std::ranges::fill(weights, 0.0F);
  if (b.wants_diff("skip_sum")) std::ranges::copy(b.diff_output(1).values(), b.diff_input("skip_sum").data());
  float* diff_offsets = diff_offsets_(b).data();
  for (std::int64_t n = 0; n < samples_; ++n) {
    if (conditioned()) std::fill_n(diff_offsets, offset_rows() * 2 * channels_, 0.0F);
    product_->for_each_chunk(
        [&](std::int64_t first, std::int64_t last) { backward_chunk(b, n, first, last, diff_offsets); });
    if (conditioned()) backward_offsets(b, n, diff_offsets);
  }
  if (b.wants_parameter_diff("conv_weight"))
    product_->add_weight_gradient(0, weights.data(), b.diff_parameter("conv_weight").data());
}

void WavenetBlock::backward_chunk(const Backward& b, std::int64_t n, std::int64_t first, std::int64_t last,
                                  float* diff_offsets) const {
  void* work = work_(b).data();
  const std::int64_t rows = last - first, at = n * length_ + first;
  float* diff_sums = rows_(b).data();
  backward_gate(b, at, rows, parts_(b).data() + at * 2 * channels_, diff_sums);
  for_each_offset(first, last, diff_offsets, [&](std::int64_t begin, std::int64_t end, float* diff_offset) {
    const float* part = diff_sums + (begin - first) * 2 * channels_;
    if (diff_offset != nullptr) dnnl::add_column_sums(part, end - begin, 2 * channels_, diff_offset);
  });
  if (b.wants_parameter_diff("conv_bias"))
    dnnl::add_column_sums(diff_sums, rows, 2 * channels_, b.diff_parameter("conv_bias").data());
  if (b.wants_parameter_diff("conv_weight")) {
    const float* x = sample_of(b.input(0), n);
    product_->backward_weights(&x, diff_sums, first, last, weights_(b).data(), work);
  }
  if (!b.wants_diff(0)) return;
  float* diff_x = gradient_of(b.diff_input(0), n);
  std::copy_n(b.diff_output(0).data() + at * channels_, rows * channels_, diff_x + first * channels_);
  product_->backward_data(diff_sums, first, last, packed_(b).data(), &diff_x, work);
}

// Through the two 1x1 convolutions and the gate, for `rows` positions from `at` on, counted over the batch.
void WavenetBlock::backward_gate(const Backward& b, std::int64_t at, std::int64_t rows, const float* parts,
                                 float* diff_sums) const {
  void* work = work_(b).data();
  float* gates = gates_(b).data();
  const float *diff_y = b.diff_output(0).data() + at * channels_, *diff_skip = b.diff_output(1).data() + at * skips_;
  math::gate_product(parts, gates, rows, channels_);
  if (b.wants_parameter_diff("residual_weight"))
    residual_weights_.execute(rows, diff_y, gates, nullptr, b.diff_parameter("residual_weight").data(), work);
  if (b.wants_parameter_diff("residual_bias"))
    dnnl::add_column_sums(diff_y, rows, channels_, b.diff_parameter("residual_bias").data());
  if (b.wants_parameter_diff("skip_weight"))
    skip_weights_.execute(rows, diff_skip, gates, nullptr, b.diff_parameter("skip_weight").data(), work);
  if (b.wants_parameter_diff("skip_bias"))
    dnnl::add_column_sums(diff_skip, rows, skips_, b.diff_parameter("skip_bias").data());
  residual_data_.execute(rows, diff_y, b.parameter("residual_weight").data(), nullptr, gates, work);
  skip_data_.execute(rows, diff_skip, b.parameter("skip_weight").data(), nullptr, gates, work);
  math::gate_gradient_from_parts(parts, gates, diff_sums, rows, channels_);
}

void WavenetBlock::backward_offsets(const Backward& b, std::int64_t n, float* diff_offsets) const {
  void* work = work_(b).data();
  if (b.wants_diff("condition")) {
    condition_data_->execute(diff_offsets, b.parameter("condition_weight").data(), nullptr,
                             gradient_of(b.diff_input("condition"), n), work);
  }
  if (b.wants_parameter_diff("condition_weight")) {
    condition_weights_->execute(diff_offsets, sample_of(b.input("condition"), n), nullptr,
                                b.diff_parameter("condition_weight").data(), work);
  }
  if (globals_ == 0) return;
  float* total = diff_offsets + offset_rows() * 2 * channels_;
  std::fill_n(total, 2 * channels_, 0.0F);
  dnnl::add_column_sums(diff_offsets, offset_rows(), 2 * channels_, total);
  if (b.wants_diff("global")) {
    global_data_->execute(total, b.parameter("global_weight").data(), nullptr, gradient_of(b.diff_input("global"), n),
                          work);
  }
  if (b.wants_parameter_diff("global_weight")) {
    global_weights_->execute(total, sample_of(b.input("global"), n), nullptr, b.diff_parameter("global_weight").data(),
                             work);
  }
}

}  // namespace loom::nodes

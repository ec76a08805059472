// The gradients of the gated PixelCNN block, sample by sample: first the horizontal stack, which stores its part of
// the gradient of the vertical sums, then the vertical one. What of the vertical one is transformed comes last, for all
// samples at once.
#include "autoregressive/gated_pixelcnn_block.h"
#include "dnnl/vector_loops.h"
#include "loom/math.h"
#include "math/gate.h"

namespace loom::nodes {

namespace {

bool wants_any(const Backward& b, std::initializer_list<const char*> parameters) {
  return std::ranges::any_of(parameters, [&](const char* name) { return b.wants_parameter_diff(name); });
}

void add_to(const Backward& b, const char* parameter, const float* sums, std::int64_t count) {
  if (b.wants_parameter_diff(parameter)) dnnl::add(sums, b.diff_parameter(parameter).data(), count);
}

}  // namespace

void GatedPixelcnnBlock::backward(const Backward& b) const {
  std::ranges::fill(vertical_weights_(b), 0.0F);
  std::ranges::fill(horizontal_weights_(b), 0.0F);
  std::ranges::fill(diff_offsets_(b), 0.0F);
  if (b.wants_diff("vertical") && !vertical_.transforms_data())
    std::ranges::fill(b.diff_input("vertical").values(), 0.0F);
  if (b.wants_diff("condition")) std::ranges::fill(b.diff_input("condition").values(), 0.0F);
  if (b.wants_diff("horizontal")) {
    if (first_)
      std::ranges::fill(b.diff_input("horizontal").values(), 0.0F);
    else
      std::ranges::copy(b.diff_output("horizontal").values(), b.diff_input("horizontal").data());
  }
  const bool whole = diff_sums_.count() > sums_count();
  for (std::int64_t n = 0; n < samples_; ++n) {
    float* diff_sums = diff_sums_(b).data() + (whole ? n * sums_count() : 0);
    std::fill_n(diff_sums, sums_count(), 0.0F);
    backward_horizontal(b, n, diff_sums);
    backward_vertical(b, n, diff_sums);
  }
  backward_transformed(b);
  add_weight_gradients(b);
  if (classes_ > 0) backward_class(b);
}

void GatedPixelcnnBlock::backward_horizontal(const Backward& b, std::int64_t n, float* diff_sums) const {
  void* work = work_(b).data();
  const float* parts = parts_(b).data() + n * sums_count();
  const float* images[] = {sample_of(b.input("horizontal"), n), sums(b, n), sample_of(b.input("condition"), n)};
  float* diff_images[] = {gradient_of(b.diff_input("horizontal"), n), diff_sums,
                          gradient_of(b.diff_input("condition"), n)};
  const float* diff = sample_of(b.diff_output("horizontal"), n);
  const bool wants_weights =
      wants_any(b, {"horizontal_weight", "vertical_to_horizontal_weight", "horizontal_condition_weight"});
  float *diff_rows = rows_(b).data(), *totals = totals_(b).data();
  std::fill_n(totals, 2 * channels_, 0.0F);
  horizontal_->for_each_chunk([&](std::int64_t first, std::int64_t last) {
    backward_out(b, diff + first * channels_, parts + first * 2 * channels_, last - first, diff_rows);
    dnnl::add_column_sums(diff_rows, last - first, 2 * channels_, totals);
    if (wants_weights) {
      horizontal_->backward_weights(images, diff_rows, first, last, horizontal_weights_(b).data(), work);
    }
    horizontal_->backward_data(diff_rows, first, last, horizontal_packed_(b).data(), diff_images, work);
  });
  add_to(b, "horizontal_bias", totals, 2 * channels_);
  add_to(b, "vertical_to_horizontal_bias", totals, 2 * channels_);
  if (classes_ > 0) {
    dnnl::add(totals, diff_offsets_(b).data() + (kHorizontal * samples_ + n) * 2 * channels_, 2 * channels_);
  }
}

// Through the 1x1 convolution and the gate before it.
void GatedPixelcnnBlock::backward_out(const Backward& b, const float* diff, const float* parts, std::int64_t rows,
                                      float* diff_sums) const {
  void* work = work_(b).data();
  float* gates = gates_(b).data();
  if (b.wants_parameter_diff("out_weight")) {
    math::gate_product(parts, gates, rows, channels_);
    out_weights_.execute(rows, diff, gates, nullptr, b.diff_parameter("out_weight").data(), work);
  }
  if (b.wants_parameter_diff("out_bias"))
    dnnl::add_column_sums(diff, rows, channels_, b.diff_parameter("out_bias").data());
  out_data_.execute(rows, diff, b.parameter("out_weight").data(), nullptr, gates, work);
  math::gate_gradient_from_parts(parts, gates, diff_sums, rows, channels_);
}

// `diff_sums` holds the horizontal stack's part of the gradient of the vertical sums.
void GatedPixelcnnBlock::backward_vertical(const Backward& b, std::int64_t n, float* diff_sums) const {
  void* work = work_(b).data();
  const float* image = sample_of(b.input("vertical"), n);
  const float* condition = sample_of(b.input("condition"), n);
  const float* diff = sample_of(b.diff_output("vertical"), n);
  float* diff_image = gradient_of(b.diff_input("vertical"), n);
  float *rows = rows_(b).data(), *diff_offsets = diff_offsets_(b).data();
  const CausalProduct& product = vertical_.product();
  product.for_each_chunk([&](std::int64_t first, std::int64_t last) {
    const float* x = conditioned(b, sums(b, n) + first * 2 * channels_, condition + first * conditions_, last - first);
    math::gate_gradient(x, offset(b, kVertical, n), diff + first * channels_, rows, last - first, channels_);
    if (conditions_ > 0) backward_condition(b, n, first, last - first, rows);
    if (classes_ > 0) dnnl::add_column_sums(rows, last - first, 2 * channels_, diff_offsets + n * 2 * channels_);
    float* total = diff_sums + first * 2 * channels_;
    dnnl::add(rows, total, (last - first) * 2 * channels_);
    if (b.wants_parameter_diff("vertical_bias"))
      dnnl::add_column_sums(total, last - first, 2 * channels_, b.diff_parameter("vertical_bias").data());
    if (diff_image != nullptr && !vertical_.transforms_data())
      product.backward_data(total, first, last, vertical_.product_weight(b), &diff_image, work);
  });
  if (b.wants_parameter_diff("vertical_weight") && !vertical_.transforms_weights()) {
    product.backward_weights(&image, diff_sums, 0, positions(), vertical_weights_(b).data(), work);
  }
}

void GatedPixelcnnBlock::backward_transformed(const Backward& b) const {
  void* work = work_(b).data();
  const float* diff_sums = diff_sums_(b).data();
  if (b.wants_diff("vertical") && vertical_.transforms_data())
    vertical_.backward_data(b, diff_sums, b.diff_input("vertical").data(), work);
  if (b.wants_parameter_diff("vertical_weight") && vertical_.transforms_weights())
    vertical_.backward_weights(b.input("vertical").data(), diff_sums, b.diff_parameter("vertical_weight"),
                               b.is_first("vertical_weight"), work);
}

void GatedPixelcnnBlock::backward_condition(const Backward& b, std::int64_t n, std::int64_t first, std::int64_t rows,
                                            const float* diff_sums) const {
  void* work = work_(b).data();
  if (b.wants_diff("condition")) {
    condition_data_.execute(rows, diff_sums, b.parameter("vertical_condition_weight").data(), nullptr,
                            gradient_of(b.diff_input("condition"), n) + first * conditions_, work);
  }
  if (b.wants_parameter_diff("vertical_condition_weight")) {
    condition_weights_.execute(rows, diff_sums, sample_of(b.input("condition"), n) + first * conditions_, nullptr,
                               b.diff_parameter("vertical_condition_weight").data(), work);
  }
}

void GatedPixelcnnBlock::add_weight_gradients(const Backward& b) const {
  const auto add = [&](const CausalProduct& product, std::size_t source, const Slot<float>& sums,
                       const char* parameter) {
    if (b.wants_parameter_diff(parameter))
      product.add_weight_gradient(source, sums(b).data(), b.diff_parameter(parameter).data());
  };
  if (!vertical_.transforms_weights()) {
    if (b.is_first("vertical_weight")) std::ranges::fill(b.diff_parameter("vertical_weight").values(), 0.0F);
    add(vertical_.product(), 0, vertical_weights_, "vertical_weight");
  }
  add(*horizontal_, 0, horizontal_weights_, "horizontal_weight");
  add(*horizontal_, 1, horizontal_weights_, "vertical_to_horizontal_weight");
  if (conditions_ > 0) add(*horizontal_, 2, horizontal_weights_, "horizontal_condition_weight");
}

void GatedPixelcnnBlock::backward_class(const Backward& b) const {
  void* work = work_(b).data();
  const float *diff_offsets = diff_offsets_(b).data(), *c = b.input("class").data();
  if (b.wants_diff("class")) std::ranges::fill(b.diff_input("class").values(), 0.0F);
  for (const Stack stack : {kVertical, kHorizontal}) {
    const char* parameter = stack == kVertical ? "vertical_class_weight" : "horizontal_class_weight";
    const float* diff = diff_offsets + stack * samples_ * 2 * channels_;
    if (b.wants_diff("class"))
      class_data_->execute(diff, b.parameter(parameter).data(), nullptr, b.diff_input("class").data(), work);
    if (b.wants_parameter_diff(parameter))
      class_weights_->execute(diff, c, nullptr, b.diff_parameter(parameter).data(), work);
  }
}

}  // namespace loom::nodes

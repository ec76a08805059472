#include "graph/gradient_node.h"

#include <algorithm>

namespace loom {
namespace {

std::int64_t rows_per_sample(const Shape& shape) { return shape.per_sample() ? -shape[0] : 1; }

std::int64_t total(const std::vector<Shape>& shapes) {
  std::int64_t count = 0;
  for (const Shape& shape : shapes) count += shape.rank() > 0 ? shape.count() : 0;
  return count;
}

}  // namespace

GradientNode::GradientNode(std::shared_ptr<const GradientOf> of, std::vector<GradientPort> ports,
                           const Options& options)
    : of_(std::move(of)), ports_(std::move(ports)), node_(of_->type->create(options)) {}

void GradientNode::prepare(const Prepare& p) {
  const auto shaped = [&](const Shape& shape, DType dtype) {
    return shape.rank() == 0 ? TensorView() : TensorView(dtype, shape.at_batch(p.samples), nullptr);
  };
  for (std::size_t k = 0; k < of_->inputs.size(); ++k)
    input_shapes_.push_back(shaped(of_->inputs[k], of_->input_types[k]));
  for (std::size_t k = 0; k < of_->outputs.size(); ++k)
    output_shapes_.push_back(shaped(of_->outputs[k], of_->output_types[k]));
  needs_.contract = &contract();
  needs_.input_views = input_shapes_;
  needs_.output_views = output_shapes_;
  needs_.parameter_views = p.parameter_views;
  needs_.samples = p.samples;
  needs_.rows = p.samples * rows_per_sample(of_->outputs.front());
  needs_.training = p.training;
  needs_.backward = true;
  needs_.transformed = p.transformed;
  if (of_->second && p.backward && of_->has_second_derivative()) needs_.along = of_->input;
  if (!contract().is_alias()) node_->prepare(needs_);
  needs_.parameter_views = {};
  reserve(p);
}

void GradientNode::reserve(const Prepare& p) {
  const std::size_t in = of_->inputs.size(), out = of_->outputs.size();
  const std::array<std::size_t, lists> sizes = {
      in, out, out, in, contract().parameters().size(), of_->states.size(), of_->tallies.size(), out};
  for (std::size_t i = 0; i < lists; ++i) starts_[i + 1] = starts_[i] + sizes[i];
  views_ = p.scratch<TensorView>(starts_[lists]);
  std::int64_t largest = 0, values = 0;
  for (const TensorView& view : input_shapes_) largest = std::max(largest, view.count());
  for (const TensorView& view : output_shapes_) {
    largest = std::max(largest, view.count());
    values += view.count();
  }
  zeros_ = p.scratch<float>(largest);
  values_ = p.scratch<float>(values);
  moved_ = p.scratch<float>(total(of_->states) + total(of_->tallies));
  sums_ = p.scratch<double>(needs_.sum_count);
  diff_sums_ = p.scratch<double>(needs_.diff_sum_count);
  scratch_ = p.scratch<std::byte>(needs_.scratch_bytes);
  saved_ = p.backward ? p.saved<std::byte>(needs_.saved_bytes) : p.scratch<std::byte>(needs_.saved_bytes);
  packed_ = p.packed<std::byte>(needs_.packed_bytes);
}

void GradientNode::pack(const Pack& p) const {
  Pack inner = p;
  inner.contract = &contract();
  inner.packed_memory = packed_(p);
  inner.scratch_memory = scratch_(p);
  node_->pack(inner);
}

std::span<TensorView> GradientNode::list(const Call& call, List which) const {
  if (views_.empty()) return {};
  return views_(call).subspan(starts_[which], starts_[which + 1] - starts_[which]);
}

TensorView GradientNode::filled(const Call& call, const Shape& shape, DType dtype) const {
  const std::span<float> zeros = zeros_(call).first(static_cast<std::size_t>(shape.count()));
  std::ranges::fill(zeros, 0.0F);
  return {dtype, shape, zeros.data()};
}

template <class Inner>
Inner GradientNode::call_of(const Call& call) const {
  Inner inner;
  static_cast<Call&>(inner) = call;
  inner.contract = &contract();
  inner.input_views = list(call, inputs);
  inner.output_views = list(call, outputs);
  inner.scratch_memory = scratch_(call);
  inner.saved_memory = saved_(call);
  inner.packed_memory = packed_(call);
  const std::int64_t rows = rows_per_sample(of_->outputs.front());
  inner.first_row = call.first_sample * rows;
  inner.rows = call.samples * rows;
  if (needs_.sum_count > 0) bind_states(call, inner);
  if (needs_.sum_count > 0) inner.sums = sums_(call);
  if (needs_.diff_sum_count > 0) inner.diff_sums = diff_sums_(call);
  if constexpr (std::is_base_of_v<Backward, Inner>) {
    inner.diff_output_views = list(call, diff_outputs);
    inner.diff_input_views = list(call, diff_inputs);
    inner.diff_parameter_views = list(call, diff_parameters);
  }
  return inner;
}

// What the call is given: values of the node, and gradients of its outputs. Nothing is asked for.
void GradientNode::bind(const Call& call) const {
  const std::span<TensorView> in = list(call, inputs), out = list(call, outputs), above = list(call, diff_outputs);
  std::ranges::copy(input_shapes_, in.begin());
  std::ranges::copy(output_shapes_, out.begin());
  std::ranges::copy(output_shapes_, above.begin());
  for (std::size_t k = 0; k < ports_.size(); ++k) {
    const GradientPort port = ports_[k];
    const auto index = static_cast<std::size_t>(port.index);
    const TensorView given = call.input(static_cast<int>(k));
    if (port.kind == GradientPort::Kind::diff_output) above[index] = given;
    if (port.kind == GradientPort::Kind::input) in[index] = given;
    if (port.kind == GradientPort::Kind::output) out[index] = given;
  }
  for (std::size_t k = 0; k < above.size(); ++k)
    if (above[k].empty()) above[k] = filled(call, output_shapes_[k].shape(), DType::f32);
  for (const List which : {diff_inputs, diff_parameters, diff_diff_outputs})
    std::ranges::fill(list(call, which), TensorView());
}

// Statistics that a call moves are copies: the node itself moves them once.
void GradientNode::bind_states(const Call& call, Call& inner) const {
  const std::span<TensorView> own = list(call, states);
  float* memory = moved_(call).data();
  for (std::size_t k = 0; k < own.size(); ++k) {
    own[k] = call.state_views[k];
    if (own[k].empty()) continue;
    std::ranges::copy(own[k].values(), memory);
    own[k].rebind(memory);
    memory += own[k].count();
  }
  inner.state_views = own;
}

void GradientNode::bind_outputs(const Call& call) const {
  float* memory = values_(call).data();
  const std::span<TensorView> out = list(call, outputs);
  for (std::size_t k = 0; k < out.size(); ++k) {
    out[k] = {output_shapes_[k].dtype(), output_shapes_[k].shape(), memory};
    memory += output_shapes_[k].count();
  }
}

// Inputs of a linear node, on which its derivative does not depend.
void GradientNode::bind_missing(const Call& call) const {
  const std::span<TensorView> in = list(call, inputs);
  for (std::size_t k = 0; k < in.size(); ++k) {
    const TensorView& shape = input_shapes_[k];
    const bool is_read = shape.shape().rank() > 0 && !contract().input_at(static_cast<int>(k)).is_shape_only;
    if (in[k].empty() && is_read) in[k] = filled(call, shape.shape(), shape.dtype());
  }
}

// Again what the node has computed, for what it leaves to its backward.
void GradientNode::run_forward(const Call& call) const {
  const std::span<TensorView> kept = list(call, tallies);
  bind_missing(call);
  float* memory = moved_(call).data() + total(of_->states);
  for (std::size_t k = 0; k < kept.size(); ++k) {
    kept[k] = TensorView(DType::f32, of_->tallies[k], memory);
    if (of_->tallies[k].rank() > 0) memory += of_->tallies[k].count();
  }
  bind_outputs(call);
  Forward inner = call_of<Forward>(call);
  inner.tally_views = kept;
  if (needs_.sum_count > 0) {
    std::ranges::fill(inner.sums, 0.0);
    node_->gather(inner);
    node_->finish(inner);
  }
  node_->forward(inner);
}

void GradientNode::gather(const Call& call, Backward& inner) const {
  if (needs_.diff_sum_count == 0 || !call.training) return;
  std::ranges::fill(inner.diff_sums, 0.0);
  node_->gather_backward(inner);
}

void GradientNode::forward(const Forward& f) const {
  if (contract().is_alias()) {
    std::ranges::copy(f.input(0).values(), f.output(0).data());
    return;
  }
  bind(f);
  if (runs_forward() && (f.training || needs_.saved_bytes > 0)) run_forward(f);
  list(f, diff_inputs)[static_cast<std::size_t>(of_->input)] = f.output(0);
  Backward inner = call_of<Backward>(f);
  gather(f, inner);
  node_->backward(inner);
}

void GradientNode::backward(const Backward& b) const {
  if (contract().is_alias()) {
    if (b.wants_diff(0)) std::ranges::copy(b.diff_output(0).values(), b.diff_input(0).data());
    return;
  }
  if (!of_->second || !of_->has_second_derivative()) return Node::backward(b);
  bind(b);
  of_->is_linear() || of_->is_linear_in_each() ? linear_backward(b) : own_backward(b);
}

// dx = J^T dy, J without x: the gradient by dy is J v, and those by the weights and by other inputs are the node's own, of
// x = v.
void GradientNode::linear_backward(const Backward& b) const {
  list(b, inputs)[static_cast<std::size_t>(of_->input)] = b.diff_output(0);
  bind_missing(b);
  bind_outputs(b);
  const auto is_wanted = [](const TensorView& view) { return !view.empty(); };
  bool further = std::ranges::any_of(b.diff_parameter_views, is_wanted), along = needs_.saved_bytes > 0;
  for (std::size_t k = 0; k < ports_.size(); ++k) {
    const TensorView wanted = b.diff_input(static_cast<int>(k));
    if (wanted.empty()) continue;
    const auto index = static_cast<std::size_t>(ports_[k].index);
    const bool of_input = ports_[k].kind == GradientPort::Kind::input;
    list(b, of_input ? diff_inputs : outputs)[index] = wanted;
    further = further || of_input;
    along = along || !of_input;
  }
  if (along) node_->forward(call_of<Forward>(b));
  if (!further) return;
  std::ranges::copy(b.diff_parameter_views, list(b, diff_parameters).begin());
  node_->backward(call_of<Backward>(b));
}

void GradientNode::own_backward(const Backward& b) const {
  for (std::size_t k = 0; k < ports_.size(); ++k) {
    const auto index = static_cast<std::size_t>(ports_[k].index);
    const TensorView wanted = b.diff_input(static_cast<int>(k));
    if (ports_[k].kind == GradientPort::Kind::input) list(b, diff_inputs)[index] = wanted;
    if (ports_[k].kind == GradientPort::Kind::diff_output) list(b, diff_diff_outputs)[index] = wanted;
  }
  std::ranges::copy(b.diff_parameter_views, list(b, diff_parameters).begin());
  auto inner = call_of<SecondBackward>(b);
  inner.along = of_->input;
  inner.direction = b.diff_output(0);
  inner.diff_diff_output_views = list(b, diff_diff_outputs);
  node_->second_backward(inner);
}

}  // namespace loom

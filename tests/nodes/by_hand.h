// A node prepared and called by hand, for what NodeTester does not do: what a node reserves, a pointwise node at one
// position of a map, and advance() over a whole map.
#pragma once

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "check/standard_registry.h"
#include "graph/check_options.h"
#include "loom/advance.h"
#include "loom/check.h"

namespace loom::check {

// [N, ...S, C] with P positions S, as [P, N, C]; and back to the shape of `like`.
inline Tensor positions_first(const Tensor& map) {
  const std::int64_t samples = map.shape()[0], channels = map.shape().back();
  const std::int64_t positions = map.count() / samples / channels;
  Tensor out(DType::f32, {positions, samples, channels});
  for (std::int64_t n = 0; n < samples; ++n)
    for (std::int64_t p = 0; p < positions; ++p)
      std::copy_n(map.values().data() + (n * positions + p) * channels, channels,
                  out.values().data() + (p * samples + n) * channels);
  return out;
}
inline Tensor samples_first(const Tensor& map, const Shape& shape) {
  const std::int64_t positions = map.shape()[0], samples = map.shape()[1], channels = map.shape()[2];
  Tensor out(DType::f32, shape);
  for (std::int64_t n = 0; n < samples; ++n)
    for (std::int64_t p = 0; p < positions; ++p)
      std::copy_n(map.values().data() + (p * samples + n) * channels, channels,
                  out.values().data() + (n * positions + p) * channels);
  return out;
}

template <class... T>
std::vector<Tensor> several(T&&... tensors) {
  std::vector<Tensor> list;
  (list.push_back(std::forward<T>(tensors)), ...);
  return list;
}

class ByHand {
 public:
  using Values = std::map<std::string, OptionValue>;

  // inputs and parameters in declaration order; one without axes is not connected.
  ByHand(const std::string& type, const Values& options, const std::vector<Tensor>& inputs,
         const std::vector<Tensor>& parameters, const Shape& output, bool incremental = false, bool backward = false)
      : type_(standard_registry().node(type)), parameters_(views(parameters)), output_shape_(output) {
    std::map<std::string, OptionEntry> entries;
    for (const auto& [name, value] : options) entries.emplace(name, OptionEntry{value, {}});
    Diagnostics problems;
    const Options checked = check_options(type_->contract, entries, {}, type, problems);
    problems.throw_if_any();
    const std::vector<TensorView> input_views = connected(inputs);
    const std::vector<TensorView> outputs{TensorView(type_->contract.outputs()[0].type, output, nullptr)};
    needs.contract = &type_->contract;
    needs.input_views = input_views;
    needs.output_views = outputs;
    needs.parameter_views = parameters_;
    needs.samples = needs.rows = output[0];
    needs.incremental = incremental;
    needs.backward = needs.training = backward;
    node_ = type_->create(checked);
    node_->prepare(needs);
    scratch_ = allocate_bytes(needs.scratch_bytes);
    saved_ = allocate_bytes(needs.saved_bytes);
  }

  Prepare needs;
  const Node& node() const { return *node_; }

  Tensor forward(const std::vector<Tensor>& inputs, std::int64_t position = 0) {
    Tensor output(type_->contract.outputs()[0].type, output_shape_);
    const std::vector<TensorView> in = connected(inputs), out{output.view()};
    Forward call;
    fill(call, in, out);
    call.position = position;
    node_->forward(call);
    return output;
  }

  // The output, drawn position by position, of inputs in their ordinary shapes.
  Tensor advance(const std::vector<Tensor>& inputs, const std::vector<Filled>& fills) {
    std::vector<Tensor> maps;
    for (const Tensor& input : inputs) maps.push_back(positions_first(input));
    return advance_maps(maps, fills);
  }

  // Of inputs as advance() is given them: maps [P, N, C], or as they are where they have other positions. Each is
  // filled as far as it says, and NaN beyond.
  Tensor advance_maps(const std::vector<Tensor>& whole, const std::vector<Filled>& fills) {
    const std::int64_t height = output_shape_.rank() == 4 ? output_shape_[1] : 1;
    const std::int64_t positions = output_shape_.count_from(1) / output_shape_.back();
    Tensor output(DType::f32, {positions, output_shape_[0], output_shape_.back()});
    std::vector<Tensor> maps;
    for (std::size_t i = 0; i < whole.size(); ++i) {
      maps.push_back(whole[i].clone());
      if (fills[i] != Filled::whole) std::memset(maps[i].view().raw(), 0xFF, maps[i].view().bytes());
    }
    const std::vector<TensorView> in = connected(maps), out{output.view()};
    const std::vector<Filled> out_fills{node_->filled(fills, 0)};
    Advance call;
    fill(call, in, out);
    call.positions = positions;
    call.height = height;
    call.width = positions / height;
    call.input_fills = fills;
    call.output_fills = out_fills;
    for (std::int64_t t = 0; t <= positions; ++t) {  // at t = P only what is filled behind t
      call.time = t;
      for (std::size_t i = 0; i < whole.size(); ++i) copy(whole[i], maps[i], call.range_of(fills[i]));
      if (t < positions || out_fills[0] != Filled::through) node_->advance(call);
    }
    return samples_first(output, output_shape_);
  }

 private:
  static std::vector<TensorView> views(const std::vector<Tensor>& tensors) {
    std::vector<TensorView> views;
    for (const Tensor& tensor : tensors) views.push_back(tensor.shape().rank() > 0 ? tensor.view() : TensorView());
    return views;
  }
  // Inputs behind those that are given are not connected.
  std::vector<TensorView> connected(const std::vector<Tensor>& tensors) const {
    std::vector<TensorView> all = views(tensors);
    all.resize(std::max(all.size(), type_->contract.inputs().size()));
    return all;
  }
  static void copy(const Tensor& from, const Tensor& to, Advance::Range range) {
    const std::int64_t positions = from.shape()[0];
    if (range.first >= positions) return;
    const TensorView rows = from.view().rows(range.first, range.count);
    std::memcpy(to.view().rows(range.first, range.count).raw(), rows.raw(), rows.bytes());
  }
  void fill(Call& call, const std::vector<TensorView>& in, const std::vector<TensorView>& out) const {
    call.contract = &type_->contract;
    call.input_views = in;
    call.output_views = out;
    call.parameter_views = parameters_;
    call.scratch_memory = {scratch_.get(), needs.scratch_bytes};
    call.saved_memory = {saved_.get(), needs.saved_bytes};
    call.stream = RandomStream(1, 2, 3);
    call.samples = call.rows = call.batch_samples = needs.samples;
  }

  std::shared_ptr<const NodeType> type_;
  std::vector<TensorView> parameters_;
  Shape output_shape_;
  std::unique_ptr<Node> node_;
  AlignedBytes scratch_, saved_;
};

}  // namespace loom::check

#include "check/incremental_map.h"

#include <cstring>

#include "check/node_call.h"
#include "run/call.h"

namespace loom::check {
namespace {

void fill_with_dirt(const Tensor& tensor) {
  if (there(tensor)) std::memset(tensor.view().raw(), kDirt, tensor.view().bytes());
}

// A node as the framework prepares it for maps of N samples, or for rows of one or more positions.
struct Prepared {
  PreparedNode node;
  AlignedBytes scratch, saved;
  std::vector<Tensor> state_copies;

  // `rows` 0: whole maps.
  Prepared(const NodeSetup& setup, const Raster& raster, std::int64_t rows) {
    const auto shape = [&](const Tensor& tensor, Shape whole) {
      if (rows == 0 || whole.rank() == 0) return TensorView(tensor.dtype(), whole, nullptr);
      whole[0] = rows;
      for (int axis = 1; axis <= raster.axes; ++axis) whole[axis] = 1;
      return TensorView(tensor.dtype(), whole, nullptr);
    };
    for (const Tensor& input : setup.inputs) node.inputs.push_back(shape(input, input.shape()));
    for (std::size_t k = 0; k < setup.outputs.size(); ++k) {
      node.outputs.push_back(shape(Tensor(setup.output_type(k), {1}), setup.outputs[k].at_batch(setup.samples)));
    }
    for (const Tensor& parameter : setup.parameters)
      node.parameters.push_back(parameter.shape().rank() > 0 ? parameter.view() : TensorView());
    for (const Tensor& state : setup.states)
      node.states.push_back(state_copies.emplace_back(there(state) ? state.clone() : Tensor()).view());
    node.needs.samples = node.needs.rows = rows == 0 ? setup.samples : rows;
    node.needs.training = setup.training;
    node.needs.incremental = rows == 0;
    prepare_node(*setup.type, setup.options, node);
    scratch = allocate_bytes(node.needs.scratch_bytes);
    saved = allocate_bytes(node.needs.saved_bytes);
    // Of a map it is zeros when the drawing begins (loom/advance.h).
    std::memset(saved.get(), node.needs.incremental ? 0 : kDirt, node.needs.saved_bytes);
    if (node.needs.packed_bytes > 0) std::memset(node.packed.get(), kDirt, node.needs.packed_bytes);
    pack_node(node);
  }

  void fill(Call& call, const NodeSetup& setup, std::span<const TensorView> inputs,
            std::span<const TensorView> outputs) {
    std::memset(scratch.get(), kDirt, node.needs.scratch_bytes);
    fill_call(
        call, node,
        {.stream = RandomStream(setup.seed, stream_of("node"), kStep), .batch_samples = setup.samples, .step = kStep},
        {inputs, outputs, {scratch.get(), node.needs.scratch_bytes}, {saved.get(), node.needs.saved_bytes}});
  }
};

class Drawing {
 public:
  Drawing(const NodeSetup& setup, const Raster& raster, const std::vector<Filled>& fills,
          const std::vector<Filled>& gives)
      : setup_(setup), raster_(raster), fills_(fills), gives_(gives) {
    for (std::size_t i = 0; i < setup.inputs.size(); ++i) {
      const Tensor& input = setup.inputs[i];
      const bool on_map = raster.on_map(input, fills[i] != Filled::whole);
      sources_.push_back(on_map ? positions_first(input, raster.positions()) : there(input) ? input.clone() : Tensor());
      inputs_.push_back(there(sources_[i]) ? sources_[i].clone() : Tensor());
      if (fills[i] != Filled::whole) fill_with_dirt(inputs_[i]);
    }
    for (std::size_t k = 0; k < setup.outputs.size(); ++k) {
      const Shape shape = setup.outputs[k].at_batch(setup.samples);
      outputs_.push_back(shape.rank() == 0 ? Tensor()
                                           : positions_first(Tensor(setup.output_type(k), shape), raster.positions()));
      fill_with_dirt(outputs_[k]);
    }
  }

  std::vector<Tensor> run() {
    const bool pointwise = setup_.contract().is_pointwise(setup_.options);
    Prepared one(setup_, raster_, pointwise ? setup_.samples : 0);
    Prepared row(setup_, raster_, pointwise ? setup_.samples * raster_.width : 0);
    for (std::int64_t t = 0; t < raster_.positions(); ++t) {
      reveal(t);
      Advance call;
      call.time = t;
      call.positions = raster_.positions();
      call.height = raster_.height;
      call.width = raster_.width;
      call.input_fills = fills_;
      call.output_fills = gives_;
      if (!pointwise) {
        advance(one, call);
        continue;
      }
      const Advance::Range range = call.range(0);
      if (range.count > 0) compute(range.count == 1 ? one : row, range);
    }
    return std::move(outputs_);
  }

 private:
  // The part of the inputs that exists at time t.
  void reveal(std::int64_t t) {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (fills_[i] == Filled::whole) continue;
      const TensorView part = inputs_[i].view().rows(0, raster_.there(fills_[i], t));
      std::memcpy(part.raw(), sources_[i].view().raw(), part.bytes());
    }
  }

  static std::vector<TensorView> views_of(const std::vector<Tensor>& tensors) {
    std::vector<TensorView> views;
    for (const Tensor& tensor : tensors) views.push_back(there(tensor) ? tensor.view() : TensorView());
    return views;
  }

  void advance(Prepared& prepared, Advance& call) {
    const std::vector<TensorView> in = views_of(inputs_), out = views_of(outputs_);
    prepared.fill(call, setup_, in, out);
    prepared.node.node->advance(call);
  }

  // forward for the rows of some positions.
  void compute(Prepared& prepared, Advance::Range range) {
    const auto bound = [&](const std::vector<TensorView>& shapes, const std::vector<Tensor>& maps) {
      std::vector<TensorView> views = shapes;
      for (std::size_t i = 0; i < views.size(); ++i) {
        if (there(maps[i])) views[i].rebind(maps[i].view().rows(range.first, range.count).raw());
      }
      return views;
    };
    const std::vector<TensorView> in = bound(prepared.node.inputs, inputs_),
                                  out = bound(prepared.node.outputs, outputs_);
    Forward call;
    prepared.fill(call, setup_, in, out);
    call.position = range.first;
    prepared.node.node->forward(call);
  }

  const NodeSetup& setup_;
  const Raster& raster_;
  const std::vector<Filled>&fills_, &gives_;
  std::vector<Tensor> sources_, inputs_, outputs_;
};

}  // namespace

// [N, P, C] as [P, N, C]
Tensor positions_first(const Tensor& batch, std::int64_t positions) {
  const std::int64_t samples = batch.shape()[0], channels = batch.count() / (samples * positions);
  Tensor map(batch.dtype(), {positions, samples, channels});
  const auto* from = static_cast<const std::byte*>(batch.view().raw());
  auto* to = static_cast<std::byte*>(map.view().raw());
  const std::size_t row = static_cast<std::size_t>(channels) * size_of(batch.dtype());
  for (std::int64_t n = 0; n < samples; ++n) {
    for (std::int64_t p = 0; p < positions; ++p) {
      std::memcpy(to + static_cast<std::size_t>(p * samples + n) * row,
                  from + static_cast<std::size_t>(n * positions + p) * row, row);
    }
  }
  return map;
}

std::vector<Tensor> draw_map(const NodeSetup& setup, const Raster& raster, const std::vector<Filled>& fills,
                             const std::vector<Filled>& gives) {
  return Drawing(setup, raster, fills, gives).run();
}

}  // namespace loom::check

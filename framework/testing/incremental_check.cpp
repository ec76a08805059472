#include "testing/incremental_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include "core/error.h"
#include "graph/advance.h"
#include "testing/node_call.h"

namespace loom::testing {
namespace {

constexpr int kDirt = 0xFF;  // every float of it is a NaN, every integer -1
constexpr std::uint32_t kStep = 7;

void poison(const TensorView& tensor) { std::memset(tensor.raw(), kDirt, tensor.bytes()); }

const char* name_of_fill(Filled fill) {
  constexpr const char* kNames[] = {"whole", "through", "before", "rows_before"};
  return kNames[static_cast<int>(fill)];
}

// The extents of the map, and which of its positions are there at a time.
struct Raster {
  std::int64_t height = 1, width = 1;
  int axes = 1;

  std::int64_t positions() const { return height * width; }
  Place place(std::int64_t position) const { return {position / width, position % width}; }
  // Positions from 0 on that are filled at time t.
  std::int64_t there(Filled fill, std::int64_t t) const {
    switch (fill) {
      case Filled::whole: return positions();
      case Filled::through: return t + 1;
      case Filled::before: return t;
      case Filled::rows_before: return t / width * width;
    }
    return 0;
  }
  // When a position of an output is computed; none: never, since nothing needs it.
  std::optional<std::int64_t> time_of(Filled fill, std::int64_t position) const {
    for (std::int64_t t = 0; t < positions(); ++t) {
      if (there(fill, t) > position) return t;
    }
    return {};
  }
  bool on_map(const Tensor& tensor, bool drawn) const {
    const Shape& shape = tensor.shape();
    if (shape.rank() <= axes) return false;
    for (int axis = 1; axis <= axes; ++axis) {
      if (shape[axis] != (axes == 1 || axis == 2 ? width : height)) return false;
    }
    return drawn || shape.rank() > axes + 1 || tensor.dtype() == DType::i32;
  }
};

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

Raster raster_of(const NodeSetup& setup, const IncrementalCheck& check) {
  for (std::size_t i = 0; i < setup.inputs.size(); ++i) {
    if (!check.fills.contains(setup.contract().input_name(static_cast<int>(i)))) continue;
    const Shape& shape = setup.inputs[i].shape();
    if (check.axes == 1) return {1, shape[1], 1};
    return {shape[1], shape[2], 2};
  }
  throw Error(ErrorCode::missing_input, "no input of the node depends on what is drawn",
              "name one in IncrementalCheck::fills");
}

// A node as the framework prepares it for maps of N samples, or for rows of one or more positions.
struct Prepared {
  std::unique_ptr<Node> node;
  std::vector<TensorView> inputs, outputs, parameters;
  AlignedBytes scratch, saved, packed;
  Prepare needs;
  std::vector<Tensor> state_copies;
  std::vector<TensorView> states;

  // `rows` 0: whole maps.
  Prepared(const NodeSetup& setup, const Raster& raster, std::int64_t rows) {
    const auto shape = [&](const Tensor& tensor, Shape whole) {
      if (rows == 0 || whole.rank() == 0) return TensorView(tensor.dtype(), whole, nullptr);
      whole[0] = rows;
      for (int axis = 1; axis <= raster.axes; ++axis) whole[axis] = 1;
      return TensorView(tensor.dtype(), whole, nullptr);
    };
    for (const Tensor& input : setup.inputs) inputs.push_back(shape(input, input.shape()));
    for (std::size_t k = 0; k < setup.outputs.size(); ++k) {
      outputs.push_back(shape(Tensor(setup.output_type(k), {1}), setup.outputs[k].at_batch(setup.samples)));
    }
    for (const Tensor& parameter : setup.parameters)
      parameters.push_back(parameter.shape().rank() > 0 ? parameter.view() : TensorView());
    for (const Tensor& state : setup.states) states.push_back(state_copies.emplace_back(state.clone()).view());
    needs.contract = &setup.contract();
    needs.input_views = inputs;
    needs.output_views = outputs;
    needs.parameter_views = parameters;
    needs.samples = needs.rows = rows == 0 ? setup.samples : rows;
    needs.training = setup.training;
    needs.incremental = rows == 0;
    node = setup.type->create(setup.options);
    node->prepare(needs);
    scratch = allocate_bytes(needs.scratch_bytes);
    saved = allocate_bytes(needs.saved_bytes);
    packed = allocate_bytes(needs.packed_bytes);
    std::memset(saved.get(), kDirt, needs.saved_bytes);
    std::memset(packed.get(), kDirt, needs.packed_bytes);
    Pack pack;
    pack.contract = needs.contract;
    pack.parameter_views = parameters;
    pack.packed_memory = {packed.get(), needs.packed_bytes};
    if (needs.packed_bytes > 0) node->pack(pack);
  }

  void fill(Call& call, const NodeSetup& setup) {
    std::memset(scratch.get(), kDirt, needs.scratch_bytes);
    call.contract = needs.contract;
    call.parameter_views = parameters;
    call.state_views = states;
    call.scratch_memory = {scratch.get(), needs.scratch_bytes};
    call.saved_memory = {saved.get(), needs.saved_bytes};
    call.packed_memory = {packed.get(), needs.packed_bytes};
    call.stream = RandomStream(setup.seed, stream_of("node"), kStep);
    call.samples = call.rows = needs.samples;
    call.batch_samples = setup.samples;
    call.step = kStep;
    call.training = setup.training;
  }
};

class Checker {
 public:
  Checker(NodeSetup setup, const IncrementalCheck& check)
      : setup_(std::move(setup)), check_(check), raster_(raster_of(setup_, check)) {
    pointwise_ = contract().is_pointwise(setup_.options);
    for (std::size_t i = 0; i < setup_.inputs.size(); ++i) {
      const auto fill = check.fills.find(contract().input_name(static_cast<int>(i)));
      fills_.push_back(fill == check.fills.end() ? Filled::whole : fill->second);
    }
    const std::unique_ptr<Node> node = setup_.type->create(setup_.options);
    for (std::size_t k = 0; k < setup_.outputs.size(); ++k) {
      gives_.push_back(pointwise_ ? *std::ranges::max_element(fills_) : node->filled(fills_, static_cast<int>(k)));
    }
  }

  Report run() {
    if (!pointwise_ && !contract().is_causal(setup_.options)) {
      report_.failures.emplace_back("the node is declared neither causal nor pointwise with these options");
    }
    check_fills();
    const std::vector<Tensor> whole = forward();
    check_advance(whole);
    for (std::size_t i = 0; i < setup_.inputs.size(); ++i) {
      if (check_.fills.contains(contract().input_name(static_cast<int>(i)))) check_influence(i, whole);
    }
    return std::move(report_);
  }

 private:
  const Contract& contract() const { return setup_.contract(); }

  std::vector<Tensor> forward() {
    CallResult result = NodeCalls(setup_, 1, false).run({});
    for (const std::string& rule : result.broken_rules) report_.failures.push_back(rule);
    return std::move(result.outputs);
  }

  void check_fills() {
    for (const auto& [name, fill] : check_.gives) {
      ++report_.checks;
      const int k = contract().output_index(name);
      const Filled got = k < 0 ? Filled::whole : gives_[static_cast<std::size_t>(k)];
      if (k < 0 || got != fill) {
        report_.failures.push_back(
            fmt::format("output '{}' is filled {}, not {}", name, name_of_fill(got), name_of_fill(fill)));
      }
    }
  }

  void check_advance(const std::vector<Tensor>& whole) {
    std::vector<Tensor> sources, inputs, outputs;
    for (std::size_t i = 0; i < setup_.inputs.size(); ++i) {
      const Tensor& input = setup_.inputs[i];
      const bool on_map = raster_.on_map(input, fills_[i] != Filled::whole);
      sources.push_back(on_map ? positions_first(input, raster_.positions())
                               : (input.shape().rank() > 0 ? input.clone() : Tensor()));
      inputs.push_back(sources.back().shape().rank() > 0 ? sources.back().clone() : Tensor());
      if (fills_[i] != Filled::whole) poison(inputs.back());
    }
    std::vector<Tensor> expected;
    for (const Tensor& output : whole) {
      expected.push_back(output.shape().rank() > 0 ? positions_first(output, raster_.positions()) : Tensor());
      outputs.push_back(expected.back().shape().rank() > 0 ? expected.back().clone() : Tensor());
      if (outputs.back().shape().rank() > 0) poison(outputs.back());
    }
    draw(sources, inputs, outputs);
    for (std::size_t k = 0; k < outputs.size(); ++k) compare_computed(k, outputs[k], expected[k]);
  }

  void draw(const std::vector<Tensor>& sources, std::vector<Tensor>& inputs, std::vector<Tensor>& outputs) {
    Prepared one(setup_, raster_, pointwise_ ? setup_.samples : 0);
    Prepared row(setup_, raster_, pointwise_ ? setup_.samples * raster_.width : 0);
    for (std::int64_t t = 0; t < raster_.positions(); ++t) {
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (fills_[i] == Filled::whole) continue;
        const TensorView part = inputs[i].view().rows(0, raster_.there(fills_[i], t));
        std::memcpy(part.raw(), sources[i].view().raw(), part.bytes());
      }
      Advance call;
      call.time = t;
      call.positions = raster_.positions();
      call.height = raster_.height;
      call.width = raster_.width;
      call.input_fills = fills_;
      call.output_fills = gives_;
      if (!pointwise_) {
        advance(one, call, inputs, outputs);
        continue;
      }
      const Advance::Range range = call.range(0);
      if (range.count > 0) compute(range.count == 1 ? one : row, range, inputs, outputs);
    }
  }

  void advance(Prepared& prepared, Advance& call, const std::vector<Tensor>& inputs,
               const std::vector<Tensor>& outputs) {
    std::vector<TensorView> in, out;
    for (const Tensor& tensor : inputs) in.push_back(tensor.shape().rank() > 0 ? tensor.view() : TensorView());
    for (const Tensor& tensor : outputs) out.push_back(tensor.shape().rank() > 0 ? tensor.view() : TensorView());
    prepared.fill(call, setup_);
    call.input_views = in;
    call.output_views = out;
    prepared.node->advance(call);
  }

  // forward for the rows of some positions.
  void compute(Prepared& prepared, Advance::Range range, const std::vector<Tensor>& inputs,
               const std::vector<Tensor>& outputs) {
    const auto bound = [&](const std::vector<TensorView>& shapes, const std::vector<Tensor>& maps) {
      std::vector<TensorView> views = shapes;
      for (std::size_t i = 0; i < views.size(); ++i) {
        if (maps[i].shape().rank() > 0) views[i].rebind(maps[i].view().rows(range.first, range.count).raw());
      }
      return views;
    };
    const std::vector<TensorView> in = bound(prepared.inputs, inputs), out = bound(prepared.outputs, outputs);
    Forward call;
    prepared.fill(call, setup_);
    call.position = range.first;
    call.input_views = in;
    call.output_views = out;
    prepared.node->forward(call);
  }

  void compare_computed(std::size_t k, const Tensor& got, const Tensor& expected) {
    if (got.shape().rank() == 0) return;
    const std::int64_t computed = raster_.there(gives_[k], raster_.positions() - 1);
    const std::string what = fmt::format("output '{}' position by position", contract().outputs()[k].name);
    if (computed == 0) {
      report_.failures.push_back(what + ": none is ever computed, the map is too small");
    } else if (got.dtype() == DType::f32) {
      compare(report_, what, got.view().rows(0, computed), expected.view().rows(0, computed), check_.tolerance);
    } else {
      ++report_.checks;
      if (std::memcmp(got.view().raw(), expected.view().raw(), got.view().rows(0, computed).bytes()) != 0)
        report_.failures.push_back(what + ": other values");
    }
  }

  // Changes input i at each position in turn, and looks at what of the outputs changes.
  void check_influence(std::size_t i, const std::vector<Tensor>& whole) {
    Tensor& input = setup_.inputs[i];
    const Tensor original = input.clone();
    const std::int64_t rows = input.count() / (setup_.samples * raster_.positions());
    for (std::int64_t from = 0; from < raster_.positions(); ++from) {
      for (std::int64_t n = 0; n < setup_.samples; ++n) {
        for (std::int64_t c = 0; c < rows; ++c) change(input, (n * raster_.positions() + from) * rows + c);
      }
      const std::vector<Tensor> changed = forward();
      for (std::size_t k = 0; k < whole.size(); ++k) {
        for (std::int64_t to = 0; to < raster_.positions() && whole[k].shape().rank() > 0; ++to)
          judge(i, k, from, to, differs(whole[k], changed[k], to));
      }
      std::memcpy(input.view().raw(), original.view().raw(), original.view().bytes());
    }
  }

  static void change(const Tensor& tensor, std::int64_t element) {
    const auto at = static_cast<std::size_t>(element);
    if (tensor.dtype() == DType::f32)
      tensor.values()[at] += 0.5F;
    else if (tensor.dtype() == DType::i32)
      tensor.values<std::int32_t>()[at] ^= 1;
    else
      tensor.values<std::uint8_t>()[at] ^= 1;
  }

  bool differs(const Tensor& a, const Tensor& b, std::int64_t position) const {
    const std::size_t event = a.view().bytes() / static_cast<std::size_t>(setup_.samples * raster_.positions());
    for (std::int64_t n = 0; n < setup_.samples; ++n) {
      const std::size_t at = static_cast<std::size_t>(n * raster_.positions() + position) * event;
      const auto *x = static_cast<const std::byte*>(a.view().raw()), *y = static_cast<const std::byte*>(b.view().raw());
      if (std::memcmp(x + at, y + at, event) != 0) return true;
    }
    return false;
  }

  void judge(std::size_t i, std::size_t k, std::int64_t from, std::int64_t to, bool changed) {
    ++report_.checks;
    const Glance glance{contract().input_name(static_cast<int>(i)), contract().outputs()[k].name, raster_.place(from),
                        raster_.place(to)};
    const std::optional<std::int64_t> time = raster_.time_of(gives_[k], to);
    const bool too_late = time && from >= raster_.there(fills_[i], *time);
    const bool expected = check_.sees ? check_.sees(glance) : changed;
    if (report_.failures.size() > 8 || !((changed && too_late) || changed != expected)) return;
    report_.failures.push_back(fmt::format("output '{}' at ({}, {}) {} input '{}' at ({}, {}){}", glance.output,
                                           glance.to.row, glance.to.column, changed ? "depends on" : "does not see",
                                           glance.input, glance.from.row, glance.from.column,
                                           changed && too_late ? ", which is not there when it is computed" : ""));
  }

  NodeSetup setup_;
  const IncrementalCheck& check_;
  Raster raster_;
  bool pointwise_ = false;
  std::vector<Filled> fills_, gives_;
  Report report_;
};

}  // namespace

Report check_incremental(const NodeTester& tester, const IncrementalCheck& check) {
  return Checker(tester.setup(), check).run();
}

}  // namespace loom::testing

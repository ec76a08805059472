#include "graph/scan_node.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "graph/scan_step.h"
#include "loom/advance.h"
#include "loom/error.h"
#include "loom/math.h"

namespace loom {
namespace {

using Kind = ScanEntry::Kind;

std::size_t line_up(std::size_t bytes) { return (bytes + kCacheLine - 1) / kCacheLine * kCacheLine; }

// A tensor [A, steps, B] and its places along the axis of the steps.
struct Cut {
  std::size_t outer = 0, steps = 0, inner = 0;  // inner: in bytes

  Cut() = default;
  Cut(const TensorView& map, std::int64_t axis) {
    inner = static_cast<std::size_t>(map.shape().count_from(static_cast<int>(axis) + 1)) * size_of(map.dtype());
    steps = static_cast<std::size_t>(map.shape()[static_cast<int>(axis)]);
    outer = map.count() == 0 ? 0 : map.bytes() / inner / steps;
  }
  void take(const void* map, std::size_t step, void* one) const {
    for (std::size_t o = 0; o < outer; ++o)
      std::memcpy(static_cast<std::byte*>(one) + o * inner,
                  static_cast<const std::byte*>(map) + (o * steps + step) * inner, inner);
  }
  void put(void* map, std::size_t step, const void* one) const {
    for (std::size_t o = 0; o < outer; ++o)
      std::memcpy(static_cast<std::byte*>(map) + (o * steps + step) * inner,
                  static_cast<const std::byte*>(one) + o * inner, inner);
  }
  void add(const float* map, std::size_t step, float* one) const {
    const std::size_t count = inner / sizeof(float);
    for (std::size_t o = 0; o < outer; ++o)
      math::add(one + o * count, map + (o * steps + step) * count, one + o * count, static_cast<std::int64_t>(count));
  }
};

class ScanNode final : public Node {
 public:
  explicit ScanNode(std::shared_ptr<const ScanPart> part) : part_(std::move(part)) {}

  void prepare(const Prepare& p) override {
    step_.emplace(*part_, p);
    for (std::size_t i = 0; i < inputs(); ++i) {
      const TensorView& view = p.input_views[i];
      cuts_.push_back(part_->is(i, Kind::each) ? Cut(view, part_->axis) : Cut());
      state_at_.push_back(state_bytes_);
      shapes_.push_back(view);
      const bool state = part_->is(i, Kind::state), kept_whole = part_->is(i, Kind::whole) && p.incremental;
      if (state || kept_whole) state_bytes_ += line_up(view.bytes());
    }
    for (std::size_t k = 0; k < outputs(); ++k) output_cuts_.emplace_back(p.output_views[k], part_->axis);
    kept_ = p.backward;
    const std::size_t records = kept_ ? static_cast<std::size_t>(part_->steps) : 1;
    record_bytes_ = line_up(step_->record_bytes());
    record_ = kept_ ? p.saved<std::byte>(record_bytes_ * records) : p.scratch<std::byte>(record_bytes_);
    state_ = p.incremental ? p.saved<std::byte>(state_bytes_) : p.scratch<std::byte>(state_bytes_);
    scratch_ = p.scratch<std::byte>(step_->scratch_bytes());
    views_ = p.scratch<TensorView>(step_->views());
    whole_ = p.scratch<std::byte*>(inputs());
    packed_ = p.packed<std::byte>(step_->packed_bytes());
    if (!p.backward) return;
    diffs_ = p.scratch<std::byte>(step_->diff_bytes());
    temporary_ = p.scratch<std::byte>(step_->temporary_bytes());
    zeros_ = p.scratch<std::byte>(step_->zero_bytes());
  }

  void pack(const Pack& pack) const override { step_->pack(pack, packed_(pack), scratch_(pack)); }

  void forward(const Forward& f) const override {
    StepMemory memory = memory_of(f);
    for (std::size_t i = 0; i < inputs(); ++i) {
      if (part_->is(i, Kind::state)) std::memcpy(state(f, i), f.input_views[i].raw(), f.input_views[i].bytes());
    }
    for (std::int64_t i = 0; i < part_->steps; ++i) {
      go_to(place(i), f, memory);
      for (std::size_t k = 0; k < inputs(); ++k) {
        if (part_->is(k, Kind::each)) cuts_[k].take(f.input_views[k].raw(), at(memory), input(memory, k).raw());
      }
      run(f, memory);
      for (std::size_t k = 0; k < outputs(); ++k)
        output_cuts_[k].put(f.output_views[k].raw(), at(memory), output(memory, k).raw());
    }
    each_last([&](std::size_t i, std::size_t port) {
      std::memcpy(f.output_views[port].raw(), state(f, i), f.output_views[port].bytes());
    });
  }

  // Backpropagation through time. The gradients of the states go from each step to the one before.
  void backward(const Backward& b) const override {
    StepMemory memory = memory_of(b);
    std::ranges::fill(state_(b), std::byte{0});
    std::ranges::fill(zeros_(b), std::byte{0});
    each_last([&](std::size_t i, std::size_t port) {
      const TensorView& diff = b.diff_output_views[port];
      if (has_diff(diff) && is_f32(i)) std::memcpy(state(b, i), diff.raw(), diff.bytes());
    });
    for (std::size_t i = 0; i < inputs(); ++i) {
      if (part_->is(i, Kind::whole) && b.wants_diff(static_cast<int>(i)))
        std::ranges::fill(b.diff_input(static_cast<int>(i)).values(), 0.0F);
    }
    for (std::int64_t i = part_->steps - 1; i >= 0; --i) {
      go_to(place(i), b, memory);
      std::ranges::fill(diffs_(b), std::byte{0});
      bring_gradients(b, memory);
      step_->backward(b, memory, packed_(b));
      take_gradients(b, memory);
    }
    for (std::size_t i = 0; i < inputs(); ++i) {
      if (!part_->is(i, Kind::state) || !b.wants_diff(static_cast<int>(i))) continue;
      const TensorView& diff = b.diff_input_views[i];
      std::memcpy(diff.raw(), state(b, i), diff.bytes());
    }
  }

  Filled filled(std::span<const Filled> fills, int output) const override {
    Filled fill = Filled::whole;
    for (std::size_t i = 0; i < inputs(); ++i) {
      if (part_->is(i, Kind::each)) fill = std::max(fill, fills[i]);
      if (!part_->is(i, Kind::each) && fills[i] != Filled::whole)
        throw Error(ErrorCode::not_supported, "a state or a whole input that depends on what is drawn",
                    "give the scan what is drawn under `in`, cut along its axis");
    }
    if (fill == Filled::rows_before)
      throw Error(ErrorCode::not_supported, "steps along another axis than that of the drawn positions");
    return static_cast<std::size_t>(output) < outputs() ? fill : Filled::whole;
  }

  // Step t at position t: the state is that of the step before.
  void advance(const Advance& a) const override {
    a.expect_map(1, part_->steps);
    StepMemory memory = memory_of(a);
    const Advance::Range range = a.range(0);
    for (std::int64_t t = range.first; t < range.first + range.count; ++t) {
      if (t == 0) start(a);
      for (std::size_t i = 0; i < inputs(); ++i) {
        if (part_->is(i, Kind::whole)) whole_(a)[i] = state(a, i);
      }
      go_to(t, a, memory);
      for (std::size_t k = 0; k < inputs(); ++k) {
        if (!part_->is(k, Kind::each)) continue;
        const TensorView to = input(memory, k);
        if (positions_first(a, k))
          std::memcpy(to.raw(), static_cast<const std::byte*>(a.input_views[k].raw()) + to.bytes() * at(memory),
                      to.bytes());
        else
          cuts_[k].take(a.input_views[k].raw(), at(memory), to.raw());
      }
      run(a, memory);
      for (std::size_t k = 0; k < outputs(); ++k) {
        const TensorView from = output(memory, k);
        std::memcpy(static_cast<std::byte*>(a.output_views[k].raw()) + from.bytes() * at(memory), from.raw(),
                    from.bytes());
      }
    }
  }

  double forward_flop(const Prepare&) const override { return static_cast<double>(part_->steps) * step_->flop(); }

 private:
  std::size_t inputs() const { return part_->inputs.size(); }
  std::size_t outputs() const { return part_->outputs.size(); }
  std::int64_t place(std::int64_t i) const { return part_->reverse ? part_->steps - 1 - i : i; }
  static std::size_t at(const StepMemory& memory) { return static_cast<std::size_t>(memory.time); }
  static bool has_diff(const TensorView& diff) { return !diff.empty(); }
  bool is_f32(std::size_t i) const { return shapes_[i].dtype() == DType::f32; }

  // The values of the ports of the part in one step.
  TensorView input(const StepMemory& memory, std::size_t i) const { return step_->at(memory, step_->plan().inputs[i]); }
  TensorView output(const StepMemory& memory, std::size_t k) const {
    return step_->at(memory, step_->plan().outputs[k]);
  }
  std::byte* state(const Call& call, std::size_t i) const { return state_(call).data() + state_at_[i]; }

  // body(input of a state, output that is its last value)
  template <class Body>
  void each_last(const Body& body) const {
    std::size_t port = outputs();
    for (std::size_t i = 0; i < inputs(); ++i) {
      if (part_->is(i, Kind::state)) body(i, port++);
    }
  }

  StepMemory memory_of(const Call& call) const {
    StepMemory memory;
    memory.scratch = scratch_(call);
    memory.views = views_(call).data();
    memory.diffs = diffs_(call).data();
    memory.temporary = temporary_(call).data();
    memory.zeros = zeros_(call).data();
    const std::span<std::byte*> whole = whole_(call);
    for (std::size_t i = 0; i < inputs(); ++i)
      whole[i] = part_->is(i, Kind::whole) ? static_cast<std::byte*>(call.input_views[i].raw()) : nullptr;
    memory.whole = whole;
    return memory;
  }

  void go_to(std::int64_t time, const Call& call, StepMemory& memory) const {
    memory.time = time;
    memory.record = record_(call).data() + (kept_ ? at(memory) * record_bytes_ : 0);
  }

  // All nodes of a step, from the state and to the state.
  void run(const Call& call, const StepMemory& memory) const {
    for (std::size_t i = 0; i < inputs(); ++i) {
      if (part_->is(i, Kind::state)) std::memcpy(input(memory, i).raw(), state(call, i), input(memory, i).bytes());
    }
    step_->forward(call, memory, packed_(call));
    for (std::size_t i = 0; i < inputs(); ++i) {
      if (!part_->is(i, Kind::state)) continue;
      const TensorView next = output(memory, static_cast<std::size_t>(part_->next[i]));
      std::memcpy(state(call, i), next.raw(), next.bytes());
    }
  }

  // Into the step: those of its outputs, and of the states that it leaves.
  void bring_gradients(const Backward& b, const StepMemory& memory) const {
    for (std::size_t k = 0; k < outputs(); ++k) {
      float* sum = step_->diff_at(memory, step_->plan().outputs[k]);
      const TensorView& diff = b.diff_output_views[k];
      if (sum != nullptr && has_diff(diff)) output_cuts_[k].add(diff.data(), at(memory), sum);
    }
    for (std::size_t i = 0; i < inputs(); ++i) {
      if (!part_->is(i, Kind::state)) continue;
      const int next = step_->plan().outputs[static_cast<std::size_t>(part_->next[i])];
      float* sum = step_->diff_at(memory, next);
      const auto* from = reinterpret_cast<const float*>(state(b, i));
      if (sum != nullptr) math::add(sum, from, sum, shapes_[i].count());
    }
  }

  // Out of the step: those of its inputs, and of the states that it found.
  void take_gradients(const Backward& b, const StepMemory& memory) const {
    for (std::size_t i = 0; i < inputs(); ++i) {
      const float* diff = step_->diff_at(memory, step_->plan().inputs[i]);
      if (diff == nullptr) continue;
      if (part_->is(i, Kind::state)) {
        std::memcpy(state(b, i), diff, shapes_[i].bytes());
      } else if (b.wants_diff(static_cast<int>(i))) {
        const TensorView& to = b.diff_input_views[i];
        if (part_->is(i, Kind::each))
          cuts_[i].put(to.raw(), at(memory), diff);
        else
          math::add(to.data(), diff, to.data(), to.count());
      }
    }
  }

  // Whether an input is given as [P, N, ...]. A vector of as many values as there are positions that does not depend on
  // the drawn map is not (loom/advance.h).
  bool positions_first(const Advance& a, std::size_t i) const {
    const Shape& shape = shapes_[i].shape();
    if (a.input_fills[i] != Filled::whole) return true;
    return shape.rank() > 1 && shape[1] == a.positions && (shape.rank() > 2 || shapes_[i].dtype() == DType::i32);
  }

  // The first states and the whole inputs, as they are in forward.
  void start(const Advance& a) const {
    for (std::size_t i = 0; i < inputs(); ++i) {
      if (part_->is(i, Kind::each)) continue;
      const auto* from = static_cast<const std::byte*>(a.input_views[i].raw());
      const std::size_t bytes = shapes_[i].bytes();
      if (!positions_first(a, i)) {
        std::memcpy(state(a, i), from, bytes);
        continue;
      }
      const auto rows = static_cast<std::size_t>(shapes_[i].shape()[0]), places = static_cast<std::size_t>(a.positions);
      const std::size_t inner = bytes / rows / places;
      for (std::size_t n = 0; n < rows; ++n)
        for (std::size_t p = 0; p < places; ++p)
          std::memcpy(state(a, i) + (n * places + p) * inner, from + (p * rows + n) * inner, inner);
    }
  }

  std::shared_ptr<const ScanPart> part_;
  std::optional<ScanStep> step_;
  std::vector<Cut> cuts_, output_cuts_;  // of inputs that are cut, of outputs that are stacked
  std::vector<TensorView> shapes_;       // of the inputs
  std::vector<std::size_t> state_at_;
  std::size_t state_bytes_ = 0, record_bytes_ = 0;
  bool kept_ = false;  // the values of all steps, for backward
  Slot<std::byte> record_, scratch_, diffs_, temporary_, zeros_;
  Slot<std::byte> state_;  // of the step before; in backward its gradient; in advance() whole inputs, too
  Slot<TensorView> views_;
  Slot<std::byte*> whole_;
  PackedSlot<std::byte> packed_;
};

}  // namespace

std::unique_ptr<Node> make_scan_node(std::shared_ptr<const ScanPart> part) {
  return std::make_unique<ScanNode>(std::move(part));
}

}  // namespace loom

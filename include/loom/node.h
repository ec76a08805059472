// The node contract: what a node author implements.
//
//   class MyNode final : public loom::Node {
//    public:
//     static void declare(loom::Contract& c);            // ports, options, parameters: see contract.h
//     static void infer(loom::ShapeInference& s);        // only if the patterns do not determine the output shapes
//     explicit MyNode(const loom::Options& options);
//     void prepare(const loom::Prepare& p) override;     // only to create primitives or to ask for memory (Slot)
//     void forward(const loom::Forward& f) const override;
//     void backward(const loom::Backward& b) const override;
//   };
//   LOOM_NODE(MyNode, "my_node")                         // loom/plugin.h
//
// Rules:
// - After prepare() a node object is immutable. forward and backward run on many threads at once, each call with its
//   own tensors and scratch.
// - forward writes every element of every output.
// - backward WRITES every element of diff_input(i) for each input with wants_diff(i), and ADDS to diff_parameter(j):
//   the host sums over the samples, the shards and the consumers of a port. See Backward::is_first for the exception.
// - Parameters, state and random streams belong to the host and are passed in with the call.
// - A value that is not a number stays one. Where an output cannot hold it (a code), forward throws
//   Error(not_finite): a training job then skips the step, and anything else ends with that error. See Call::fail_not_finite.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "loom/contract.h"
#include "loom/random.h"
#include "loom/shape_inference.h"
#include "loom/tensor.h"

namespace loom {

class Prepare;

inline constexpr std::size_t kCacheLine = 64;

// Typed pieces of the memory that the host gives a node with each call. A node asks for them in prepare(), keeps them
// and applies them to its calls:
//
//   void prepare(const loom::Prepare& p) override { gate_ = p.scratch<float>(p.output(0).count()); }
//   void forward(const loom::Forward& f) const override { const std::span<float> gate = gate_(f); ... }
//   loom::Slot<float> gate_;
//
// scratch  a call's working memory; what it holds before the call is undefined
// saved    written by forward, read by backward; of an incremental node: kept from one call of advance() to the next
// packed   written by pack(), read by every call; shared by all lanes
//
// Each slot starts on a cache line of its own. One that was not asked for, or for nothing, is an empty span: its data()
// is null. What forward leaves to backward, where there is one, is
//   noise_ = p.backward ? p.saved<float>(count) : p.scratch<float>(count);
template <class T>
class Slot {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= kCacheLine);

 public:
  Slot() = default;

  std::int64_t count() const { return static_cast<std::int64_t>(count_); }
  bool empty() const { return count_ == 0; }

  // `call`: a Forward, a Backward, an Advance; of scratch, a Pack too.
  template <class C>
  std::span<T> operator()(const C& call) const {
    if (empty()) return {};
    std::span<std::byte> memory = call.scratch_memory;
    if constexpr (requires { call.saved_memory; }) {
      if (saved_) memory = call.saved_memory;
    }
    return {reinterpret_cast<T*>(memory.data() + at_), count_};
  }

 private:
  friend class Prepare;
  Slot(bool saved, std::size_t at, std::size_t count) : saved_(saved), at_(at), count_(count) {}

  bool saved_ = false;
  std::size_t at_ = 0, count_ = 0;  // in bytes, in elements
};

template <class T>
class PackedSlot {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= kCacheLine);

 public:
  PackedSlot() = default;

  std::int64_t count() const { return static_cast<std::int64_t>(count_); }
  bool empty() const { return count_ == 0; }

  // Of a Pack, to be written; of any other call, to be read.
  template <class C>
  auto operator()(const C& call) const {
    using Byte = typename decltype(call.packed_memory)::element_type;
    using Element = std::conditional_t<std::is_const_v<Byte>, const T, T>;
    if (empty()) return std::span<Element>();
    return std::span<Element>(reinterpret_cast<Element*>(call.packed_memory.data() + at_), count_);
  }

 private:
  friend class Prepare;
  PackedSlot(std::size_t at, std::size_t count) : at_(at), count_(count) {}

  std::size_t at_ = 0, count_ = 0;
};

class Advance;  // loom/advance.h

// How far a port is filled while a map is drawn position by position. At time t the positions before t have been drawn,
// and position t is to be drawn. The values are ordered from the most filled to the least filled.
enum class Filled {
  whole,        // all positions, from the start: the port does not depend on the drawn map
  through,      // positions 0 to t
  before,       // positions 0 to t - 1
  rows_before,  // of an image: the rows above the row of t
};

// Concrete shapes, and what memory the node asks for, before the first call.
class Prepare {
 public:
  const Contract* contract = nullptr;
  std::span<const TensorView> input_views;      // shapes only; an unconnected optional input has rank 0
  std::span<const TensorView> output_views;     // shapes only
  std::span<const TensorView> parameter_views;  // shapes only, in declaration order; rank 0 where absent
  std::int64_t samples = 0;                     // samples of the shard this object will be called with
  std::int64_t rows = 0;                        // rows of the first output's batch axis: samples, or a multiple
  bool training = false;
  bool backward = false;     // false: backward will not be called
  bool incremental = false;  // advance() will be called in place of forward()
  bool transformed = false;  // algorithms that round differently, such as Winograd's, may be used where they are faster
  bool bf16 = false;         // products and convolutions round their inputs to bf16, and sum in f32
  int along = -1;  // the input of a direction that second_backward() will be called with; -1: it is not called

  const Shape& input(std::string_view port) const;
  const Shape& input(int index) const { return input_views[static_cast<std::size_t>(index)].shape(); }
  bool has_input(std::string_view port) const { return input(port).rank() > 0; }
  const Shape& output(std::string_view port) const;
  const Shape& output(int index) const { return output_views[static_cast<std::size_t>(index)].shape(); }
  const Shape& parameter(std::string_view name) const;

  // Memory of each call, for `count` elements: see Slot. Slots of one kind lie one after the other.
  template <class T>
  Slot<T> scratch(std::integral auto count) const {
    return {false, place(scratch_bytes, sizeof(T), static_cast<std::size_t>(count)), static_cast<std::size_t>(count)};
  }
  template <class T>
  Slot<T> saved(std::integral auto count) const {
    return {true, place(saved_bytes, sizeof(T), static_cast<std::size_t>(count)), static_cast<std::size_t>(count)};
  }
  template <class T>
  PackedSlot<T> packed(std::integral auto count) const {
    return {place(packed_bytes, sizeof(T), static_cast<std::size_t>(count)), static_cast<std::size_t>(count)};
  }

  // Of a node with sums over the batch (Contract::sums_over_batch_in_training): how many numbers Call::sums and
  // Call::diff_sums hold, for any number of samples.
  void batch_sums(std::integral auto forward, std::integral auto backward) const {
    sum_count = static_cast<std::size_t>(forward);
    diff_sum_count = static_cast<std::size_t>(backward);
  }

  // For the host: what all slots of a kind take together.
  mutable std::size_t sum_count = 0, diff_sum_count = 0;
  mutable std::size_t scratch_bytes = 0, saved_bytes = 0, packed_bytes = 0;

 private:
  static std::size_t place(std::size_t& used, std::size_t element, std::size_t count) {
    const std::size_t at = (used + kCacheLine - 1) / kCacheLine * kCacheLine;
    if (count > 0) used = at + element * count;
    return at;
  }
};

// The arguments of every call of a node.
class Call {
 public:
  const Contract* contract = nullptr;
  std::span<const TensorView> input_views;
  std::span<const TensorView> output_views;
  std::span<const TensorView> parameter_views;
  std::span<const TensorView> state_views;
  // What the node's slots lie in: apply them to the call.
  std::span<std::byte> scratch_memory;
  std::span<std::byte> saved_memory;
  std::span<const std::byte> packed_memory;
  // Of a node with sums over the batch, in training. In gather() and gather_backward() those of the call's lane: add to
  // them. Later those of the whole batch.
  std::span<double> sums, diff_sums;
  RandomStream stream;             // of this node at this step
  std::int64_t first_sample = 0;   // the shard's first sample, counted over the batch
  std::int64_t samples = 0;        // samples in this shard
  std::int64_t batch_samples = 0;  // samples of the whole batch
  // The same in rows of the first output's batch axis. A sample may have several rows (n draws of each), one after the
  // other.
  std::int64_t first_row = 0, rows = 0;
  std::int64_t first_item = -1;  // of the data, where the batches hold them in order: the shard's first; -1: unknown
  std::int64_t step = 0;         // in training: the step, from 0; in evaluation: the batch
  // For a pointwise node that computes a part of a map: the first position of the part, and how many it has.
  std::int64_t position = 0, part = 1;
  bool training = false;
  int lanes = 1;  // for parallel(): the number of chunks that the work is cut into

  TensorView input(std::string_view port) const;
  TensorView input(int index) const { return input_views[static_cast<std::size_t>(index)]; }
  bool has_input(std::string_view port) const { return !input(port).empty(); }
  int input_count() const { return static_cast<int>(input_views.size()); }
  TensorView output(std::string_view port) const;
  TensorView output(int index) const { return output_views[static_cast<std::size_t>(index)]; }
  TensorView parameter(std::string_view name) const;
  bool has_parameter(std::string_view name) const { return !parameter(name).empty(); }
  TensorView state(std::string_view name) const;

  // Draws for row n of this shard; the counter is the row's place in the whole batch. A part of a map draws what the
  // whole map would have drawn there.
  void normal(std::int64_t n, std::span<float> out, std::uint32_t block = 0) const {
    stream.normal(static_cast<std::uint32_t>(first_row + n), out, block, skipped(out));
  }
  void uniform(std::int64_t n, std::span<float> out, std::uint32_t block = 0) const {
    stream.uniform(static_cast<std::uint32_t>(first_row + n), out, block, skipped(out));
  }
  // Throws Error(not_finite) about an input of row n of this shard: "x of item 37 is not finite".
  [[noreturn]] void fail_not_finite(std::string_view port, std::int64_t n) const;
  // Whole-batch nodes only: runs body(first, last, chunk) over [0, count) cut into `lanes` chunks, on all cores. The
  // cut depends only on count and lanes, so sums kept per chunk and added in order have the same bits on any machine.
  template <class Body>
  void parallel(std::int64_t count, const Body& body) const {
    run_chunks(
        count,
        [](const void* self, std::int64_t first, std::int64_t last, int chunk) {
          (*static_cast<const Body*>(self))(first, last, chunk);
        },
        &body);
  }

 private:
  // Not a std::function, which would allocate in each call.
  void run_chunks(std::int64_t count, void (*body)(const void*, std::int64_t, std::int64_t, int),
                  const void* self) const;
  std::uint64_t skipped(std::span<float> out) const {
    return static_cast<std::uint64_t>(position) * (out.size() / static_cast<std::uint64_t>(part));
  }
};

class Forward : public Call {
 public:
  std::span<const TensorView> tally_views;

  // State may be written only in training, by a whole-batch node or by finish().
  TensorView tally(std::string_view name) const;  // this lane's sum: add to it
};

class Backward : public Call {
 public:
  std::span<const TensorView> diff_output_views;     // zeros if nothing flows back
  std::span<const TensorView> diff_input_views;      // empty if no gradient is requested
  std::span<const TensorView> diff_parameter_views;  // this lane's sums: add to them; empty if not requested
  std::span<const char> first_parameters;            // see is_first(); per parameter, or empty: of none

  TensorView diff_output(std::string_view port) const;
  TensorView diff_output(int index) const { return diff_output_views[static_cast<std::size_t>(index)]; }
  bool wants_diff(std::string_view port) const { return !diff_input(port).empty(); }
  bool wants_diff(int index) const { return !diff_input(index).empty(); }
  TensorView diff_input(std::string_view port) const;  // write it
  TensorView diff_input(int index) const { return diff_input_views[static_cast<std::size_t>(index)]; }
  bool wants_parameter_diff(std::string_view name) const { return !diff_parameter(name).empty(); }
  TensorView diff_parameter(std::string_view name) const;  // add to it
  // Overwrite diff_parameter(name), which holds nothing yet: only where ParameterDeclaration::overwrites_first is declared.
  bool is_first(std::string_view name) const;
};

// The second derivative: gradients of s = <diff_output, J direction>, J being the derivative of the outputs by the input
// `along`. Those by the inputs are written to diff_input, those by the parameters added to diff_parameter, as in Backward,
// and those by diff_output, J direction, written to diff_diff_output.
class SecondBackward : public Backward {
 public:
  int along = 0;
  TensorView direction;                                // of the shape of the input `along`
  std::span<const TensorView> diff_diff_output_views;  // empty if not requested

  TensorView diff_diff_output(int index) const { return diff_diff_output_views[static_cast<std::size_t>(index)]; }
};

// Called once per step, after parameters or states have changed, to repack weights into the layout that a primitive
// prefers.
class Pack {
 public:
  const Contract* contract = nullptr;
  std::span<const TensorView> parameter_views;
  std::span<const TensorView> state_views;
  std::span<std::byte> packed_memory, scratch_memory;

  TensorView parameter(std::string_view name) const;
  TensorView state(std::string_view name) const;
};

// Called once per training step, after the last shard, with the reduced tallies and the state that they change, and
// with the parameters that are declared with ParameterDeclaration::also_set_by_node. Not called for a node that no
// objective may change. Of several nodes that share the state, it is called for one, with the sum of their tallies.
class EndStep {
 public:
  // One of the nodes that share the state: its tallies alone, and its states, of which only its own
  // (ParameterDeclaration::own) differ from those of the others.
  struct Sharer {
    std::span<const TensorView> tally_views, state_views;
  };
  // Elements of a parameter that a node has replaced.
  struct Replaced {
    int parameter = 0;  // index in the contract's list
    std::int64_t first = 0, count = 0;
  };

  const Contract* contract = nullptr;
  std::span<const TensorView> tally_views;  // of all sharers
  std::span<const TensorView> state_views;
  std::span<const TensorView> parameter_views;
  std::span<const Sharer> sharers;  // at least one, in the order of the graph
  std::vector<Replaced>* replacements = nullptr;
  RandomStream stream;

  TensorView tally(std::string_view name) const;
  TensorView state(std::string_view name) const;
  TensorView parameter(std::string_view name) const;
  TensorView tally(std::string_view name, std::size_t sharer) const;
  TensorView state(std::string_view name, std::size_t sharer) const;
  // Elements [first, first + count) of a parameter have nothing to do any more with what they were: optimizers forget
  // what they keep of them, and this step's gradient, which is of the old values, is not applied.
  void replaced(std::string_view parameter, std::int64_t first, std::int64_t count) const;
};

class Node {
 public:
  virtual ~Node() = default;
  virtual void prepare(const Prepare&) {}
  virtual void pack(const Pack&) const {}
  virtual void forward(const Forward&) const = 0;
  // Called only if a gradient is requested; the default throws Error(not_differentiable).
  virtual void backward(const Backward&) const;
  // Of a node that declares it (Contract::second_derivative). What backward does not read, it cannot read either.
  virtual void second_backward(const SecondBackward&) const;
  virtual void end_step(const EndStep&) const {}
  // Of a node with sums over the batch, in training: see Contract::sums_over_batch_in_training.
  virtual void gather(const Forward&) const {}
  virtual void finish(const Forward&) const {}
  virtual void gather_backward(const Backward&) const {}
  // The incremental interface of a node that is causal and not pointwise: see loom/advance.h. filled() returns how far
  // `output` is filled at any time, given how far the inputs are filled; by default, as far as the least filled input.
  // An input that is not connected counts as whole. Throws Error(not_supported) if the node has no such interface.
  virtual Filled filled(std::span<const Filled> inputs, int output) const;
  virtual void advance(const Advance&) const;  // the default throws Error(not_supported)
  // Operations of one forward call over `samples`; a multiply-add counts as two. 0 if it is not worth counting.
  virtual double forward_flop(const Prepare&) const { return 0; }
  // The same of one backward call that computes the gradients by so many inputs and parameters. By default as of a layer: each
  // of the two kinds takes as many as forward.
  virtual double backward_flop(const Prepare& p, int inputs, int parameters) const;
  // What computes forward, or backward, for people who look for time (graph-runner bench --profile); "": nothing to say.
  virtual std::string implementation(bool backward) const;
};

// How much each value of a loss counts: its optional inputs `mask` and `weight`. Their shape is that of the port whose
// values they are about, or that of its first axes: of [N, T, C], a mask [N, T] is about all C values of a position, and
// a weight [N] about all values of a sample. A value that counts 0 may be anything, also NaN.
//
//   static void declare(loom::Contract& c) { ... loom::Weighting::declare(c); ... }
//   static void infer(loom::ShapeInference& s) { loom::Weighting::infer(s, "target"); }
//   void prepare(const loom::Prepare& p) override { weighting_.prepare(p, "target"); }
//   void forward(const loom::Forward& f) const override {
//     ... loom::weighted_sum_of(weighting_.row(f, n), mean[n], target[n], nll) ...
//   loom::Weighting weighting_;
//
// `positions`: the last axis of the port holds the components of one value, such as a vector that is quantized.
class Weighting {
 public:
  enum class Over { values, positions };

  static void declare(Contract& c);       // mask and weight
  static void declare_mask(Contract& c);  // mask alone, where a weight has no meaning
  static void infer(ShapeInference& s, std::string_view port, Over over = Over::values);
  void prepare(const Prepare& p, std::string_view port, Over over = Over::values);

  // mask * weight of each value of row n; empty if neither is connected, and every value counts once.
  std::span<const float> row(const Call& call, std::int64_t n) const;

 private:
  std::size_t values_ = 0;  // of a row of the port
  Slot<float> product_;     // a row, where it is not that of one input
};

}  // namespace loom

// What every node file needs beside it.
#include <algorithm>  // IWYU pragma: export

#include "loom/math.h"    // IWYU pragma: export
#include "loom/plugin.h"  // IWYU pragma: export

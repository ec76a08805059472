// A formula as a list of operations, each a value of some shape that others read: what is differentiated and compiled.
//
// Shapes are those of events, without the samples: a number for each sample has no axes. Operations are simplified as they
// are added: constants are folded, x + 0 is x, products and sums with constants are one step, and the same operation on
// the same values is one value. Reductions keep their axes with an extent of 1; `reshape` drops them.
//
// Thread safety: a list belongs to one thread while it grows. References to its operations and shapes stay valid.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <tuple>
#include <vector>

#include "loom/tensor.h"
#include "math/block_program.h"

namespace loom::formula {

using math::BlockOp;
using math::Reduction;
using Axes = std::uint32_t;  // of an event, as bits
using Id = int;              // of a value: its place in the list
inline constexpr Id kNone = -1;

struct Operation {
  enum class Kind : std::uint8_t {
    input,     // `index` of the node's inputs, or beyond them, of the gradients of its outputs
    constant,  // p
    element,   // `op` of the operands, which are broadcast to `shape`
    reduce,    // `reduction` over `axes`
    reshape,   // the same values in the same order
    stop,      // the same values; no gradient flows back
    cumulate,  // sums along the one axis of `axes`, up to each position, or from it on (`reverse`)
    others     // the product of all other values along the one axis of `axes`
  };
  Kind kind = Kind::constant;
  BlockOp op = BlockOp::copy;
  Reduction reduction = Reduction::sum;
  bool reverse = false;
  std::array<Id, 3> operands{kNone, kNone, kNone};
  double p = 0, q = 0;
  Axes axes = 0;
  int index = 0;
  Shape shape;

  int operand_count() const;
};

// The shape that events of both shapes are broadcast to, from the last axis on; false and the axis, counted from the end,
// where they contradict each other.
bool broadcast(const Shape& a, const Shape& b, Shape& result, int& axis);

class Operations {
 public:
  const Operation& operator[](Id id) const { return list_[static_cast<std::size_t>(id)]; }
  int size() const { return static_cast<int>(list_.size()); }
  const Shape& shape(Id id) const { return (*this)[id].shape; }

  Id constant(double value);
  Id input(int index, const Shape& shape);
  Id affine(Id x, double p, double q);  // p x + q
  Id unary(BlockOp op, Id x);
  Id binary(BlockOp op, Id a, Id b);
  Id select(Id condition, Id yes, Id no);
  Id add(Id a, Id b);
  Id subtract(Id a, Id b);
  Id multiply(Id a, Id b);
  Id divide(Id a, Id b);
  Id power(Id a, Id b);
  Id reduce(Reduction reduction, Id x, Axes axes);
  Id product(Id x, Axes axes);  // axis by axis, as its derivative needs it
  Id reshape(Id x, const Shape& shape);
  Id stop(Id x);
  Id cumulate(Id x, int axis, bool reverse);
  Id others(Id x, int axis);
  Id expand(Id x, const Shape& shape);  // broadcast
  Id sum_to(Id x, const Shape& shape);  // the reverse: sums over what was broadcast

  // An operation of another list, whose operands are `moved` to this one; simplified anew.
  Id copy(const Operation& operation, const std::function<Id(Id)>& moved);

  bool is_constant(Id id) const { return (*this)[id].kind == Operation::Kind::constant; }
  bool is_constant(Id id, double value) const { return is_constant(id) && (*this)[id].p == value; }

 private:
  using Key = std::tuple<int, int, int, bool, std::array<Id, 3>, double, double, Axes, int, std::vector<std::int64_t>>;
  Id add_operation(Operation operation);
  Id element(BlockOp op, std::array<Id, 3> operands, double p = 0, double q = 0);
  bool fold(const Operation& operation, double& value) const;

  std::deque<Operation> list_;  // references to operations stay valid while it grows
  std::map<Key, Id> known_;
};

// What `results` need, in a list of its own: without `stop`, which has no more meaning once gradients are there.
// `results` become the places in the new list.
Operations needed_operations(const Operations& all, std::vector<Id>& results);

inline Axes all_axes(const Shape& shape) { return (Axes{1} << shape.rank()) - 1; }
inline bool has_axis(Axes axes, int axis) { return ((axes >> axis) & 1) != 0; }

}  // namespace loom::formula

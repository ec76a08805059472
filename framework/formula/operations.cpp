#include "formula/operations.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace loom::formula {
namespace {

using Kind = Operation::Kind;

Shape broadcast_shape(const Operations& list, const std::array<Id, 3>& operands) {
  Shape shape;
  int axis = 0;
  for (const Id id : operands) {
    if (id != kNone) broadcast(shape, list.shape(id), shape, axis);
  }
  return shape;
}

// A factor that floats hold, so that products of factors do not leave their range where the values do not.
bool is_float(double value) { return value == 0 || (std::abs(value) < 1e38 && std::abs(value) > 1e-37); }
// One that may change places with other values, few of which then leave the range.
bool is_moderate(double factor) { return std::abs(factor) < 1e6 && std::abs(factor) > 1e-6; }
bool is_power_of_two(double value) {
  int exponent = 0;
  return std::abs(std::frexp(value, &exponent)) == 0.5;
}

bool commutes(BlockOp op) {
  return op == BlockOp::add || op == BlockOp::multiply || op == BlockOp::minimum || op == BlockOp::maximum ||
         op == BlockOp::equal || op == BlockOp::not_equal;
}

}  // namespace

int Operation::operand_count() const {
  return static_cast<int>(std::ranges::count_if(operands, [](Id id) { return id != kNone; }));
}

bool broadcast(const Shape& a, const Shape& b, Shape& result, int& axis) {
  const int rank = std::max(a.rank(), b.rank());
  std::vector<std::int64_t> extents(static_cast<std::size_t>(rank));
  for (int k = 1; k <= rank; ++k) {
    const std::int64_t x = k <= a.rank() ? a[a.rank() - k] : 1, y = k <= b.rank() ? b[b.rank() - k] : 1;
    axis = -k;
    if (x != y && x != 1 && y != 1) return false;
    extents[static_cast<std::size_t>(rank - k)] = x == 1 ? y : x;
  }
  result = Shape(extents);
  return true;
}

Id Operations::add_operation(Operation operation) {
  double value = 0;
  if (fold(operation, value)) return constant(value);
  const auto extents = operation.shape.extents();
  Key key{static_cast<int>(operation.kind),
          static_cast<int>(operation.op),
          static_cast<int>(operation.reduction),
          operation.reverse,
          operation.operands,
          operation.p,
          operation.q,
          operation.axes,
          operation.index,
          {extents.begin(), extents.end()}};
  const auto [it, fresh] = known_.try_emplace(std::move(key), size());
  if (fresh) list_.push_back(operation);
  return it->second;
}

// The value of an element-wise operation on constants. Arithmetic is that of doubles.
bool Operations::fold(const Operation& operation, double& value) const {
  if (operation.kind != Kind::element || operation.shape.rank() > 0) return false;
  std::array<double, 3> x{};
  for (std::size_t i = 0; i < 3; ++i) {
    const Id id = operation.operands[i];
    if (id == kNone) continue;
    if (!is_constant(id)) return false;
    x[i] = (*this)[id].p;
  }
  switch (operation.op) {
    case BlockOp::affine: value = operation.p * x[0] + operation.q; break;
    case BlockOp::add: value = x[0] + x[1]; break;
    case BlockOp::subtract: value = x[0] - x[1]; break;
    case BlockOp::multiply: value = x[0] * x[1]; break;
    case BlockOp::divide: value = x[0] / x[1]; break;
    case BlockOp::power: value = std::pow(x[0], x[1]); break;
    case BlockOp::exp: value = std::exp(x[0]); break;
    case BlockOp::log: value = std::log(x[0]); break;
    case BlockOp::sqrt: value = std::sqrt(x[0]); break;
    case BlockOp::reciprocal: value = 1 / x[0]; break;
    case BlockOp::lgamma: value = std::lgamma(x[0]); break;
    case BlockOp::abs: value = std::abs(x[0]); break;
    case BlockOp::sin: value = std::sin(x[0]); break;
    case BlockOp::cos: value = std::cos(x[0]); break;
    case BlockOp::tanh: value = std::tanh(x[0]); break;
    case BlockOp::log1p: value = std::log1p(x[0]); break;
    case BlockOp::expm1: value = std::expm1(x[0]); break;
    case BlockOp::rsqrt: value = 1 / std::sqrt(x[0]); break;
    case BlockOp::floor: value = std::floor(x[0]); break;
    case BlockOp::round: value = std::nearbyint(x[0]); break;
    case BlockOp::minimum: value = x[0] < x[1] ? x[0] : x[1]; break;
    case BlockOp::maximum: value = x[0] > x[1] ? x[0] : x[1]; break;
    case BlockOp::less: value = x[0] < x[1] ? 1 : 0; break;
    case BlockOp::less_equal: value = x[0] <= x[1] ? 1 : 0; break;
    case BlockOp::equal: value = x[0] == x[1] ? 1 : 0; break;
    case BlockOp::not_equal: value = x[0] != x[1] ? 1 : 0; break;
    case BlockOp::select: value = x[0] != 0 ? x[1] : x[2]; break;
    default:
      value = static_cast<double>(math::evaluate(operation.op, static_cast<float>(x[0]), static_cast<float>(x[1]),
                                                 static_cast<float>(x[2]), static_cast<float>(operation.p),
                                                 static_cast<float>(operation.q)));
  }
  return !std::isnan(value);  // a key that is not equal to itself has no place in a map
}

Id Operations::constant(double value) {
  Operation operation;
  operation.p = value == 0 ? 0 : value;  // -0 is 0
  return add_operation(operation);
}

Id Operations::input(int index, const Shape& shape) {
  Operation operation;
  operation.kind = Kind::input;
  operation.index = index;
  operation.shape = shape;
  return add_operation(operation);
}

Id Operations::element(BlockOp op, std::array<Id, 3> operands, double p, double q) {
  if (commutes(op) && operands[0] > operands[1]) std::swap(operands[0], operands[1]);
  Operation operation;
  operation.kind = Kind::element;
  operation.op = op;
  operation.operands = operands;
  operation.p = p;
  operation.q = q;
  operation.shape = broadcast_shape(*this, operands);
  return add_operation(operation);
}

Id Operations::affine(Id x, double p, double q) {
  if (p == 1 && q == 0) return x;
  const Operation& inner = (*this)[x];
  const double inner_p = p * inner.p, inner_q = p * inner.q + q;
  // p (x + q) is not p x + p q where the sum is nearly 0, unless the product is exact.
  const bool exact = inner.q == 0 || is_power_of_two(p);
  const bool merges =
      inner.kind == Kind::element && inner.op == BlockOp::affine && exact && is_float(inner_p) && is_float(inner_q);
  if (merges) return affine(inner.operands[0], inner_p, inner_q);
  return element(BlockOp::affine, {x, kNone, kNone}, p, q);
}

Id Operations::unary(BlockOp op, Id x) { return element(op, {x, kNone, kNone}); }
Id Operations::binary(BlockOp op, Id a, Id b) { return element(op, {a, b, kNone}); }

Id Operations::select(Id condition, Id yes, Id no) {
  if (yes == no && shape(condition) == Shape()) return yes;
  if (is_constant(condition) && shape(yes) == shape(no)) return (*this)[condition].p != 0 ? yes : no;
  return element(BlockOp::select, {condition, yes, no});
}

Id Operations::add(Id a, Id b) {
  if (is_constant(b)) std::swap(a, b);
  if (is_constant(a)) return affine(b, 1, (*this)[a].p);
  if (a == b) return affine(a, 2, 0);
  // x - y in place of x + -1 y
  for (const auto& [x, y] : {std::pair{a, b}, std::pair{b, a}}) {
    const Operation& negated = (*this)[y];
    if (negated.kind == Kind::element && negated.op == BlockOp::affine && negated.p == -1 && negated.q == 0)
      return subtract(x, negated.operands[0]);
  }
  return binary(BlockOp::add, a, b);
}

Id Operations::subtract(Id a, Id b) {
  if (is_constant(b)) return affine(a, 1, -(*this)[b].p);
  if (is_constant(a)) return affine(b, -1, (*this)[a].p);
  return binary(BlockOp::subtract, a, b);
}

Id Operations::multiply(Id a, Id b) {
  if (is_constant(b)) std::swap(a, b);
  if (is_constant(a)) return affine(b, (*this)[a].p, 0);
  // (p x) y = p (x y): factors meet, and leave sums
  for (const auto& [x, y] : {std::pair{a, b}, std::pair{b, a}}) {
    const Operation& scaled = (*this)[x];
    if (scaled.kind == Kind::element && scaled.op == BlockOp::affine && scaled.q == 0 && is_moderate(scaled.p))
      return affine(multiply(scaled.operands[0], y), scaled.p, 0);
  }
  return binary(BlockOp::multiply, a, b);
}

Id Operations::divide(Id a, Id b) {
  if (is_constant(a) && is_constant(b)) return binary(BlockOp::divide, a, b);  // exact where the quotient is
  if (is_constant(b) && (*this)[b].p != 0 && is_float(1 / (*this)[b].p)) return affine(a, 1 / (*this)[b].p, 0);
  if (is_constant(a, 1)) return unary(BlockOp::reciprocal, b);
  // A division for each value of the smaller shape
  if (shape(b).count() < shape(a).count()) return multiply(a, unary(BlockOp::reciprocal, b));
  return binary(BlockOp::divide, a, b);
}

Id Operations::power(Id a, Id b) {
  if (!is_constant(b)) return binary(BlockOp::power, a, b);
  const double exponent = (*this)[b].p;
  const auto square = [&] { return multiply(a, a); };
  if (exponent == 1) return a;
  if (exponent == 2) return square();
  if (exponent == 3) return multiply(square(), a);
  if (exponent == 4) return multiply(square(), square());
  if (exponent == -1) return unary(BlockOp::reciprocal, a);
  if (exponent == -2) return unary(BlockOp::reciprocal, square());
  if (exponent == 0.5) return unary(BlockOp::sqrt, a);
  if (exponent == -0.5) return unary(BlockOp::rsqrt, a);
  return binary(BlockOp::power, a, b);
}

Id Operations::reduce(Reduction reduction, Id x, Axes axes) {
  Operation operation;
  operation.shape = shape(x);
  for (int axis = 0; axis < operation.shape.rank(); ++axis) {
    if (operation.shape[axis] == 1) axes &= ~(Axes{1} << axis);
    if (has_axis(axes, axis)) operation.shape[axis] = 1;
  }
  if (axes == 0) return x;
  const Operation& inner = (*this)[x];
  const bool scaled =
      inner.kind == Kind::element && inner.op == BlockOp::affine && inner.q == 0 && is_moderate(inner.p);
  if (reduction == Reduction::sum && scaled) {
    const double factor = inner.p;
    return affine(reduce(reduction, inner.operands[0], axes), factor, 0);
  }
  operation.kind = Kind::reduce;
  operation.reduction = reduction;
  operation.operands[0] = x;
  operation.axes = axes;
  return add_operation(operation);
}

Id Operations::product(Id x, Axes axes) {
  for (int axis = 0; axis < shape(x).rank(); ++axis) {
    if (has_axis(axes, axis)) x = reduce(Reduction::product, x, Axes{1} << axis);
  }
  return x;
}

Id Operations::reshape(Id x, const Shape& to) {
  if (shape(x) == to) return x;
  const Operation& inner = (*this)[x];
  if (inner.kind == Kind::reshape) return reshape(inner.operands[0], to);
  if (inner.kind == Kind::constant) return expand(x, to);
  Operation operation;
  operation.kind = Kind::reshape;
  operation.operands[0] = x;
  operation.shape = to;
  return add_operation(operation);
}

Id Operations::stop(Id x) {
  if (is_constant(x)) return x;
  Operation operation;
  operation.kind = Kind::stop;
  operation.operands[0] = x;
  operation.shape = shape(x);
  return add_operation(operation);
}

Id Operations::cumulate(Id x, int axis, bool reverse) {
  if (shape(x)[axis] == 1) return x;
  Operation operation;
  operation.kind = Kind::cumulate;
  operation.operands[0] = x;
  operation.axes = Axes{1} << axis;
  operation.reverse = reverse;
  operation.shape = shape(x);
  return add_operation(operation);
}

Id Operations::others(Id x, int axis) {
  Operation operation;
  operation.kind = Kind::others;
  operation.operands[0] = x;
  operation.axes = Axes{1} << axis;
  operation.shape = shape(x);
  return add_operation(operation);
}

Id Operations::expand(Id x, const Shape& to) {
  if (shape(x) == to) return x;
  Operation operation;
  operation.kind = Kind::element;
  operation.operands[0] = x;
  int axis = 0;
  broadcast(shape(x), to, operation.shape, axis);
  return add_operation(operation);
}

Id Operations::sum_to(Id x, const Shape& to) {
  const Shape& from = shape(x);
  if (from == to) return x;
  const int added = from.rank() - to.rank();
  Axes axes = 0;
  for (int axis = 0; axis < from.rank(); ++axis) {
    if (axis < added || to[axis - added] != from[axis]) axes |= Axes{1} << axis;
  }
  return reshape(reduce(Reduction::sum, x, axes), to);
}

Id Operations::copy(const Operation& operation, const std::function<Id(Id)>& moved) {
  Operation own = operation;
  for (Id& operand : own.operands) operand = moved(operand);
  if (own.kind == Kind::stop) return own.operands[0];
  if (own.kind == Kind::reshape) return reshape(own.operands[0], own.shape);
  return add_operation(own);
}

Operations needed_operations(const Operations& all, std::vector<Id>& results) {
  std::vector<bool> needed(static_cast<std::size_t>(all.size()), false);
  for (const Id id : results) {
    if (id != kNone) needed[static_cast<std::size_t>(id)] = true;
  }
  for (Id id = all.size() - 1; id >= 0; --id) {
    if (!needed[static_cast<std::size_t>(id)]) continue;
    for (const Id operand : all[id].operands) {
      if (operand != kNone) needed[static_cast<std::size_t>(operand)] = true;
    }
  }
  Operations list;
  std::vector<Id> place(static_cast<std::size_t>(all.size()), kNone);
  const auto moved = [&](Id id) { return id == kNone ? kNone : place[static_cast<std::size_t>(id)]; };
  for (Id id = 0; id < all.size(); ++id) {
    if (needed[static_cast<std::size_t>(id)]) place[static_cast<std::size_t>(id)] = list.copy(all[id], moved);
  }
  for (Id& id : results) id = moved(id);
  return list;
}

}  // namespace loom::formula

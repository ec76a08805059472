#include "expr/differentiate.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace loom::formula {
namespace {

using Kind = Operation::Kind;

class Reverse {
 public:
  Reverse(Operations& list, const std::vector<Id>& variables)
      : list_(list),
        count_(list.size()),
        gradients_(static_cast<std::size_t>(count_), kNone),
        varies_(static_cast<std::size_t>(count_), false) {
    for (const Id id : variables) varies_[static_cast<std::size_t>(id)] = true;
    for (Id id = 0; id < count_; ++id) mark(id);
  }

  void start(Id output, Id gradient) {
    shape_ = list_.shape(output);
    add(output, gradient);
  }

  void run() {
    for (Id id = count_ - 1; id >= 0; --id) {
      const Id g = gradient(id);
      if (g == kNone || !varies(id)) continue;
      const Operation operation = list_[id];  // a copy: the list grows
      shape_ = operation.shape;
      if (operation.kind == Kind::element)
        element(operation, id, g);
      else
        other(operation, id, g);
    }
  }

  Id gradient(Id id) const { return gradients_[static_cast<std::size_t>(id)]; }

 private:
  bool varies(Id id) const { return id != kNone && varies_[static_cast<std::size_t>(id)]; }

  // Whether a gradient flows from a value to any variable.
  void mark(Id id) {
    const Operation& operation = list_[id];
    if (operation.kind == Kind::stop || is_step(operation)) return;
    for (std::size_t i = 0; i < 3; ++i) {
      const bool condition = operation.op == BlockOp::select && operation.kind == Kind::element && i == 0;
      if (!condition && varies(operation.operands[i])) varies_[static_cast<std::size_t>(id)] = true;
    }
  }

  // Constant on both sides of its steps.
  static bool is_step(const Operation& operation) {
    if (operation.kind != Kind::element) return false;
    switch (operation.op) {
      case BlockOp::sign:
      case BlockOp::floor:
      case BlockOp::round:
      case BlockOp::less:
      case BlockOp::less_equal:
      case BlockOp::equal:
      case BlockOp::not_equal: return true;
      default: return false;
    }
  }

  // Adds a gradient of the shape of the operation, to which the value was broadcast. A gradient that is the same along an
  // axis may have an extent of 1 there, so that it is expanded only where that cannot be avoided.
  void add(Id id, Id gradient) {
    if (!varies(id)) return;
    const Id own = list_.shape(id) == shape_ ? gradient : list_.sum_to(list_.expand(gradient, shape_), list_.shape(id));
    Id& sum = gradients_[static_cast<std::size_t>(id)];
    sum = sum == kNone ? own : list_.add(sum, own);
  }

  Id scaled(Id x, double factor) { return list_.affine(x, factor, 0); }
  Id minus(Id x) { return scaled(x, -1); }
  Id squared(Id x) { return list_.multiply(x, x); }

  void element(const Operation& operation, Id y, Id g) {
    const auto& [a, b, c] = operation.operands;
    if (operation.operand_count() == 1) {
      if (varies(a)) add(a, slope_times(operation, a, y, g));
      return;
    }
    switch (operation.op) {
      case BlockOp::add:
        add(a, g);
        add(b, g);
        return;
      case BlockOp::subtract:
        add(a, g);
        if (varies(b)) add(b, minus(g));
        return;
      case BlockOp::multiply:
        if (varies(a)) add(a, list_.multiply(g, b));
        if (varies(b)) add(b, list_.multiply(g, a));
        return;
      case BlockOp::divide: {
        const Id quotient = list_.divide(g, b);
        add(a, quotient);
        if (varies(b)) add(b, minus(list_.multiply(quotient, y)));
        return;
      }
      case BlockOp::power: return power(a, b, y, g);
      case BlockOp::maximum: return extreme(a, b, g, false);
      case BlockOp::minimum: return extreme(a, b, g, true);
      case BlockOp::select: {
        const Id zero = list_.constant(0);
        if (varies(b)) add(b, list_.select(a, g, zero));
        if (varies(c)) add(c, list_.select(a, zero, g));
        return;
      }
      default: return;
    }
  }

  // g times the derivative of a function of one value.
  Id slope_times(const Operation& operation, Id x, Id y, Id g) {
    const auto times = [&](BlockOp op) { return list_.multiply(g, list_.unary(op, x)); };
    switch (operation.op) {
      case BlockOp::copy: return g;
      case BlockOp::affine: return scaled(g, operation.p);
      case BlockOp::exp: return list_.multiply(g, y);
      case BlockOp::log: return list_.divide(g, x);
      case BlockOp::log1p: return list_.divide(g, list_.affine(x, 1, 1));
      case BlockOp::expm1: return list_.multiply(g, list_.affine(y, 1, 1));
      case BlockOp::sqrt: return list_.divide(scaled(g, 0.5), y);
      case BlockOp::rsqrt: return scaled(list_.multiply(g, list_.multiply(squared(y), y)), -0.5);
      case BlockOp::reciprocal: return minus(list_.multiply(g, squared(y)));
      case BlockOp::abs: return times(BlockOp::sign);
      case BlockOp::sin: return times(BlockOp::cos);
      case BlockOp::cos: return minus(times(BlockOp::sin));
      case BlockOp::tanh: return list_.multiply(g, list_.affine(squared(y), -1, 1));
      case BlockOp::sigmoid: return list_.multiply(g, list_.multiply(y, list_.affine(y, -1, 1)));
      case BlockOp::softplus: return times(BlockOp::sigmoid);
      case BlockOp::erf: {
        const Id bell = list_.unary(BlockOp::exp, minus(squared(x)));
        return list_.multiply(g, scaled(bell, 2 * std::numbers::inv_sqrtpi));
      }
      case BlockOp::lgamma: return times(BlockOp::digamma);
      case BlockOp::digamma: return times(BlockOp::trigamma);
      case BlockOp::trigamma: return times(BlockOp::tetragamma);
      default: return list_.constant(0);
    }
  }

  // x^p: p x^(p - 1) and x^p ln x, each 0 where its limit is.
  void power(Id x, Id p, Id y, Id g) {
    const Id zero = list_.constant(0);
    if (varies(x)) {
      const Id slope = list_.multiply(p, list_.power(x, list_.affine(p, 1, -1)));
      const Id product = list_.multiply(g, slope);
      add(x, list_.is_constant(p) ? product : list_.select(p, product, zero));
    }
    if (!varies(p)) return;
    const Id is_zero =
        list_.multiply(list_.binary(BlockOp::equal, x, zero), list_.binary(BlockOp::less_equal, zero, p));
    add(p, list_.select(is_zero, zero, list_.multiply(g, list_.multiply(y, list_.unary(BlockOp::log, x)))));
  }

  void extreme(Id a, Id b, Id g, bool smaller) {
    const Id zero = list_.constant(0), half = scaled(g, 0.5);
    const auto share = [&](Id own, Id other) {
      const Id chosen = smaller ? list_.binary(BlockOp::less, own, other) : list_.binary(BlockOp::less, other, own);
      return list_.select(list_.binary(BlockOp::equal, a, b), half, list_.select(chosen, g, zero));
    };
    if (varies(a)) add(a, share(a, b));
    if (varies(b)) add(b, share(b, a));
  }

  void other(const Operation& operation, Id y, Id g) {
    const Id x = operation.operands[0];
    switch (operation.kind) {
      case Kind::reshape:
        g = list_.reshape(list_.expand(g, operation.shape), shape_ = list_.shape(x));
        return add(x, g);
      case Kind::reduce: shape_ = list_.shape(x); return reduction(operation, x, y, g);
      case Kind::cumulate:
        return add(x, list_.cumulate(list_.expand(g, operation.shape), axis_of(operation), !operation.reverse));
      default: return;  // an input, or the product of others, which only gradients hold
    }
  }

  static int axis_of(const Operation& operation) { return std::countr_zero(operation.axes); }

  void reduction(const Operation& operation, Id x, Id y, Id g) {
    switch (operation.reduction) {
      case Reduction::sum: return add(x, g);
      case Reduction::product: return add(x, list_.multiply(g, list_.others(x, axis_of(operation))));
      case Reduction::maximum:
      case Reduction::minimum: {
        const Id equal = list_.binary(BlockOp::equal, x, y);
        const Id count = list_.reduce(Reduction::sum, equal, operation.axes);
        return add(x, list_.multiply(equal, list_.divide(g, count)));
      }
    }
  }

  Operations& list_;
  int count_;
  Shape shape_;  // of the operation whose operands get gradients
  std::vector<Id> gradients_;
  std::vector<bool> varies_;
};

}  // namespace

std::vector<Id> differentiate(Operations& list, const std::vector<Id>& outputs, const std::vector<Id>& gradients,
                              const std::vector<Id>& variables) {
  Reverse reverse(list, variables);
  for (std::size_t k = 0; k < outputs.size(); ++k) reverse.start(outputs[k], gradients[k]);
  reverse.run();
  std::vector<Id> result;
  for (const Id id : variables) {
    const Id gradient = reverse.gradient(id);
    result.push_back(gradient == kNone ? kNone : list.expand(gradient, Shape(list.shape(id))));
  }
  return result;
}

}  // namespace loom::formula

#include "formula/functions.h"

#include <algorithm>
#include <array>

namespace loom::formula {
namespace {

using FunctionKind = Function::Kind;

template <BlockOp op>
Id one(const Arguments& a) {
  return a.list.unary(op, a.values[0]);
}
template <BlockOp op>
Id two(const Arguments& a) {
  return a.list.binary(op, a.values[0], a.values[1]);
}

// Without the axes of an extent of 1 that reductions leave, unless they are to be kept.
Id without_axes(const Arguments& a, Id reduced) {
  if (a.keep) return reduced;
  const Shape& shape = a.list.shape(reduced);
  Shape rest;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (!has_axis(a.axes, axis)) rest.push_back(shape[axis]);
  }
  return a.list.reshape(reduced, rest);
}

template <Reduction reduction>
Id reduced(const Arguments& a) {
  return without_axes(a, a.list.reduce(reduction, a.values[0], a.axes));
}

Id product(const Arguments& a) { return without_axes(a, a.list.product(a.values[0], a.axes)); }

double count_of(const Arguments& a) {
  double count = 1;
  const Shape& shape = a.list.shape(a.values[0]);
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (has_axis(a.axes, axis)) count *= static_cast<double>(shape[axis]);
  }
  return count;
}

Id mean_of(const Arguments& a, Id x) {
  return a.list.affine(a.list.reduce(Reduction::sum, x, a.axes), 1 / count_of(a), 0);
}

Id mean(const Arguments& a) { return without_axes(a, mean_of(a, a.values[0])); }

Id variance(const Arguments& a) {
  const Id distance = a.list.subtract(a.values[0], mean_of(a, a.values[0]));
  return without_axes(a, mean_of(a, a.list.multiply(distance, distance)));
}

// x minus the largest value, which is left alone where it is infinite; and that value.
struct Centered {
  Id distance, largest;
};
Centered centered(Operations& list, Id x, Axes axes) {
  const Id largest = list.stop(list.reduce(Reduction::maximum, x, axes));
  const Id zero = list.constant(0);
  const Id finite = list.binary(BlockOp::equal, list.binary(BlockOp::subtract, largest, largest), zero);
  const Id center = list.select(finite, largest, zero);
  return {list.subtract(x, center), center};
}

Id log_of_sum(const Arguments& a, Id distance, Axes axes) {
  return a.list.unary(BlockOp::log, a.list.reduce(Reduction::sum, a.list.unary(BlockOp::exp, distance), axes));
}

Id logsumexp(const Arguments& a) {
  const Centered c = centered(a.list, a.values[0], a.axes);
  return without_axes(a, a.list.add(log_of_sum(a, c.distance, a.axes), c.largest));
}

Id softmax(const Arguments& a) {
  const Axes axes = Axes{1} << a.axis;
  const Id e = a.list.unary(BlockOp::exp, centered(a.list, a.values[0], axes).distance);
  return a.list.multiply(e, a.list.unary(BlockOp::reciprocal, a.list.reduce(Reduction::sum, e, axes)));
}

Id log_softmax(const Arguments& a) {
  const Axes axes = Axes{1} << a.axis;
  const Id distance = centered(a.list, a.values[0], axes).distance;
  return a.list.subtract(distance, log_of_sum(a, distance, axes));
}

Id clip(const Arguments& a) {
  const Id x = a.values[0], low = a.values[1], high = a.values[2];
  const Id raised = a.list.select(a.list.binary(BlockOp::less, x, low), low, x);
  return a.list.select(a.list.binary(BlockOp::less, high, raised), high, raised);
}

constexpr auto kFunctions = std::to_array<Function>({
    {"exp", FunctionKind::values, 1, "exp(x)", "e^x", one<BlockOp::exp>},
    {"log", FunctionKind::values, 1, "log(x)", "the natural logarithm; NaN below 0", one<BlockOp::log>},
    {"log1p", FunctionKind::values, 1, "log1p(x)", "ln(1 + x), exact also for small x", one<BlockOp::log1p>},
    {"expm1", FunctionKind::values, 1, "expm1(x)", "e^x - 1, exact also for small x", one<BlockOp::expm1>},
    {"sqrt", FunctionKind::values, 1, "sqrt(x)", "the square root; NaN below 0", one<BlockOp::sqrt>},
    {"rsqrt", FunctionKind::values, 1, "rsqrt(x)", "1 / sqrt(x)", one<BlockOp::rsqrt>},
    {"abs", FunctionKind::values, 1, "abs(x)", "the absolute value; its derivative at 0 is 0", one<BlockOp::abs>},
    {"pow", FunctionKind::values, 2, "pow(x, p)", "x^p, as `x ^ p`; NaN of a negative x and a p that is not whole",
     [](const Arguments& a) { return a.list.power(a.values[0], a.values[1]); }},
    {"sin", FunctionKind::values, 1, "sin(x)", "the sine of an angle in radians", one<BlockOp::sin>},
    {"cos", FunctionKind::values, 1, "cos(x)", "the cosine", one<BlockOp::cos>},
    {"tanh", FunctionKind::values, 1, "tanh(x)", "the hyperbolic tangent", one<BlockOp::tanh>},
    {"sigmoid", FunctionKind::values, 1, "sigmoid(x)", "1 / (1 + e^-x)", one<BlockOp::sigmoid>},
    {"softplus", FunctionKind::values, 1, "softplus(x)", "ln(1 + e^x)", one<BlockOp::softplus>},
    {"erf", FunctionKind::values, 1, "erf(x)", "the error function", one<BlockOp::erf>},
    {"lgamma", FunctionKind::values, 1, "lgamma(x)", "ln |Gamma(x)|", one<BlockOp::lgamma>},
    {"digamma", FunctionKind::values, 1, "digamma(x)", "the derivative of lgamma", one<BlockOp::digamma>},
    {"trigamma", FunctionKind::values, 1, "trigamma(x)", "the derivative of digamma", one<BlockOp::trigamma>},
    {"floor", FunctionKind::values, 1, "floor(x)", "the largest whole number that is not larger; its derivative is 0",
     one<BlockOp::floor>},
    {"round", FunctionKind::values, 1, "round(x)", "the nearest whole number, of two the even one; its derivative is 0",
     one<BlockOp::round>},
    {"rint", FunctionKind::values, 1, "rint(x)", "the nearest whole number, of two the larger; its derivative is 0",
     [](const Arguments& a) { return a.list.unary(BlockOp::floor, a.list.affine(a.values[0], 1, 0.5)); }},
    {"clip", FunctionKind::values, 3, "clip(x, low, high)", "x within limits; its derivative is 1 from low to high",
     clip},
    {"min", FunctionKind::values, 2, "min(a, b)", "the smaller of two; equal ones share the gradient",
     two<BlockOp::minimum>},
    {"max", FunctionKind::values, 2, "max(a, b)", "the larger of two; equal ones share the gradient",
     two<BlockOp::maximum>},
    {"where", FunctionKind::values, 3, "where(c, a, b)",
     "a where c is not 0, else b, also where c is NaN; no gradient flows to c",
     [](const Arguments& a) { return a.list.select(a.values[0], a.values[1], a.values[2]); }},
    {"stop", FunctionKind::values, 1, "stop(x)", "x; no gradient flows back through it",
     [](const Arguments& a) { return a.list.stop(a.values[0]); }},
    {"sum", FunctionKind::reduction, 1, "sum(x, axis=A, keep)", "the sum over the event, or over axes",
     reduced<Reduction::sum>},
    {"mean", FunctionKind::reduction, 1, "mean(x, axis=A, keep)", "the mean", mean},
    {"max", FunctionKind::reduction, 1, "max(x, axis=A, keep)", "the largest value; equal ones share the gradient",
     reduced<Reduction::maximum>},
    {"min", FunctionKind::reduction, 1, "min(x, axis=A, keep)", "the smallest value; equal ones share the gradient",
     reduced<Reduction::minimum>},
    {"logsumexp", FunctionKind::reduction, 1, "logsumexp(x, axis=A, keep)", "ln of the sum of e^x, without overflow",
     logsumexp},
    {"prod", FunctionKind::reduction, 1, "prod(x, axis=A, keep)", "the product", product},
    {"var", FunctionKind::reduction, 1, "var(x, axis=A, keep)", "the mean square distance from the mean", variance},
    {"softmax", FunctionKind::along, 1, "softmax(x, axis=A)",
     "e^x over its sum along one axis, the last unless A says which", softmax},
    {"log_softmax", FunctionKind::along, 1, "log_softmax(x, axis=A)", "the logarithm of softmax", log_softmax},
    {"cumsum", FunctionKind::along, 1, "cumsum(x, axis=A)", "sums up to each position of one axis",
     [](const Arguments& a) { return a.list.cumulate(a.values[0], a.axis, false); }},
});

constexpr auto kSigns = std::to_array<Sign>({
    {"?", "c ? a : b", "where(c, a, b); to the right"},
    {"||", "a || b", "1 if one of two is not 0, else 0"},
    {"&&", "a && b", "1 if neither is 0, else 0"},
    {"<", "a < b, <= > >= == !=", "1 or 0; not chained"},
    {"+", "a + b, a - b", "the sum, the difference; from the left"},
    {"*", "a * b, a / b, a % b", "the product, the quotient, the remainder with the sign of a; from the left"},
    {"-", "-a, +a", "a with a sign"},
    {"^", "a ^ b, a ** b", "a to the power of b, as pow; to the right"},
    {"pi", "pi", "3.14159..."},
    {"shape", "shape(port, axis)", "the extent of an axis of a port; in `${...}` alone"},
});

}  // namespace

std::span<const Sign> signs() { return kSigns; }

std::span<const Function> functions() { return kFunctions; }

const Function* find_function(std::string_view name, int arity) {
  const Function* found = nullptr;
  for (const Function& function : kFunctions) {
    if (function.name == name && (found == nullptr || function.arity == arity)) found = &function;
  }
  return found;
}

bool is_function(std::string_view name) {
  return std::ranges::find(kFunctions, name, &Function::name) != kFunctions.end();
}

}  // namespace loom::formula

#include "formula/axes.h"

#include <fmt/format.h>

namespace loom::formula {
namespace {

// The place of a named axis among the axes of the event.
int resolved(const Term::Axis& axis, const Term& call, const Shape& shape) {
  const std::int64_t rank = shape.rank();
  const std::int64_t place = axis.number > 0 ? axis.number - 1 : axis.number + rank;
  const bool samples = axis.number == 0 || axis.number == -rank - 1;
  if (!samples && place >= 0 && place < rank) return static_cast<int>(place);
  FormulaError problem(axis.span, samples ? fmt::format("axis {} is the samples", axis.number)
                                          : fmt::format("the value has no axis {}", axis.number));
  if (axis.number == 0) {  // wrong for any shape
    problem.expected = "1 for the first axis of a sample, -1 for the last";
  } else {
    problem.code = ErrorCode::shape_mismatch;
    problem.got = text_of(shape);
    problem.expected = rank == 0 ? "a value with axes" : fmt::format("an axis from 1 to {0}, or from -1 to -{0}", rank);
  }
  if (samples)
    problem.hint = fmt::format(
        "a formula sees one sample at a time; {}(x) runs over all of its axes, and the framework "
        "takes the mean of a loss over the batch",
        call.word);
  throw problem;
}

}  // namespace

std::string text_of(const Shape& event) {
  std::string text = "[N";
  for (const std::int64_t extent : event.extents()) text += fmt::format(", {}", extent);
  return text + "]";
}

Axes axes_of(const Term& call, const Shape& shape) {
  if (!call.axes) return all_axes(shape);
  Axes axes = 0;
  for (const Term::Axis& axis : *call.axes) {
    const Axes one = Axes{1} << resolved(axis, call, shape);
    if ((axes & one) != 0) throw FormulaError(axis.span, "this axis is named twice");
    axes |= one;
  }
  return axes;
}

int axis_of(const Term& call, const Shape& shape) {
  if (shape.rank() == 0) {
    FormulaError problem(call.place, fmt::format("{} works along an axis of a sample, and there is none", call.word));
    problem.code = ErrorCode::shape_mismatch;
    problem.got = text_of(shape);
    problem.expected = "a value with axes";
    throw problem;
  }
  if (!call.axes) return shape.rank() - 1;
  if (call.axes->size() > 1) {
    FormulaError problem((*call.axes)[1].span, fmt::format("{} works along one axis", call.word));
    problem.got = fmt::format("{} axes", call.axes->size());
    throw problem;
  }
  return resolved(call.axes->front(), call, shape);
}

}  // namespace loom::formula

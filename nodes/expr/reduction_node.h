// Reductions as nodes: the functions of formulas of this kind, over the event of a sample or some of its axes.
#pragma once

#include <string>

#include "expr/formula_node.h"
#include "formula/functions.h"
#include "shape/axis.h"

namespace loom::formula {

class ReductionNode : public FormulaNode {
 public:
  ReductionNode(const Options& options, const std::string& function)
      : options_(options), function_(find_function(function, 1)) {}

  static void declare_ports(Contract& c) {
    c.input("x", "[N, ...]", "values; integers are read as numbers").or_codes();
    c.output("y", "[N, ...]", "[N] over the whole event; over some axes, the others");
    c.option("axis", OptionValue(), integer().or_list(),
             "the axes that are reduced; 1 is the first of a sample, negative counts from the end; default: all");
    c.option("keep", false, flag(), "the reduced axes stay, with an extent of 1");
  }

  static void infer(ShapeInference& s) {
    const Shape& x = s.input(0);
    if (!check_axes(s, x)) return;
    const Axes axes = axes_of_options(s.options(), x);
    Shape y{x[0]};
    for (int axis = 1; axis < x.rank(); ++axis) {
      if (!has_axis(axes, axis - 1))
        y.push_back(x[axis]);
      else if (s.options().flag("keep"))
        y.push_back(1);
    }
    s.output("y", y);
  }

  Built built(const Prepare& p) const override {
    Built built;
    built.inputs.push_back(built.list.input(0, events_of(p).front()));
    built.outputs.push_back(
        function_->make({built.list, built.inputs, axes_of_options(options_, p.input(0)), options_.flag("keep"), 0}));
    return built;
  }

 private:
  static bool check_axes(ShapeInference& s, const Shape& x) {
    if (!s.options().has("axis")) return true;
    std::vector<int> seen;
    for (const std::int64_t axis : s.options().integers("axis")) {
      if (!nodes::check_event_axis(s, axis, x, "batch_mean, batch_covariance")) return false;
      const int resolved = nodes::resolved_axis(axis, x.rank());
      if (std::ranges::find(seen, resolved) != seen.end()) {
        s.fail("an axis is named twice", s.options().values().at("axis").text() + " of " + x.text(), "each axis once",
               0);
        return false;
      }
      seen.push_back(resolved);
    }
    return true;
  }

  // Those of an event, as bits.
  static Axes axes_of_options(const Options& options, const Shape& x) {
    if (!options.has("axis")) return all_axes(x.event());
    Axes axes = 0;
    for (const std::int64_t axis : options.integers("axis"))
      axes |= Axes{1} << (nodes::resolved_axis(axis, x.rank()) - 1);
    return axes;
  }

  Options options_;
  const Function* function_;
};

}  // namespace loom::formula

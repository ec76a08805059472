// The operations of a plan before they are placed: operands resolved through reshapes, products joined with sums, each with
// the stage in which it is computed.
//
// Internal to the planner. Thread safety: values.
#pragma once

#include <vector>

#include "expr/plan.h"

namespace loom::formula {

struct Item {
  Operation operation;  // of the operands, `as` keeps the shapes with which they are read
  std::array<Shape, 3> as;
  int level = 0;  // reductions and scans on the way to it
  int uses = 0;
  int target = -1;        // written to it
  bool is_fused = false;  // computed by the operation that reads it
  Needed needed_for = 0;

  std::int64_t count() const { return operation.shape.count(); }
  bool is_element() const { return operation.kind == Operation::Kind::element; }
  bool is_reduction() const { return operation.kind == Operation::Kind::reduce; }
  bool is_scan() const {
    return operation.kind == Operation::Kind::cumulate || operation.kind == Operation::Kind::others;
  }
};

std::vector<Item> make_items(const PlanRequest& request);

}  // namespace loom::formula

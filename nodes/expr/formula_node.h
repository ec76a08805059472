// A node that computes operations: its forward and its backward are plans.
//
// Thread safety: as of any node.
#pragma once

#include "expr/run.h"
#include "formula/build.h"
#include "loom/node.h"

namespace loom::formula {

// The shapes of a node's inputs, without the samples.
std::vector<Shape> events_of(const Prepare& p);

class FormulaNode : public Node {
 public:
  // The operations, for inputs of the shapes of `p`.
  virtual Built built(const Prepare& p) const = 0;

  void prepare(const Prepare& p) override;
  void forward(const Forward& f) const override;
  void backward(const Backward& b) const override;
  void second_backward(const SecondBackward& b) const override;
  std::string implementation(bool backward) const override;

 private:
  void reserve(const Prepare& p);
  std::int64_t largest(std::int64_t (*of)(const Plan&)) const;
  Memory memory(const Call& call) const { return {registers_(call), table_(call), temporaries_(call), sums_(call)}; }

  Plan forward_, backward_, second_;
  Slot<float> registers_, temporaries_;
  Slot<double> sums_;
  Slot<float*> table_, targets_;
  Slot<const void*> sources_;
};

}  // namespace loom::formula

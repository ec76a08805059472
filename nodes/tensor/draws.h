// Nodes that draw independent values of a fixed distribution. A draw depends on the seed, the node's path, the step and the
// row of the batch alone, so that shards and threads do not change it.
#pragma once

#include "loom/node.h"
#include "tensor/like.h"

namespace loom::nodes {

// `Distribution`: static void declare(Contract&), a constructor from the options, and
//   void draw(std::span<float> uniform or normal values, which it transforms) const
// with `static constexpr bool kNormal`: whether it is given normal values.
template <class Distribution>
class Draws final : public Node {
 public:
  static void declare(Contract& c) {
    Distribution::declare(c);
    declare_shape(c);
    c.stochastic();
    c.backward_reads({});
  }
  static void infer(ShapeInference& s) { infer_shape(s); }
  explicit Draws(const Options& options) : distribution_(options) {}

  void forward(const Forward& f) const override {
    const TensorView y = f.output(0);
    for (std::int64_t n = 0; n < f.rows; ++n) {
      if constexpr (Distribution::kNormal)
        f.normal(n, y[n]);
      else
        f.uniform(n, y[n]);
      distribution_.draw(y[n]);
    }
  }
  void backward(const Backward&) const override {}  // no input has a gradient

 private:
  Distribution distribution_;
};

}  // namespace loom::nodes

// A node whose output is a sum of products of its inputs: matmul and einsum. The gradient of a factor is the same sum, of
// the gradient of the output and the other factors.
#pragma once

#include "loom/node.h"
#include "tensor/contraction.h"

namespace loom::nodes {

// How the tensors of one node share axes; axis 0 of each is the batch.
struct ProductAxes {
  std::vector<std::int64_t> extents;
  std::vector<Strides> factors;
  Strides result;
};

class ProductNode : public Node {
 public:
  virtual ProductAxes axes(const Prepare& p) const = 0;

  void prepare(const Prepare& p) override {
    const ProductAxes all = axes(p);
    const std::int64_t count = p.output(0).count();
    forward_ = ProductSum(all.extents, all.factors, all.result, count);
    std::size_t bytes = forward_.scratch_bytes();
    factors_ = p.scratch<const float*>(all.factors.size());
    for (std::size_t i = 0; p.backward && i < all.factors.size(); ++i) {
      std::vector<Strides> others = {all.result};
      for (std::size_t j = 0; j < all.factors.size(); ++j)
        if (j != i) others.push_back(all.factors[j]);
      backward_.emplace_back(all.extents, others, all.factors[i], p.input(static_cast<int>(i)).count());
      bytes = std::max(bytes, backward_.back().scratch_bytes());
    }
    work_ = p.scratch<std::byte>(bytes);
  }

  void forward(const Forward& f) const override {
    const float** factors = factors_(f).data();
    for (int i = 0; i < f.input_count(); ++i) factors[i] = f.input(i).data();
    forward_.execute(factors, f.output(0).data(), work_(f).data());
  }

  void backward(const Backward& b) const override {
    const float** factors = factors_(b).data();
    for (int i = 0; i < b.input_count(); ++i) {
      if (!b.wants_diff(i)) continue;
      std::size_t next = 0;
      factors[next++] = b.diff_output(0).data();
      for (int j = 0; j < b.input_count(); ++j)
        if (j != i) factors[next++] = b.input(j).data();
      backward_[static_cast<std::size_t>(i)].execute(factors, b.diff_input(i).data(), work_(b).data());
    }
  }

  double forward_flop(const Prepare& p) const override {
    const ProductAxes all = axes(p);
    return ProductSum(all.extents, all.factors, all.result, p.output(0).count()).flop();
  }

  double backward_flop(const Prepare& p, int inputs, int) const override {
    return forward_flop(p) * inputs;  // as many products for each factor; of more than two factors, about as many
  }

  std::string implementation(bool backward) const override {
    return backward ? backward_.front().implementation() : forward_.implementation();
  }

 private:
  ProductSum forward_;
  std::vector<ProductSum> backward_;  // of each factor
  Slot<const float*> factors_;
  Slot<std::byte> work_;
};

}  // namespace loom::nodes

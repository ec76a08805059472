// Random orders: each row of the last axis holds 0 to L - 1 in an order of its own. With gather they choose positions at
// random, such as the patches that a masked autoencoder sees.
#include <numeric>

#include "tensor/like.h"

namespace {

using namespace loom::nodes;

class Permutation final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Random orders: along the last axis the numbers 0 to L - 1, shuffled");
    declare_shape(c);
    c.output("y", "[N, ...E]", "places, from 0 to the extent of the last axis less 1")
        .dtype(loom::DType::i32)
        .no_gradient();
    c.stochastic();
    c.backward_reads({});
  }
  static void infer(loom::ShapeInference& s) {
    if (!infer_shape(s) || !s.run_extents("E").empty()) return;
    s.fail("there is no axis to shuffle along", "a shape without axes", "at least one axis: shape: [8]");
  }
  explicit Permutation(const loom::Options&) {}

  void prepare(const loom::Prepare& p) override {
    length_ = p.output(0).back();
    bits_ = p.scratch<std::uint32_t>(p.output(0).count_from(1));
  }

  // Fisher and Yates: place i is exchanged with one of 0 ... i, by the upper bits of a product.
  void forward(const loom::Forward& f) const override {
    const loom::TensorView y = f.output(0);
    const std::span<std::uint32_t> bits = bits_(f);
    for (std::int64_t n = 0; n < f.rows; ++n) {
      f.stream.bits(static_cast<std::uint32_t>(f.first_row + n), bits);
      const std::uint32_t* word = bits.data();
      std::int32_t* order = y.data<std::int32_t>() + n * y.per_sample();
      for (std::int64_t at = 0; at < y.per_sample(); at += length_, order += length_, word += length_) {
        std::iota(order, order + length_, 0);
        for (std::int64_t i = length_ - 1; i > 0; --i)
          std::swap(order[i], order[(static_cast<std::uint64_t>(word[i]) * static_cast<std::uint64_t>(i + 1)) >> 32]);
      }
    }
  }
  void backward(const loom::Backward&) const override {}  // no input has a gradient

 private:
  std::int64_t length_ = 1;
  loom::Slot<std::uint32_t> bits_;
};
LOOM_NODE(Permutation, "permutation")

}  // namespace

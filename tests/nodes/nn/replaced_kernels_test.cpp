// The heavy nodes compute with whatever is registered for their operations: here with the standard kernels, counted.
#include <atomic>
#include <cstring>

#include "dnnl/operations.h"
#include "nodes/node_checks.h"

using namespace loom::check;
using namespace loom::dnnl;
using loom::Tensor;

namespace {

std::atomic<int> forwards{0}, data_gradients{0}, weight_gradients{0};

class CountedForward final : public ForwardKernel {
 public:
  explicit CountedForward(std::unique_ptr<const ForwardKernel> inner) : inner_(std::move(inner)) {}
  std::size_t scratch_bytes() const override { return inner_->scratch_bytes(); }
  std::size_t packed_bytes() const override { return inner_->packed_bytes(); }
  std::string implementation() const override { return inner_->implementation(); }
  std::size_t pack_scratch_bytes() const override { return inner_->pack_scratch_bytes(); }
  void pack(const float* weight, void* packed, void* scratch) const override { inner_->pack(weight, packed, scratch); }
  void execute(const void* x, const void* weight, const float* bias, void* y, void* scratch) const override {
    ++forwards;
    inner_->execute(x, weight, bias, y, scratch);
  }

 private:
  std::unique_ptr<const ForwardKernel> inner_;
};

class CountedData final : public BackwardDataKernel {
 public:
  explicit CountedData(std::unique_ptr<const BackwardDataKernel> inner) : inner_(std::move(inner)) {}
  std::size_t scratch_bytes() const override { return inner_->scratch_bytes(); }
  std::size_t packed_bytes() const override { return inner_->packed_bytes(); }
  std::string implementation() const override { return inner_->implementation(); }
  std::size_t pack_scratch_bytes() const override { return inner_->pack_scratch_bytes(); }
  void pack(const float* weight, void* packed, void* scratch) const override { inner_->pack(weight, packed, scratch); }
  void execute(const void* diff_y, const void* weight, void* diff_x, void* scratch) const override {
    ++data_gradients;
    inner_->execute(diff_y, weight, diff_x, scratch);
  }

 private:
  std::unique_ptr<const BackwardDataKernel> inner_;
};

class CountedWeights final : public BackwardWeightsKernel {
 public:
  explicit CountedWeights(std::unique_ptr<const BackwardWeightsKernel> inner) : inner_(std::move(inner)) {}
  std::size_t scratch_bytes() const override { return inner_->scratch_bytes(); }
  std::string implementation() const override { return inner_->implementation(); }
  void execute(const void* x, const void* diff_y, float* diff_weight, float* diff_bias, void* scratch) const override {
    ++weight_gradients;
    inner_->execute(x, diff_y, diff_weight, diff_bias, scratch);
  }

 private:
  std::unique_ptr<const BackwardWeightsKernel> inner_;
};

// Counts the kernels of a layer for as long as it lives.
template <class Shape>
class Counting {
 public:
  explicit Counting(const LayerOperations<Shape>& layer) : layer_(layer) {
    forwards = data_gradients = weight_gradients = 0;
    layer.forward.replace([&](const Shape& s) { return std::make_unique<CountedForward>(layer.forward.standard(s)); });
    layer.backward_data.replace(
        [&](const Shape& s) { return std::make_unique<CountedData>(layer.backward_data.standard(s)); });
    layer.backward_weights.replace(
        [&](const Shape& s) { return std::make_unique<CountedWeights>(layer.backward_weights.standard(s)); });
  }
  ~Counting() {
    layer_.forward.restore();
    layer_.backward_data.restore();
    layer_.backward_weights.restore();
  }

 private:
  const LayerOperations<Shape>& layer_;
};

void expect_same(const Tensors& got, const Tensors& expected) {
  for (const auto& [name, tensor] : expected) {
    const loom::TensorView a = got.at(name).view(), b = tensor.view();
    BOOST_TEST(std::memcmp(a.raw(), b.raw(), b.bytes()) == 0, name);
  }
}

template <class Shape>
void check_counted(NodeTester tester, const LayerOperations<Shape>& layer) {
  const NodeResult plain = tester.run_random(1);
  {
    const Counting<Shape> counting(layer);
    const NodeResult counted = tester.run_random(1);
    BOOST_TEST(forwards == 1);
    BOOST_TEST(data_gradients == 3);  // the checker calls backward twice to add the gradient, once to overwrite with it
    BOOST_TEST(weight_gradients == 3);
    expect_same(counted.outputs, plain.outputs);
    expect_same(counted.diff_inputs, plain.diff_inputs);
    expect_same(counted.diff_parameters, plain.diff_parameters);
  }
  tester.run_random(1);
  BOOST_TEST(forwards == 1);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(replaced_kernels)

BOOST_AUTO_TEST_CASE(linear) {
  NodeTester tester = node("linear");
  tester.option("units", 5).random_input("x", {4, 7});
  check_counted(std::move(tester), kLinear);
}

BOOST_AUTO_TEST_CASE(conv) {
  NodeTester tester = node("conv");
  tester.option("filters", 3).option("kernel", 3).random_input("x", {2, 6, 6, 2});
  check_counted(std::move(tester), kConvolution);
}

BOOST_AUTO_TEST_CASE(conv_transpose) {
  NodeTester tester = node("conv_transpose");
  tester.option("filters", 3).option("kernel", 3).random_input("x", {2, 6, 6, 2});
  check_counted(std::move(tester), kTransposedConvolution);
}

BOOST_AUTO_TEST_SUITE_END()

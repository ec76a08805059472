// An operation's standard kernels, and those that are registered in their place.
#include "dnnl/operations.h"

#include <boost/test/unit_test.hpp>

using namespace loom::dnnl;

namespace {

// y = the bias, whatever the input is.
class BiasAlone final : public ForwardKernel {
 public:
  explicit BiasAlone(const LinearShape& shape) : shape_(shape) {}
  std::size_t scratch_bytes() const override { return 0; }
  std::size_t packed_bytes() const override { return 0; }
  std::string implementation() const override { return "bias alone"; }
  void pack(const float*, void*, void*) const override {}
  void execute(const void*, const void*, const float* bias, void* result, void*) const override {
    auto* y = static_cast<float*>(result);
    for (std::int64_t i = 0; i < shape_.rows * shape_.outputs; ++i) y[i] = bias[i % shape_.outputs];
  }

 private:
  LinearShape shape_;
};

constexpr LinearShape kShape{.rows = 2, .inputs = 3, .outputs = 4, .bias = true};

}  // namespace

BOOST_AUTO_TEST_SUITE(operations)

BOOST_AUTO_TEST_CASE(what_is_registered_serves_until_it_is_taken_back) {
  const std::string standard = kLinear.forward.make(kShape)->implementation();
  kLinear.forward.replace([](const LinearShape& shape) { return std::make_unique<BiasAlone>(shape); });
  const auto replaced = kLinear.forward.make(kShape);
  kLinear.forward.restore();
  BOOST_TEST(replaced->implementation() == "bias alone");
  BOOST_TEST(kLinear.forward.make(kShape)->implementation() == standard);
  const std::vector<float> bias{1, 2, 3, 4};
  std::vector<float> y(8);
  replaced->execute(nullptr, nullptr, bias.data(), y.data(), nullptr);  // it outlives its registration
  BOOST_TEST(y[6] == 3);
}

BOOST_AUTO_TEST_CASE(a_shape_that_a_factory_has_nothing_for_gets_the_standard_kernel) {
  kLinear.forward.replace([](const LinearShape& shape) -> std::unique_ptr<const ForwardKernel> {
    if (shape.rows > 1) return nullptr;
    return std::make_unique<BiasAlone>(shape);
  });
  const std::string many = kLinear.forward.make(kShape)->implementation();
  const std::string one = kLinear.forward.make({.rows = 1, .inputs = 3, .outputs = 4})->implementation();
  kLinear.forward.restore();
  BOOST_TEST(many != "bias alone");
  BOOST_TEST(one == "bias alone");
}

BOOST_AUTO_TEST_CASE(every_layer_has_three_operations) {
  const auto names = [](const auto& layer) {
    return std::string(layer.forward.name) + " " + layer.backward_data.name + " " + layer.backward_weights.name;
  };
  BOOST_TEST(names(kLinear) == "linear.forward linear.backward_data linear.backward_weights");
  BOOST_TEST(names(kConvolution) == "convolution.forward convolution.backward_data convolution.backward_weights");
  BOOST_TEST(names(kTransposedConvolution) ==
             "transposed_convolution.forward transposed_convolution.backward_data "
             "transposed_convolution.backward_weights");
}

BOOST_AUTO_TEST_SUITE_END()

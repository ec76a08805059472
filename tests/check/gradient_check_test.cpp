// Gradients against differences where differences are not easily taken: at kinks, near cancellation, beside rounding.
#include <algorithm>
#include <cmath>

#include "loom/check.h"
#include "loom/node.h"

using namespace loom;
using namespace loom::check;

namespace {

enum class Form {
  rectified,   // y = max(x + b, 0), the bias shared by all
  cancelling,  // y = e^x - 1 - x + b
  square       // y = (x - 0.3)^2 + b
};

float value(Form form, float x) {
  if (form == Form::rectified) return std::max(x, 0.0F);
  if (form == Form::cancelling) return std::exp(x) - 1 - x;
  return (x - 0.3F) * (x - 0.3F);
}

float slope(Form form, float x) {
  if (form == Form::rectified) return x > 0 ? 1.0F : 0.0F;
  if (form == Form::cancelling) return std::exp(x) - 1;
  return 2 * (x - 0.3F);
}

// `wrong`: by a tenth, of x's gradient or of the bias's.
template <Form form, bool wrong_x, bool wrong_bias>
class Rough final : public Node {
 public:
  static void declare(Contract& c) {
    c.summary("a function that is hard to differentiate by differences");
    c.input("x", "[N, E]", "");
    c.parameter("bias", "[1]", zeros(), "");
    c.output("y", "[N, E]", "");
    c.backward_reads({"x"});
  }
  explicit Rough(const Options&) {}

  void forward(const Forward& f) const override {
    const auto x = f.input("x").values(), y = f.output("y").values();
    const float bias = f.parameter("bias").values()[0];
    for (std::size_t i = 0; i < x.size(); ++i)
      y[i] = form == Form::rectified ? value(form, x[i] + bias) : value(form, x[i]) + bias;
  }
  void backward(const Backward& b) const override {
    const auto x = b.input("x").values(), above = b.diff_output("y").values(), below = b.diff_input("x").values();
    const float bias = b.parameter("bias").values()[0];
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float at = form == Form::rectified ? slope(form, x[i] + bias) : slope(form, x[i]);
      below[i] = above[i] * at * (wrong_x ? 1.1F : 1.0F);
      b.diff_parameter("bias").values()[0] +=
          above[i] * (form == Form::rectified ? at : 1.0F) * (wrong_bias ? 1.1F : 1.0F);
    }
  }
};

template <Form form, bool wrong_x = false, bool wrong_bias = false>
Report checked(Tensor x, double tolerance = 2e-2) {
  using Type = Rough<form, wrong_x, wrong_bias>;
  NodeTester tester(std::make_shared<const NodeType>(loom::detail::make_type<NodeType, Type>("acme.rough")));
  tester.input("x", std::move(x)).parameter("bias", tensor_of({1}, std::vector{0.0F}));
  return tester.check_gradients(tolerance, 24);
}

bool names(const Report& report, std::string_view text) {
  return std::ranges::any_of(report.failures, [&](const std::string& f) { return f.find(text) != std::string::npos; });
}

// Values on both sides of 0, every third of them 0 itself.
Tensor around_zero() {
  Tensor x = random_tensor({4, 9}, 3);
  for (std::size_t i = 0; i < x.values().size(); i += 3) x.values()[i] = 0;
  return x;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gradient_check)

BOOST_AUTO_TEST_CASE(a_kink_at_the_value_itself_is_left_out) {
  const Report right = checked<Form::rectified>(around_zero());
  BOOST_TEST(!names(right, "input 'x'"), right.text());
  const Report wrong = checked<Form::rectified, true>(around_zero());
  BOOST_TEST(names(wrong, "gradient of input 'x', element"), wrong.text());
}

// A bias below thousands of ReLUs: within any step some of them bend.
BOOST_AUTO_TEST_CASE(many_small_kinks_are_a_curve_until_the_step_is_small) {
  const Tensor x = random_tensor({8, 500}, 5);
  const Report right = checked<Form::rectified>(x.clone());
  BOOST_TEST(right.ok(), right.text());
  const Report wrong = checked<Form::rectified, false, true>(x.clone());
  BOOST_TEST(names(wrong, "gradient of parameter 'bias'"), wrong.text());
  BOOST_TEST(!names(wrong, "input 'x'"), wrong.text());
}

BOOST_AUTO_TEST_CASE(a_small_difference_of_large_numbers_has_their_rounding) {
  const Tensor x = random_tensor({4, 6}, 7, 1e-4);
  BOOST_TEST(checked<Form::cancelling>(x.clone()).ok(), checked<Form::cancelling>(x.clone()).text());
  BOOST_TEST(!(checked<Form::cancelling, true>(random_tensor({4, 6}, 7)).ok()));
}

// At 0.3 x - h and x + h are rounded to unequal distances, which a square's slope of almost 0 shows.
BOOST_AUTO_TEST_CASE(unequal_distances_are_no_slope) {
  Tensor x(DType::f32, {2, 3});
  std::ranges::fill(x.values(), std::nextafter(0.3F, 1.0F));
  BOOST_TEST(checked<Form::square>(x.clone()).ok(), checked<Form::square>(x.clone()).text());
  BOOST_TEST(!(checked<Form::square, true>(random_tensor({2, 3}, 9)).ok()));
}

BOOST_AUTO_TEST_SUITE_END()

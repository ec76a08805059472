// What formulas are compiled to: how much is computed, and how much is kept in memory.
#include "expr/plan.h"

#include "expr/usage.h"
#include "formula/build.h"
#include "nodes/node_checks.h"

using namespace loom;
using namespace loom::formula;

namespace {

Built built_of(const std::string& text, const std::vector<std::string>& names, const Shape& event) {
  return build(parse_all({{}, {{"y", text}}, true}), names, std::vector<Shape>(names.size(), event));
}

Plan plan_of(const std::string& text, const std::vector<std::string>& names, const Shape& event) {
  const Built built = built_of(text, names, event);
  std::vector<Id> results = built.outputs;
  const Operations needed = needed_operations(built.list, results);
  return make_plan(
      {needed, results, {needed.shape(results[0]).count()}, std::vector<Source>(names.size(), {event.count(), false})});
}

Plan gradient_of(const std::string& text, const std::vector<std::string>& names, const Shape& event) {
  Built built = built_of(text, names, event);
  std::vector<Id> gradients = add_gradients(built, std::vector<bool>(names.size(), true));
  const Operations needed = needed_operations(built.list, gradients);
  std::vector<Source> sources(names.size(), {event.count(), false});
  sources.push_back({built.list.shape(built.outputs[0]).count(), false});
  return make_plan({needed, gradients, std::vector<std::int64_t>(names.size(), event.count()), sources});
}

int steps_of(const Plan& plan) {
  int steps = 0;
  for (const auto& stage : plan.stages) {
    if (const auto* loop = std::get_if<Loop>(&stage)) steps += static_cast<int>(loop->steps.size());
  }
  return steps;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(expr_plan)

BOOST_AUTO_TEST_CASE(a_loss_is_one_pass_and_one_number) {
  const Plan plan = plan_of("sum(softplus(l) - x * l)", {"l", "x"}, {784});
  BOOST_TEST(plan.stages.size() == 2U);  // the terms and their sum; the number that is written
  BOOST_TEST(steps_of(plan) == 3);       // softplus, c - a b, the copy
  BOOST_TEST(plan.temporaries == std::vector<std::int64_t>{1});
}

BOOST_AUTO_TEST_CASE(a_gradient_is_one_pass) {
  const Plan plan = gradient_of("sum(softplus(l) - x * l)", {"l", "x"}, {784});
  BOOST_TEST(plan.temporaries.size() <= 1U);
  BOOST_TEST(steps_of(plan) <= 6);
}

BOOST_AUTO_TEST_CASE(products_and_sums_are_joined) {
  BOOST_TEST(steps_of(plan_of("a * b + c", {"a", "b", "c"}, {8})) == 1);
  BOOST_TEST(steps_of(plan_of("c - a * b", {"a", "b", "c"}, {8})) == 1);
  BOOST_TEST(steps_of(plan_of("a * b - c", {"a", "b", "c"}, {8})) == 1);
  for (const char* text : {"2 * a + b", "2 * a - 3 + b", "b - (2 * a + 1)", "a - 1 - b", "b + 1 + a"})
    BOOST_TEST(steps_of(plan_of(text, {"a", "b"}, {8})) == 1, text);
  BOOST_TEST(steps_of(plan_of("((3 * a + 1) / 4 - 3) * 8", {"a"}, {8})) == 1);
}

BOOST_AUTO_TEST_CASE(the_same_value_is_computed_once) {
  BOOST_TEST(steps_of(plan_of("exp(a) * exp(a) + exp(a + 0) * 1", {"a"}, {8})) == 2);
  BOOST_TEST(steps_of(plan_of("a - 0 + (b - b * 1)", {"a", "b"}, {8})) <= 2);
}

BOOST_AUTO_TEST_CASE(registers_are_used_again) {
  std::string text = "a";
  for (int i = 0; i < 40; ++i) text = "tanh(" + text + " + b)";
  const Plan plan = plan_of(text, {"a", "b"}, {5000});
  BOOST_TEST(plan.slots <= 2);
  BOOST_TEST(plan.block >= 1024);
  BOOST_TEST(plan.temporaries.empty());
}

BOOST_AUTO_TEST_CASE(short_rows_are_computed_together) {
  BOOST_TEST(plan_of("sum(exp(a))", {"a"}, {10}).rows > 50);
  BOOST_TEST(plan_of("sum(exp(a))", {"a"}, {100000}).rows == 1);
}

BOOST_AUTO_TEST_SUITE_END()

// The check of causal nodes finds each kind of mistake: nodes that are wrong on purpose, or expectations that are.
#include "check/incremental_check.h"
#include "loom/advance.h"
#include "loom/node.h"
#include "loom/plugin.h"
#include "nodes/node_checks.h"

using namespace loom::check;
using loom::Filled;

namespace {

// y[t] = x[t - 1] + x[t] on a sequence of one channel, with a mistake.
enum class Mistake { none, forward_looks_ahead, advance_differs, reads_too_far };

template <Mistake mistake, bool starts_with_zeros = false>
class Pairs final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Sums of neighbours");
    c.input("x", "[N, T, 1]", "values");
    c.output("y", "[N, T, 1]", "sums");
    c.causal("T");
  }
  explicit Pairs(const loom::Options&) {}

  void prepare(const loom::Prepare& p) override {
    length_ = p.input(0)[1];
    if (p.incremental) before_ = p.saved<float>(p.samples);
  }
  void forward(const loom::Forward& f) const override {
    const float* x = f.input(0).data();
    float* y = f.output(0).data();
    for (std::int64_t i = 0; i < f.input(0).count(); ++i) {
      y[i] = x[i] + (i % length_ > 0 ? x[i - 1] : 0);
      if (mistake == Mistake::forward_looks_ahead && i % length_ == 2) y[i] += 1e-6F * x[i + 1];
    }
  }
  void advance(const loom::Advance& a) const override {
    const std::int64_t t = a.range(0).first;
    float* kept = before_(a).data();
    for (std::int64_t n = 0; a.range(0).count > 0 && n < a.samples; ++n) {
      const float x = loom::Advance::at(a.input(0), t)[n], before = t > 0 || starts_with_zeros ? kept[n] : 0;
      float y = x + before;
      if (mistake == Mistake::advance_differs && t == 3) y += 0.01F;
      if (mistake == Mistake::reads_too_far && t + 1 < length_) y += 0 * loom::Advance::at(a.input(0), t + 1)[n];
      loom::Advance::at(a.output(0), t)[n] = y;
      kept[n] = x;
    }
  }

 private:
  std::int64_t length_ = 0;
  loom::Slot<float> before_;  // x[t - 1]
};

template <Mistake mistake, bool starts_with_zeros = false>
Report check(Filled gives = Filled::through, std::int64_t reach = 1) {
  loom::Registry registry;
  registry.add(loom::detail::make_type<loom::NodeType, Pairs<mistake, starts_with_zeros>>("pairs"));
  NodeTester tester(registry, "pairs");
  tester.random_input("x", {2, 6, 1});
  return check_incremental(tester,
                           {.fills = {{"x", Filled::through}}, .gives = {{"y", gives}}, .sees = [=](const Glance& g) {
                              const std::int64_t back = g.to.column - g.from.column;
                              return back >= 0 && back <= reach;
                            }});
}

void expect_finding(const Report& report, const std::string& text) {
  BOOST_TEST(report.text().find(text) != std::string::npos, "expected \"" << text << "\", got: " << report.text());
  BOOST_TEST(!report.ok());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(incremental_check)

BOOST_AUTO_TEST_CASE(passes_what_is_right) { expect_ok(check<Mistake::none>()); }

// As loom/advance.h says of its own memory.
BOOST_AUTO_TEST_CASE(memory_of_a_map_begins_as_zeros) { expect_ok(check<Mistake::none, true>()); }

BOOST_AUTO_TEST_CASE(finds_what_is_wrong) {
  expect_finding(check<Mistake::forward_looks_ahead>(), "is not available when it is computed");
  expect_finding(check<Mistake::advance_differs>(), "position by position");
  expect_finding(check<Mistake::reads_too_far>(), "position by position");
  expect_finding(check<Mistake::none>(Filled::before), "is filled through, not before");
  expect_finding(check<Mistake::none>(Filled::through, 2), "does not see");
  expect_finding(check<Mistake::none>(Filled::through, 0), "depends on");
}

// Rows of an image that are drawn one after the other are no positions of a convolution over its pixels.
BOOST_AUTO_TEST_CASE(nodes_refuse_another_map) {
  auto tester = node("masked_conv");
  tester.option("filters", 2).option("kernel", 3).option("mask", "A").random_input("x", {2, 4, 5, 3});
  BOOST_CHECK_THROW(check_incremental(tester, {.axes = 1, .fills = {{"x", Filled::before}}}), loom::Error);
}

BOOST_AUTO_TEST_SUITE_END()

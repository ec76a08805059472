// The check of a type: every standard node and data set passes it, and each kind of mistake is found by its row.
#include "loom/check.h"
#include "loom/node.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>

#include "check/example.h"
#include "check/standard_registry.h"
#include "loom/dataset.h"
#include "loom/error.h"

using namespace loom;
using namespace loom::check;

namespace {

enum class Mistake {
  none,
  wrong_gradient,
  no_backward,
  remembers,   // one call leaves something behind for the next
  cross_talk,  // a sample sees its neighbours
  looks_back,  // a position sees the first one, and is declared pointwise
  not_a_number,
  unwritten,
  throws,
  needs_positive  // its input is a variance, and is declared so
};

std::atomic<int> calls{0};

// y = sqrt(1 + x^2), of positive x with needs_positive: ln x
template <Mistake mistake>
class Toy final : public Node {
 public:
  static void declare(Contract& c) {
    c.summary("a toy");
    PortDeclaration& x = c.input("x", "[N, ...E, C]", "");
    if (mistake == Mistake::needs_positive) x.between(1e-3, 4);
    c.output("y", "[N, ...E, C]", "");
    if (mistake == Mistake::looks_back) c.pointwise();
  }
  explicit Toy(const Options&) {}

  void forward(const Forward& f) const override {
    if (mistake == Mistake::throws) throw Error(ErrorCode::internal, "out of patience");
    const auto x = f.input("x").values(), y = f.output("y").values();
    for (std::size_t i = 0; i < x.size(); ++i) {
      y[i] = mistake == Mistake::needs_positive ? std::log(x[i]) : std::sqrt(1 + x[i] * x[i]);
      if (mistake == Mistake::cross_talk) y[i] += x[0];
      if (mistake == Mistake::looks_back) y[i] += x[i - i % static_cast<std::size_t>(f.input("x").per_sample())];
      if (mistake == Mistake::unwritten && i + 1 == x.size()) continue;
    }
    if (mistake == Mistake::remembers) y[0] += static_cast<float>(++calls);
    if (mistake == Mistake::not_a_number) y[0] = std::log(-1 - x[0] * x[0]);
    if (mistake == Mistake::unwritten) std::fill(y.begin(), y.end(), std::bit_cast<float>(0x7FC0DEADU));
  }

  void backward(const Backward& b) const override {
    if (mistake == Mistake::no_backward) return Node::backward(b);
    const auto x = b.input("x").values(), above = b.diff_output("y").values(), below = b.diff_input("x").values();
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float slope = mistake == Mistake::needs_positive ? 1 / x[i] : x[i] / std::sqrt(1 + x[i] * x[i]);
      below[i] = above[i] * slope * (mistake == Mistake::wrong_gradient ? 1.1F : 1.0F);
    }
  }
};

template <Mistake mistake>
CheckTable check_toy(TypeCheck settings = {}) {
  return check_type(std::make_shared<const NodeType>(loom::detail::make_type<NodeType, Toy<mistake>>("acme.toy")),
                    settings);
}

bool failed(const CheckTable& table, std::string_view check) {
  const CheckRow* row = table.find(check);
  return row != nullptr && row->result == CheckRow::Result::failed;
}

class Counter final : public AllocationCounter {
 public:
  explicit Counter(std::int64_t each) : each_(each) {}
  void start() override {}
  Allocations stop() override { return {each_, 1}; }

 private:
  std::int64_t each_;
};

template <bool wrong>
class ToyData final : public Dataset {
 public:
  static void declare(Contract& c) { c.output("x", "[N, 2]", ""); }
  explicit ToyData(const Options&) {}
  std::int64_t size() const override { return 5; }
  std::vector<Column> columns() const override { return {{"x", DType::f32, {2}}}; }
  void read(std::int64_t index, std::span<const TensorView> out) const override {
    out[0].values()[0] = static_cast<float>(index);
    if (wrong)
      out[0].values()[0] += static_cast<float>(++calls);
    else
      out[0].values()[1] = 1;
  }
  std::string hash() const override { return "toy"; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(check_type_of)

// What a declaration cannot say: an extent that is the length of a list; a gradient that is right in expectation, and not
// that of one draw.
TypeCheck settings_of(const std::string& name) {
  TypeCheck settings{.elements = 6};
  const std::vector<OptionValue> levels = {8, 5, 5};
  if (name == "finite_scalar_quantizer") {
    settings.options.set("levels", levels);
    settings.options.set("round", false);
    settings.shapes["x"] = {4, 6, 3};
  }
  if (name == "finite_scalar_values") {
    settings.options.set("levels", levels);
    settings.classes = 200;
  }
  if (name == "von_mises_fisher_sampler") settings.options.set("gradient", "rejection");
  return settings;
}

// What is needed to use a node is in its declaration: an example is derived for each of them.
BOOST_AUTO_TEST_CASE(every_standard_node) {
  const Registry& registry = standard_registry();
  for (const std::string& name : registry.node_names()) {
    const CheckTable table = check_type(registry.node(name), settings_of(name));
    const Role role = registry.node(name)->contract.role();
    const bool nothing_to_do = role == Role::input || role == Role::gradient;
    BOOST_TEST((table.ok() || nothing_to_do), table.text());
  }
}

BOOST_AUTO_TEST_CASE(every_standard_data_set_that_needs_no_file) {
  const Registry& registry = standard_registry();
  int opened = 0;
  for (const std::string& name : registry.dataset_names()) {
    const CheckTable table = check_type(registry.dataset(name));
    const CheckRow* example = table.find("example");
    if (example != nullptr) {
      BOOST_TEST((example->result == CheckRow::Result::skipped));
      continue;
    }
    BOOST_TEST(table.ok(), table.text());
    ++opened;
  }
  BOOST_TEST(opened >= 2);
}

BOOST_AUTO_TEST_CASE(a_node_without_a_mistake) {
  const CheckTable table = check_toy<Mistake::none>();
  BOOST_TEST(table.ok(), table.text());
  for (const char* check : {"finite", "gradients", "repeat", "shards", "threads", "memory", "time"}) {
    BOOST_REQUIRE_MESSAGE(table.find(check) != nullptr, check);
    BOOST_TEST((table.find(check)->result == CheckRow::Result::passed), check);
  }
  BOOST_TEST((table.find("allocations")->result == CheckRow::Result::skipped));
  BOOST_TEST(table.find("gradients")->figure < 2e-3);
  BOOST_TEST(table.find("gradients")->finding.find("input 'x', element") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(each_mistake_fails_its_row) {
  BOOST_TEST(failed(check_toy<Mistake::wrong_gradient>(), "gradients"));
  BOOST_TEST(failed(check_toy<Mistake::no_backward>(), "gradients"));
  BOOST_TEST(failed(check_toy<Mistake::remembers>(), "repeat"));
  BOOST_TEST(failed(check_toy<Mistake::remembers>(), "threads"));
  BOOST_TEST(failed(check_toy<Mistake::cross_talk>(), "shards"));
  BOOST_TEST(failed(check_toy<Mistake::looks_back>(), "windows"));
  BOOST_TEST(failed(check_toy<Mistake::not_a_number>(), "finite"));
  BOOST_TEST(failed(check_toy<Mistake::unwritten>(), "memory"));
  BOOST_TEST(failed(check_toy<Mistake::throws>(), "finite"));
  BOOST_TEST(check_toy<Mistake::throws>().failures().find("out of patience") != std::string::npos);
}

// A node that cannot even be prepared: none of the examples fits, and the reason is said.
BOOST_AUTO_TEST_CASE(a_node_that_no_example_fits) {
  NodeType type = loom::detail::make_type<NodeType, Toy<Mistake::none>>("acme.toy");
  type.create = [](const Options&) -> std::unique_ptr<Node> {
    throw Error(ErrorCode::not_supported, "this machine is too small");
  };
  const auto shared = std::make_shared<const NodeType>(std::move(type));
  const auto says_why = [](const Error& error) {
    return error.code() == ErrorCode::node_check_failed &&
           std::string_view(error.what()).find("too small") != std::string_view::npos;
  };
  BOOST_CHECK_EXCEPTION(find_example(shared, {}, false), Error, says_why);
  BOOST_TEST(failed(check_type(shared), "example"));
}

BOOST_AUTO_TEST_CASE(inputs_keep_to_their_declared_range) {
  const CheckTable table = check_toy<Mistake::needs_positive>();
  BOOST_TEST(table.ok(), table.text());
}

BOOST_AUTO_TEST_CASE(allocations_are_a_note_and_a_failure_where_it_is_strict) {
  Counter none(0), some(3);
  BOOST_TEST(
      (check_toy<Mistake::none>({.allocations = &none}).find("allocations")->result == CheckRow::Result::passed));
  const CheckTable table = check_toy<Mistake::none>({.allocations = &some});
  BOOST_TEST(table.ok());
  BOOST_TEST((table.find("allocations")->result == CheckRow::Result::noted));
  BOOST_TEST(table.find("allocations")->figure == 6);
  BOOST_TEST(failed(check_toy<Mistake::none>({.strict = true, .allocations = &some}), "allocations"));
}

BOOST_AUTO_TEST_CASE(shapes_and_options_may_be_given) {
  TypeCheck settings;
  settings.options.set("units", 7);
  settings.shapes["x"] = {3, 2, 9};
  const CheckTable table = check_type(standard_registry().node("linear"), settings);
  BOOST_TEST(table.ok(), table.text());
  BOOST_TEST(table.outputs.front() == "y [N, 2, 7]");
  // Letters of a given shape hold for the inputs that were not given.
  TypeCheck pair;
  pair.shapes["mean"] = {2, 11};
  const CheckTable loss = check_type(standard_registry().node("gaussian_nll"), pair);
  BOOST_TEST(loss.examples.front().find("target [2, 11]") != std::string::npos, loss.text());
  // What does not fit is a failed row, which says why.
  pair.shapes["target"] = {2, 12};
  BOOST_TEST(failed(check_type(standard_registry().node("gaussian_nll"), pair), "example"));
}

BOOST_AUTO_TEST_CASE(data_sets) {
  const auto good = std::make_shared<const DatasetType>(loom::detail::make_type<DatasetType, ToyData<false>>("toy"));
  BOOST_TEST(check_type(good).ok(), check_type(good).text());
  const auto bad = std::make_shared<const DatasetType>(loom::detail::make_type<DatasetType, ToyData<true>>("toy"));
  BOOST_TEST(failed(check_type(bad), "finite"));
  BOOST_TEST(failed(check_type(bad), "repeat"));
}

BOOST_AUTO_TEST_SUITE_END()

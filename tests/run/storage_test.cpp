// Casts between what a value is stored as and what nodes compute in: where they stand, and that one to the same type
// changes no bit (program_test.cpp has the same of a whole program).
#include "run/storage.h"

#include <set>

#include "run/plan.h"
#include "support/toy_nodes.h"

using namespace loom;
using namespace loom::check;

namespace {

const StorageRule kEverything = [](const Tape&, int) { return std::optional(DType::f32); };

// x -> a -> flat -> b -> loss, and the gradients of both scales.
std::shared_ptr<const Graph> chain() {
  return toy_graph({entry("x", "input", {}, {{"shape", list({6})}}), entry("a", "scale", {"x"}),
                    entry("flat", "reshape", {"a"}, {{"shape", list({2, 3})}}), entry("b", "scale", {"flat"}),
                    entry("loss", "loss", {"b"})});
}

Tape tape_of(const Graph& graph, const std::vector<std::string>& fetch = {}) {
  TapeRequest request;
  request.training = true;
  request.feeds = {graph.port("x", ErrorCode::bad_feed)};
  request.terms = {graph.port("loss", ErrorCode::bad_fetch)};
  request.objectives = {{{graph.port("loss", ErrorCode::bad_fetch)}, {"a.weight", "b.weight"}}};
  for (const std::string& name : fetch) request.fetch.push_back(graph.port(name, ErrorCode::bad_fetch));
  return record_tape(graph, request);
}

int value_named(const Tape& tape, const std::string& name) {
  const auto it = std::ranges::find(tape.values, name, &TapeValue::name);
  BOOST_REQUIRE(it != tape.values.end());
  return static_cast<int>(it - tape.values.begin());
}

std::vector<int> casts_of(const Tape& tape) {
  std::vector<int> found;
  for (std::size_t i = 0; i < tape.steps.size(); ++i) {
    if (tape.steps[i].kind == TapeStep::Kind::cast) found.push_back(static_cast<int>(i));
  }
  return found;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(storage)

BOOST_AUTO_TEST_CASE(feeds_and_what_is_asked_for_stay_as_they_are) {
  const auto graph = chain();
  const Tape tape = tape_of(*graph, {"b"});
  BOOST_TEST(may_be_cast(tape, value_named(tape, "a")));
  BOOST_TEST(may_be_cast(tape, value_named(tape, "d b")));
  BOOST_TEST(!may_be_cast(tape, value_named(tape, "flat")));  // the memory of a
  BOOST_TEST(!may_be_cast(tape, value_named(tape, "b")));     // fetched
  BOOST_TEST(!may_be_cast(tape, value_named(tape, "x")));
  BOOST_TEST(!may_be_cast(tape, value_named(tape, "loss")));
}

BOOST_AUTO_TEST_CASE(without_a_rule_nothing_changes) {
  const auto graph = chain();
  const Tape tape = tape_of(*graph);
  const Tape none = plan_storage(tape, {}), refused = plan_storage(tape, [](const Tape&, int) { return std::nullopt; });
  BOOST_TEST(none.steps.size() == tape.steps.size());
  BOOST_TEST(refused.steps.size() == tape.steps.size());
  BOOST_TEST(refused.values.size() == tape.values.size());
}

// One that stores what is written, and one for each step that reads it, right before that step.
BOOST_AUTO_TEST_CASE(each_reader_reads_a_cast_of_its_own) {
  const auto graph = chain();
  const Tape before = tape_of(*graph);
  const int a = value_named(before, "a");
  const Tape tape = plan_storage(
      before, [&](const Tape&, int value) { return value == a ? std::optional(DType::f32) : std::nullopt; });
  const std::vector<int> casts = casts_of(tape);
  BOOST_REQUIRE(casts.size() == 4U);  // stored; read by forward of b, and by backward of b and of a
  const auto step = [&](int i) { return tape.steps[static_cast<std::size_t>(i)]; };
  BOOST_TEST(step(casts[0]).inputs.front() == a);
  const int stored = step(casts[0]).outputs.front();
  std::set<int> read;
  for (const int at : {casts[1], casts[2], casts[3]}) {
    BOOST_TEST(step(at).inputs.front() == stored);
    const int own = step(at).outputs.front();
    BOOST_TEST(read.insert(own).second);
    const TapeStep reader = step(at + 1);
    const bool of_b = graph->node(reader.node).path == "b";
    BOOST_TEST((of_b ? reader.inputs : reader.outputs).front() == own);
    const Shape seen = of_b ? Shape{kBatch, 2, 3} : Shape{kBatch, 6};
    BOOST_TEST((tape.values[static_cast<std::size_t>(own)].shape == seen));
  }
  for (const TapeStep& other : tape.steps) {
    if (other.kind != TapeStep::Kind::cast) BOOST_TEST(std::ranges::count(other.inputs, a) == 0);
  }
}

BOOST_AUTO_TEST_CASE(the_plan_says_what_each_value_is_stored_as) {
  const auto graph = chain();
  const Tape tape = plan_storage(tape_of(*graph), kEverything);
  BOOST_TEST(casts_of(tape).size() > 3U);
  const Plan plan = make_plan(*graph, tape, true, 4, {});
  for (std::size_t v = 0; v < plan.values.size(); ++v) BOOST_TEST((plan.values[v].type == tape.values[v].dtype));
  // A cast waits for what it reads, and its readers for it.
  for (std::size_t i = 0; i < tape.steps.size(); ++i) {
    if (tape.steps[i].kind != TapeStep::Kind::cast) continue;
    const int from = tape.steps[i].inputs.front();
    const bool fed = tape.values[static_cast<std::size_t>(tape.root(from))].feed >= 0;
    BOOST_TEST((fed || !plan.predecessors[i].empty()));
  }
}

BOOST_AUTO_TEST_CASE(a_cast_to_the_same_type_is_a_copy) {
  Tensor from(DType::i32, {3, 2}), to(DType::i32, {3, 2});
  for (int i = 0; i < 6; ++i) from.view().data<std::int32_t>()[i] = 1 - i;
  cast_values(from.view(), to.view());
  for (int i = 0; i < 6; ++i) BOOST_TEST(to.view().data<std::int32_t>()[i] == 1 - i);
  BOOST_CHECK_THROW(cast_values(from.view(), Tensor(DType::f32, {3, 2}).view()), Error);
}

BOOST_AUTO_TEST_SUITE_END()

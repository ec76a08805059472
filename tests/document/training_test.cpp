// Losses, schedules, objectives and the data specification.
#include "check/standard_registry.h"
#include "document/support.h"
#include "graph/scheduled_value.h"

using namespace loom;
using namespace loom::check;

namespace {

ScheduledValue made(const ScheduleEntry& entry) {
  Diagnostics diagnostics;
  ScheduledValue value = make_schedule(standard_registry(), entry, "a value", -1e9, 10, diagnostics);
  diagnostics.throw_if_any();
  return value;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(document_training)

BOOST_AUTO_TEST_CASE(specifications_of_data) {
  const DataEntry entry = parse_data_specification("idx:some/folder,split=train,limit=10");
  BOOST_TEST(entry.type == "idx");
  BOOST_TEST(std::get<std::string>(entry.options.at("path").value) == "some/folder");
  BOOST_TEST(std::get<std::int64_t>(entry.options.at("limit").value) == 10);
  BOOST_TEST(parse_data_specification("sprites").options.empty());
  BOOST_TEST(parse_data_specification("sprites:size=32").options.count("path") == 0);
  const DataEntry quoted = parse_data_specification("npy:\"a, b=1.npy\",array=\"u,v\",limit=2");
  BOOST_TEST(std::get<std::string>(quoted.options.at("path").value) == "a, b=1.npy");
  BOOST_TEST(std::get<std::string>(quoted.options.at("array").value) == "u,v");
  BOOST_TEST(std::get<std::int64_t>(quoted.options.at("limit").value) == 2);
  for (const char* bad : {"", ":path", "npy:\"\"", "idx:a,b", "idx:a,k=", "idx:a,=v", "idx:a,k=1,k=2"})
    BOOST_CHECK_THROW(parse_data_specification(bad), Error);
}

BOOST_AUTO_TEST_CASE(schedules_in_documents) {
  const auto weight = [](const std::string& text) {
    return made(
        parse("nodes:\n  x: {type: t}\nlosses:\n  l: {type: t, in: x, weight: " + text + "}\n").losses.at(0).weight);
  };
  BOOST_TEST(weight("-2.5").value(7) == -2.5);
  BOOST_TEST(weight("{from: 0, to: 1, over: 10}").value(5) == 0.5);
  BOOST_TEST(weight("{from: 0, to: 1, over: 10, after: 5}").value(5) == 0.0);
  BOOST_TEST(weight("{type: cosine, from: 1, to: 0, over: 10}").value(10) == 0.0);
  BOOST_TEST(weight("{type: step, from: 1, every: 10, factor: 0.5}").value(25) == 0.25);
  BOOST_TEST(weight("{type: multi_step, from: 1, at: [3, 6], factor: 0.5}").value(4) == 0.5);
  BOOST_TEST(weight("{type: constant, from: 3, warmup: 3}").value(0) == 1.0);
  BOOST_TEST(weight("{type: constant, from: 3, warmup: 4}").value(0) == 0.75);
  BOOST_TEST(weight("{type: constant, from: 3, warmup: 4}").value(9) == 3);
  BOOST_TEST(weight("{from: 0, to: 2, over: 10, after: 5}").value(100) == 2);
  BOOST_TEST(weight("{type: cosine, from: 0, to: 2, over: 10, after: 5}").value(10) == 1,
             boost::test_tools::tolerance(1e-12));
  BOOST_TEST(weight("{type: multi_step, from: 1, at: [10, 20], factor: 0.1}").value(20) == 0.01,
             boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(objectives_in_documents) {
  const Document document = parse(
      "nodes:\n  x: {type: t}\nlosses:\n  a: {type: t, in: x, when: train}\n  b: {type: t, in: x, port: p}\n"
      "train: {optimizer: {type: sgd, lr: 0.1, momentum: 0.9, nesterov: true}}\n"
      "objectives:\n  one: {losses: {a: 1, b: -0.5}, parameters: [\"e/*\", q]}\n"
      "  two: {losses: [b], parameters: d, every: 5, optimizer: {type: adamw, lr: {from: 1, to: 0, over: 4}}}\n");
  BOOST_REQUIRE(document.objectives.size() == 2U);
  const ObjectiveEntry& one = document.objectives[0];
  BOOST_TEST(one.losses.at(1).second.number == -0.5);
  BOOST_TEST((one.parameters == std::vector<std::string>{"e/*", "q"}));
  BOOST_TEST(one.optimizer.type == "sgd");
  BOOST_TEST(one.optimizer.options.at("nesterov").value.text() == "true");
  BOOST_TEST(one.optimizer.options.at("momentum").value.text() == "0.9");
  const ObjectiveEntry& two = document.objectives[1];
  BOOST_TEST(two.every == 5);
  BOOST_TEST(two.optimizer.type == "adamw");
  BOOST_TEST(made(two.optimizer.learning_rate).value(2) == 0.5);
  BOOST_TEST((document.losses[0].when == When::training));
  BOOST_TEST(document.losses[1].port == "p");
}

BOOST_AUTO_TEST_CASE(draws_of_generate) {
  const Document document = parse(
      "vars: {s: 2}\nnodes:\n  x: {type: t}\n  q: {type: t, in: x}\n  y: {type: t, in: q.mu}\n"
      "generate:\n  sample: {draw: {q.mu: {type: n, scale: '${s}'}, q.logvar: {type: m}}, show: y}\n  r: {show: "
      "q.mu}\n");
  BOOST_TEST(document.nodes.size() == 3U);  // draws are no nodes of the graph
  BOOST_REQUIRE(document.generate.size() == 2U);
  const GenerateEntry& sample = document.generate[0];
  BOOST_REQUIRE(sample.draws.size() == 2U);
  BOOST_TEST(sample.draws[0].first.port == "mu");
  BOOST_TEST(sample.draws[0].second.options.at("scale").value.text() == "2");
  BOOST_TEST(sample.show.node == "y");
  BOOST_TEST(document.generate[1].show.port == "mu");
}

BOOST_AUTO_TEST_SUITE_END()

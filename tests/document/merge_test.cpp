// extends: a document over its parent, and --set over both.
#include "document/support.h"

using namespace loom;
using namespace loom::check;

BOOST_AUTO_TEST_SUITE(document_merge)

BOOST_AUTO_TEST_CASE(a_variant_is_a_diff) {
  const Folder folder;
  folder.write("parent.yaml",
               "version: 1\ngraph: p\nvars: {n: 3}\nnodes:\n  x: {type: input, shape: [2]}\n  a: {type: linear, in: x, "
               "units: '${n}'}\n"
               "losses:\n  l: {type: squared_error, in: {mean: a, target: x}}\n  m: {type: squared_error, in: {mean: "
               "a, target: x}}\n");
  const Document child = load_document(
      folder.write("child.yaml", "extends: parent.yaml\ngraph: c\nvars: {n: 5}\nlosses: {l: {weight: 4}, m: null}\n"));
  BOOST_TEST(child.name == "c");
  BOOST_TEST(std::get<std::int64_t>(node(child, "a").options.at("units").value) == 5);
  BOOST_REQUIRE(child.losses.size() == 1);
  BOOST_TEST(child.losses[0].weight.number == 4);
  BOOST_TEST(contains(node(child, "losses/l").where.file, "child.yaml"));
}

BOOST_AUTO_TEST_CASE(maps_merge_lists_are_replaced_and_null_removes) {
  const Folder folder;
  folder.write("a.yaml",
               "graph: a\ndoc: first\nvars: {n: 3, m: 1}\ntrain: {batch: 8, optimizer: {type: sgd, lr: 0.5}}\n"
               "nodes:\n  x: {type: input, shape: [2, 3]}\n  y: {type: t, in: x, k: 1, gone: 2}\n"
               "generate: {sample: {show: y}}\n");
  folder.write("b.yaml", "extends: a.yaml\ngraph: b\ntrain: {steps: 5}\nnodes: {y: {gone: null, new: 4}}\n");
  const Document document = load_document(folder.write(
      "c.yaml", "extends: b.yaml\ntrain: {optimizer: {lr: 0.25}}\nnodes: {x: {shape: [4]}}\ngenerate: null\n"));
  BOOST_TEST(document.name == "b");
  BOOST_TEST(document.doc == "first");
  BOOST_TEST(document.train.batch == 8);
  BOOST_TEST(document.train.steps == 5);
  BOOST_TEST(document.objectives.at(0).optimizer.type == "sgd");
  BOOST_TEST(document.objectives.at(0).optimizer.learning_rate.number == 0.25);
  BOOST_TEST(option(document, "x", "shape") == "[4]");
  BOOST_TEST(option(document, "y", "new") == "4");
  BOOST_TEST(node(document, "y").options.count("gone") == 0U);
  BOOST_TEST(document.generate.empty());
}

BOOST_AUTO_TEST_CASE(paths_start_at_the_file_that_names_them) {
  const Folder folder;
  folder.write("lib/blocks/b.yaml", "inputs: [x]\nnodes:\n  a: {type: t, in: x}\noutput: a\n");
  folder.write("lib/parent.yaml", "nodes:\n  x: {type: t}\n  b: {use: blocks/b.yaml, in: x}\n");
  const Document document = load_document(folder.write("mine/child.yaml", "extends: ../lib/parent.yaml\ngraph: c\n"));
  BOOST_TEST(source(document, "b/a") == "x");
}

// {expr: F} is {type: expr, y: F} in each document, before they are merged.
BOOST_AUTO_TEST_CASE(a_formula_replaces_a_loss_of_any_type) {
  const Folder folder;
  const std::string nodes = "nodes:\n  x: {type: input, shape: [2]}\nlosses:\n  l: ";
  folder.write("typed.yaml", nodes + "{type: squared_error, in: {x: x}, weight: 2}\n");
  folder.write("formula.yaml", nodes + "{expr: 'sum(x)', in: {x: x}, role: likelihood}\n");
  const auto child = [&](const std::string& parent, const std::string& loss, std::vector<Override> sets = {}) {
    return load_document(folder.write("child.yaml", "extends: " + parent + "\nlosses: {l: " + loss + "}\n"), sets);
  };
  const Document over_type = child("typed.yaml", "{expr: 'sum(x^2)'}");
  BOOST_TEST(node(over_type, "losses/l").type == "expr");
  BOOST_TEST(option(over_type, "losses/l", "y") == "sum(x^2)");
  BOOST_TEST(over_type.losses.at(0).weight.number == 2);
  BOOST_TEST(contains(node(over_type, "losses/l").options.at("y").where.file, "child.yaml"));
  BOOST_TEST(option(child("formula.yaml", "{expr: 'mean(x)'}"), "losses/l", "y") == "mean(x)");
  BOOST_TEST(option(child("formula.yaml", "{weight: 3}"), "losses/l", "y") == "sum(x)");
  BOOST_TEST(option(child("formula.yaml", "{}", {parse_override("losses.l.expr=max(x)")}), "losses/l", "y") ==
             "max(x)");
  const Document back = child("formula.yaml", "{type: squared_error, y: null}");
  BOOST_TEST(node(back, "losses/l").type == "squared_error");
  BOOST_TEST(node(back, "losses/l").options.count("y") == 0U);
}

BOOST_AUTO_TEST_CASE(maps_are_options_of_nodes) {
  const Document document =
      parse("nodes:\n  a: {type: t, let: {m: 'x + 1', k: 2, none: null}}\n", {"nodes.a.let.m=x", "nodes.a.let.n=y"});
  BOOST_TEST(option(document, "a", "let") == "{m: x, k: 2, n: y}");
  const auto& members = node(document, "a").options.at("let").members;
  BOOST_TEST(members.at("k").line == 2);
  BOOST_TEST(members.at("n").file == "--set nodes.a.let.n");
  BOOST_TEST(contains(document.resolved, "let: {m: x, k: 2, n: y}"));
}

BOOST_AUTO_TEST_CASE(overrides_of_every_kind) {
  const std::string text =
      "graph: g\nvars: {n: 3}\nnodes:\n  x: {type: t, a: '${n}', s: 1}\n  y: {type: t, in: x}\n"
      "losses:\n  l: {type: t, in: x}\n  m: {type: t, in: x}\n";
  BOOST_TEST(parse(text, {"graph=h"}).name == "h");
  BOOST_TEST(option(parse(text, {"nodes.x.flag=true"}), "x", "flag") == "true");
  BOOST_TEST(option(parse(text, {"nodes.x.a=2.5"}), "x", "a") == "2.5");
  BOOST_TEST(option(parse(text, {"nodes.x.a=some text"}), "x", "a") == "some text");
  BOOST_TEST(option(parse(text, {"nodes.x.a='7'"}), "x", "a") == "7");
  BOOST_TEST(option(parse(text, {"nodes.x.a=a=b"}), "x", "a") == "a=b");
  BOOST_TEST(option(parse(text, {"nodes.x.a="}), "x", "a").empty());
  BOOST_TEST(option(parse(text, {"nodes.x.s=[1, '${n}']"}), "x", "s") == "[1, 3]");
  BOOST_TEST(option(parse(text, {"nodes.x.a=${n + 1}", "vars.n=5"}), "x", "a") == "6");
  BOOST_TEST(option(parse(text, {"nodes.y={type: u, k: 2}"}), "y", "k") == "2");
  BOOST_TEST(source(parse(text, {"nodes.y={type: u, k: 2}"}), "y") == "x");  // merged over what stands there
  BOOST_TEST(parse(text, {"nodes.y=null"}).nodes.size() == 3U);
  BOOST_TEST(parse(text, {"losses.m=null"}).losses.size() == 1U);
  BOOST_TEST(parse(text, {"losses.l.weight={from: 0, to: 1, over: 10}"})
                 .losses[0]
                 .weight.schedule.options.at("over")
                 .value.text() == "10");
  BOOST_TEST(parse(text, {"data.type=sprites", "data.size=32"}).data.options.count("size") == 1U);
  BOOST_TEST(parse(text, {"train.batch=2", "train.batch=4"}).train.batch == 4);
}

BOOST_AUTO_TEST_CASE(overrides) {
  const std::string text = "vars: {n: 3}\nnodes:\n  x: {type: t, a: '${n}', s: 1}\n";
  const auto with = [&](std::vector<std::string> sets) {
    std::vector<Override> overrides;
    for (const std::string& set : sets) overrides.push_back(parse_override(set));
    return parse_document(text, "test.yaml", ".", overrides);
  };
  BOOST_TEST(std::get<std::int64_t>(node(with({"vars.n=7"}), "x").options.at("a").value) == 7);
  BOOST_TEST(with({"train.batch=5", "train.optimizer.lr=0.5"}).train.batch == 5);
  BOOST_TEST((node(with({"nodes.x.s=[1, 2]"}), "x").options.at("s").value.text() == "[1, 2]"));
  BOOST_CHECK_EXCEPTION(with({"vars.m=7"}), Error, [](const Error& e) { return e.code() == ErrorCode::bad_override; });
  BOOST_CHECK_EXCEPTION(with({"node.x.s=7"}), Error,
                        [](const Error& e) { return contains(e.what(), "did you mean 'nodes'?"); });
  BOOST_CHECK_THROW(parse_override("novalue"), Error);
}

BOOST_AUTO_TEST_SUITE_END()

// The resolved text: loading it gives the same document, and the same text again.
#include "check/standard_registry.h"
#include "document/support.h"
#include "document/tree.h"
#include "graph/graph.h"

using namespace loom;
using namespace loom::check;

BOOST_AUTO_TEST_SUITE(document_render)

BOOST_AUTO_TEST_CASE(the_resolved_text_gives_the_same_document) {
  for (const char* name : {"vae", "beta-vae", "vae-mnist", "ppca"}) {
    const Document document = load_document(std::string(LOOM_SOURCE_DIR) + "/graphs/" + name + ".yaml");
    const Document again = parse_document(document.resolved, "resolved.yaml", ".");
    BOOST_TEST(again.resolved == document.resolved);
    BOOST_TEST(again.nodes.size() == document.nodes.size());
    Diagnostics diagnostics;
    BOOST_TEST((build_graph(document.nodes, check::standard_registry(), diagnostics) != nullptr));
    for (const Diagnostic& finding : diagnostics.items()) BOOST_TEST_MESSAGE(finding.text());
  }
}

BOOST_AUTO_TEST_CASE(every_key_survives) {
  const Folder folder;
  folder.write("b.yaml",
               "inputs: [x]\nnodes:\n  a: {type: t, in: x, l: [1, 2.5, [a, true]]}\noutputs: {y: a, z: a.q}\n");
  const Document document = load_document(folder.write(
      "top.yaml",
      "version: 1\ngraph: \"odd: name\"\ndoc: \"quotes \\\" and \\e[31m and \\n lines\"\nvars: {n: 2}\n"
      "data: {type: idx, path: \"some folder\", split: train}\n"
      "nodes:\n  x: {type: t, s: \"\", yes: \"true\", num: \"1e3\", neg: -1, tilde: \"~\", tiny: 1.0e-12}\n"
      "  r: {use: b.yaml, in: x, repeat: '${n}', when: train}\n  b: {use: b.yaml, in: r.z, weights: r/0, frozen: "
      "true}\n"
      "losses:\n  k: {type: t, in: {u: [x, b], v: b.z}, port: p, when: eval, weight: {from: 0, to: 1, over: 9, after: "
      "2}}\n"
      "  m: {type: t, in: b, weight: {type: multi_step, from: 1, at: [1, 2], factor: 0.1, warmup: 3}}\n"
      "objectives:\n  o: {losses: {k: -1, m: {type: step, from: 1, every: 2, factor: 0.5}}, parameters: [\"b/*\"], "
      "every: 2,\n"
      "      optimizer: {type: sgd, lr: {type: cosine, from: 1, to: 0, over: 5}, momentum: 0.9, nesterov: true}}\n"
      "train: {batch: 3, seed: 9, clip_norm: 1, average: 0.99, early_stopping: 2}\n"
      "generate:\n  s: {draw: {b.z: {type: n}, x: {type: m, in: x}}, show: b}\n"));
  const Document again = parse_document(document.resolved, "resolved.yaml", ".");
  BOOST_TEST(again.resolved == document.resolved);
  BOOST_TEST(again.name == document.name);
  BOOST_TEST(again.doc == document.doc);
  BOOST_TEST(again.nodes.size() == document.nodes.size());
  for (const NodeEntry& entry : document.nodes) {
    const NodeEntry& other = node(again, entry.path);
    BOOST_TEST(other.type == entry.type);
    BOOST_TEST((other.when == entry.when));
    BOOST_TEST(other.frozen == entry.frozen);
    BOOST_TEST(other.weights == entry.weights);
    BOOST_TEST(other.inputs.size() == entry.inputs.size());
    BOOST_REQUIRE(other.options.size() == entry.options.size());
    for (const auto& [name, one] : entry.options) BOOST_TEST((other.options.at(name).value == one.value), entry.path);
  }
  const auto same = [](const ScheduleEntry& a, const ScheduleEntry& b) { BOOST_TEST((tree_of(a) == tree_of(b))); };
  for (std::size_t i = 0; i < 2; ++i) same(again.losses[i].weight, document.losses[i].weight);
  same(again.objectives[0].optimizer.learning_rate, document.objectives[0].optimizer.learning_rate);
  BOOST_TEST(again.train.average == 0.99);
  BOOST_TEST(again.generate[0].draws[0].first.port == "q");
}

BOOST_AUTO_TEST_SUITE_END()

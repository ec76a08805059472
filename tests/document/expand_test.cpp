// Blocks and repeats: what a short document expands to.
#include "document/support.h"

using namespace loom;
using namespace loom::check;

BOOST_AUTO_TEST_SUITE(document_expand)

BOOST_AUTO_TEST_CASE(blocks_have_prefixes_inputs_and_outputs) {
  const Folder folder;
  folder.write("block.yaml",
               "vars: {n: 4, m: '${n * 2}'}\ninputs: [x, c]\nnodes:\n  a: {type: linear, in: x, units: '${n}'}\n  b: "
               "{type: add, in: [a, c]}\n"
               "outputs: {y: b, first: a}\n");
  const Document document =
      load_document(folder.write("use.yaml",
                                 "nodes:\n  x: {type: input, shape: [2]}\n  e: {use: block.yaml, in: {x: x, c: "
                                 "f.first}, vars: {n: 6}}\n  f: {use: block.yaml, in: [x, x], weights: e}\n"
                                 "  g: {type: linear, in: e.first, units: 1}\n  h: {type: linear, in: f/a.y, units: "
                                 "1}\n  i: {type: linear, in: e, units: 1}\n"));
  BOOST_TEST(node(document, "e/b").inputs[0].sources[1].node == "f/a");
  BOOST_TEST(node(document, "g").inputs[0].sources[0].node == "e/a");
  BOOST_TEST(node(document, "h").inputs[0].sources[0].node == "f/a");
  BOOST_TEST(node(document, "i").inputs[0].sources[0].node == "e/b");
  BOOST_TEST(node(document, "f/a").weights == "e/a");
  BOOST_TEST(std::get<std::int64_t>(node(document, "e/a").options.at("units").value) == 6);
}

BOOST_AUTO_TEST_CASE(a_repeat_is_a_chain) {
  const Document document = parse(
      "vars: {n: 3}\nnodes:\n  x: {type: input, shape: [8]}\n  r: {type: linear, in: x, units: '${8 - index}', repeat: "
      "'${n}'}\n"
      "  none: {type: linear, in: r, units: 1, repeat: 0}\n  y: {type: linear, in: none, units: 2}\n");
  BOOST_TEST(node(document, "r/0").inputs[0].sources[0].node == "x");
  BOOST_TEST(node(document, "r/2").inputs[0].sources[0].node == "r/1");
  BOOST_TEST(std::get<std::int64_t>(node(document, "r/2").options.at("units").value) == 6);
  BOOST_TEST(node(document, "y").inputs[0].sources[0].node == "r/2");
}

BOOST_AUTO_TEST_CASE(blocks_in_blocks) {
  const Folder folder;
  folder.write("inner.yaml",
               "vars: {n: 1}\ninputs: [q]\nnodes:\n  z: {type: t, in: {mu: q.mu, logvar: q.logvar}, n: '${n}'}\n"
               "outputs: {z: z, mu: q.mu}\n");
  folder.write(
      "outer.yaml",
      "vars: {k: 2}\ninputs: [x]\nnodes:\n  q: {type: t, in: x}\n"
      "  i: {use: inner.yaml, in: q, vars: {n: '${k * 10}'}}\n  e: {type: t, in: i.mu}\noutputs: {y: e, z: i}\n");
  const Document document = load_document(folder.write(
      "top.yaml",
      "nodes:\n  x: {type: t}\n  o: {use: outer.yaml, in: x, vars: {k: 3}, when: eval, frozen: true, precision: f32}\n"
      "  p: {use: outer.yaml, in: {x: o.z}, weights: o}\n  y: {type: t, in: [o, p.z]}\n"));
  BOOST_TEST(source(document, "o/i/z", 0) == "o/q.mu");
  BOOST_TEST(source(document, "o/i/z", 1) == "o/q.logvar");
  BOOST_TEST(source(document, "o/e") == "o/q.mu");
  BOOST_TEST(source(document, "p/q") == "o/i/z");
  BOOST_TEST(source(document, "y", 0, 1) == "p/i/z");
  BOOST_TEST(option(document, "o/i/z", "n") == "30");
  BOOST_TEST(option(document, "p/i/z", "n") == "20");
  BOOST_TEST(node(document, "p/i/z").weights == "o/i/z");
  BOOST_TEST((node(document, "o/i/z").when == When::evaluation));
  BOOST_TEST(node(document, "o/i/z").frozen);
  BOOST_TEST(node(document, "o/i/z").full_precision);
}

BOOST_AUTO_TEST_CASE(repeated_blocks_and_ports_of_repeats) {
  const Folder folder;
  folder.write("b.yaml", "inputs: [x, c]\nnodes:\n  a: {type: t, in: [x, c]}\noutputs: {y: a.p, q: a.q}\n");
  const Document document = load_document(folder.write("top.yaml",
                                                       "nodes:\n  x: {type: t}\n  c: {type: t}\n  r: {use: b.yaml, in: "
                                                       "{x: x, c: c}, repeat: 3}\n  y: {type: t, in: r.q}\n"));
  BOOST_TEST(source(document, "r/0/a") == "x");
  BOOST_TEST(source(document, "r/1/a") == "r/0/a.p");
  BOOST_TEST(source(document, "r/2/a", 0, 1) == "c");
  BOOST_TEST(source(document, "y") == "r/2/a.q");
}

BOOST_AUTO_TEST_CASE(modes_freezing_and_sharing) {
  const Document document = parse(
      "nodes:\n  x: {type: t}\n  a: {type: t, in: x, when: train}\n  b: {type: t, in: a, when: eval, frozen: true}\n"
      "  c: {type: t, in: b, weights: b, doc: words, precision: f32}\n");
  BOOST_TEST((node(document, "a").when == When::training));
  BOOST_TEST((node(document, "b").when == When::evaluation));
  BOOST_TEST(node(document, "b").frozen);
  BOOST_TEST(node(document, "c").weights == "b");
  BOOST_TEST(node(document, "c").options.empty());
  BOOST_TEST(node(document, "c").full_precision);
  BOOST_TEST(!node(document, "b").full_precision);
}

// chain: [] links no instance to another.
BOOST_AUTO_TEST_CASE(instances_side_by_side) {
  const Document document = parse(
      "nodes:\n  x: {type: input, shape: [8]}\n  a: {type: t, in: x, k: '${index}', repeat: 3, chain: []}\n"
      "  b: {type: t, in: 'a/${2 - index}', repeat: 3, chain: []}\n  c: {type: t, in: [a, b]}\n  "
      "alone: {type: t, repeat: 2, chain: []}\n");
  BOOST_TEST(source(document, "a/2") == "x");
  BOOST_TEST(option(document, "a/2", "k") == "2");
  BOOST_TEST(source(document, "b/0") == "a/2");
  BOOST_TEST(source(document, "c") == "a/2");
  BOOST_TEST(source(document, "c", 0, 1) == "b/2");
  BOOST_TEST(node(document, "alone/1").inputs.size() == 0U);
  const std::string wrong = failure("nodes:\n  a: {type: t, repeat: 2}\n");
  BOOST_TEST(contains(wrong, "chain: [] for instances that stand side by side"), wrong);
  BOOST_TEST(contains(failure("nodes:\n  a: {type: t, in: x, repeat: 2, chain: {}}\n"), "E105"));
}

BOOST_AUTO_TEST_SUITE_END()

// `call` applies nodes, blocks and parts of a graph again; `average` copies them.
#include "document/support.h"

using namespace loom;
using namespace loom::check;

namespace {

const std::string kNodes =
    "version: 1\nnodes:\n  x: {type: input}\n  e: {type: t, in: x, k: 3}\n  z: {type: noise, in: {mu: e, c: x}}\n"
    "  d: {type: t, in: z, k: 4, frozen: true}\n  y: {type: t, in: {a: d, b: x}}\n  prior: {type: p}\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(document_call)

BOOST_AUTO_TEST_CASE(a_node_with_other_inputs_and_the_same_weights) {
  const Document document =
      parse(kNodes + "  f: {call: d, in: prior}\n  g: {call: z, in: {mu: f}}\n  h: {call: f, in: x}\n");
  BOOST_TEST(source(document, "f") == "prior");
  BOOST_TEST(option(document, "f", "k") == "4");
  BOOST_TEST(node(document, "f").weights == "d");
  BOOST_TEST(node(document, "f").frozen);
  BOOST_TEST(source(document, "g", 0) == "x");  // left out: as it is there
  BOOST_TEST(source(document, "g", 1) == "f");
  BOOST_TEST(node(document, "h").weights == "f");
  BOOST_TEST(option(document, "h", "k") == "4");
}

BOOST_AUTO_TEST_CASE(a_block_and_a_repeat) {
  const Folder folder;
  folder.write("b.yaml", "inputs: [x]\nnodes:\n  a: {type: t, in: x}\n  c: {type: t, in: a}\noutput: c\n");
  const Document document = load_document(folder.write(
      "g.yaml",
      "nodes:\n  x: {type: i}\n  p: {type: i}\n  b: {use: b.yaml, in: x, repeat: 2}\n  f: {call: b, in: p}\n"
      "  y: {type: t, in: f}\n"));
  BOOST_TEST(source(document, "f/0/a") == "p");
  BOOST_TEST(source(document, "f/1/a") == "f/0/c");
  BOOST_TEST(node(document, "f/1/c").weights == "b/1/c");
  BOOST_TEST(source(document, "y") == "f/1/c");
}

// Their values are those of what they copy.
BOOST_AUTO_TEST_CASE(copies_have_no_initial_values_of_their_own) {
  const Folder folder;
  folder.write("b.yaml", "inputs: [x]\nnodes:\n  a: {type: t, in: x, init: {w: zeros}}\noutput: a\n");
  const Document document = load_document(
      folder.write("g.yaml",
                   "nodes:\n  x: {type: i}\n  n: {type: t, in: x, init: {w: 2}}\n  b: {use: b.yaml, in: n}\n"
                   "  f: {call: n, in: x}\n  g: {average: {of: n}}\n  h: {use: b.yaml, in: x, weights: b}\n"
                   "  k: {average: {of: b}, in: x}\n  p: {call: {from: x, to: n}, in: b}\n"));
  for (const char* owner : {"n", "b/a"}) BOOST_TEST(node(document, owner).init.size() == 1U);
  for (const char* copy : {"f", "g", "h/a", "k/a", "p/n"}) BOOST_TEST(node(document, copy).init.empty(), copy);
}

BOOST_AUTO_TEST_CASE(a_part_between_two_ports) {
  const Document document = parse(kNodes +
                                  "  f: {call: {from: z, to: y}, in: prior}\n  g: {call: {from: [z, x], to: y}, in: "
                                  "[f, prior]}\n  r: {type: t, in: f}\n");
  BOOST_TEST(source(document, "r") == "f/y");
  BOOST_TEST(source(document, "f/y", 0) == "f/d");
  BOOST_TEST(source(document, "f/y", 1) == "x");
  BOOST_TEST(source(document, "f/d") == "prior");
  BOOST_TEST(node(document, "f/d").weights == "d");
  BOOST_TEST(node(document, "f/d").frozen);
  BOOST_TEST(source(document, "g/d") == "f/y");
  BOOST_TEST(source(document, "g/y", 1) == "prior");
  for (const NodeEntry& entry : document.nodes) BOOST_TEST(entry.path != "f/z");
  BOOST_TEST(parse(document.resolved).resolved == document.resolved);
}

BOOST_AUTO_TEST_CASE(an_average_is_a_copy_with_its_own_weights) {
  const Document document = parse(kNodes +
                                  "  t: {average: {of: e, decay: 0.5}, in: prior}\n  u: {call: t, in: x}\n  v: {type: "
                                  "t, in: x, average: {of: e}}\n");
  const NodeEntry& teacher = node(document, "t");
  BOOST_TEST(teacher.weights.empty());
  BOOST_TEST(teacher.average.of == "e");
  BOOST_TEST(teacher.average.decay == 0.5);
  BOOST_TEST(option(document, "t", "k") == "3");
  BOOST_TEST(source(document, "t") == "prior");
  BOOST_TEST(node(document, "u").weights == "t");
  BOOST_TEST(node(document, "u").frozen);
  BOOST_TEST(node(document, "v").average.decay == 0.999);
  BOOST_TEST(parse(document.resolved).resolved == document.resolved);
}

BOOST_AUTO_TEST_CASE(errors_have_their_places) {
  const auto error = [](const std::string& node) { return failure(kNodes + node + "\n"); };
  BOOST_TEST(contains(error("  f: {call: dd, in: x}"), "test.yaml:9:13: error E206"));
  BOOST_TEST(contains(error("  f: {call: f, in: x}"), "error E209"));
  BOOST_TEST(contains(error("  f: {call: g}\n  g: {call: f}"), "error E209"));
  BOOST_TEST(contains(error("  f: {call: d, k: 3}"), "test.yaml:9:16: error E103"));
  BOOST_TEST(contains(error("  f: {call: {from: z}, in: x}"), "error E104"));
  BOOST_TEST(contains(error("  f: {call: {from: [z, x], to: y}, in: x}"), "test.yaml:9:13: error E105"));
  BOOST_TEST(contains(error("  f: {call: {from: prior, to: y}, in: x}"), "test.yaml:9:31: error E206"));
  BOOST_TEST(contains(error("  f: {call: {from: z, to: yy}, in: x}"), "error E206"));
  BOOST_TEST(contains(error("  f: {average: {of: ee}, in: x}"), "test.yaml:9:21: error E206"));
  BOOST_TEST(contains(error("  f: {average: {of: e, decay: 2}, in: x}"), "test.yaml:9:31: error E106"));
  BOOST_TEST(contains(error("losses: {l: {call: d, in: x}}"), "cannot have 'call'"));
}

BOOST_AUTO_TEST_SUITE_END()

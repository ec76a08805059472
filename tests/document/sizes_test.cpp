// ${shape(PORT, AXIS)} in options: sizes that follow from ports.
#include "check/standard_registry.h"
#include "document/rewrite.h"
#include "document/support.h"
#include "train/check_document.h"

using namespace loom;
using namespace loom::check;

namespace {

// The shape of a port of the graph, "[N, 4]"; or what is wrong with the document.
std::string shape_of(const std::string& text, const std::string& port) {
  const Registry& registry = standard_registry();
  try {
    const auto graph = build_checked(parse(text).nodes, registry);
    return graph->shape(graph->port(port, ErrorCode::bad_fetch)).text();
  } catch (const Error& error) {
    return error.what();
  }
}

std::string with_nodes(const std::string& nodes) {
  return "vars: {k: 3}\nnodes:\n  x: {type: input, shape: [6, 5]}\n" + nodes;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(document_sizes)

BOOST_AUTO_TEST_CASE(axes_count_as_everywhere) {
  for (const auto& [size, shape] : {std::pair{"shape(x, 1)", "[N, 6, 6]"},
                                    {"shape(x, 2)", "[N, 6, 5]"},
                                    {"shape(x, -1)", "[N, 6, 5]"},
                                    {"shape( x.y , 1 + 1 ) * k - 1", "[N, 6, 14]"},
                                    {"shape(x, k - 1)", "[N, 6, 5]"},
                                    {"max(shape(x, 1), 2 * shape(x, 2)) / 2", "[N, 6, 5]"}})
    BOOST_TEST(shape_of(with_nodes(fmt::format("  y: {{type: linear, in: x, units: '${{{}}}'}}\n", size)), "y") ==
               shape);
}

BOOST_AUTO_TEST_CASE(they_stand_in_lists_formulas_variables_and_initial_values) {
  const std::string text =
      "vars: {n: '${shape(h, 2) / 2}'}\nnodes:\n"
      "  y: {type: reshape, in: h, shape: ['${n}', '${2 * shape(x, 1)}']}\n"
      "  z: {type: expr, in: {y: y}, let: {m: 'y / ${shape(y, 2)}'}, outputs: {a: 'sum(m, axis=2) ^ ${shape(x, 2)}'}}\n"
      "  h: {type: linear, in: x, units: '${shape(x, 1) + 2}', init: {weight: {type: normal, std: '${1 / shape(x, "
      "2)}'}}}\n"
      "  x: {type: input, shape: [6, 5]}\n"
      "losses:\n  l: {expr: 'sum(a) / ${shape(z.a, 1)}', in: {a: z.a}}\n";
  BOOST_TEST(shape_of(text, "y") == "[N, 4, 12]");
  BOOST_TEST(shape_of(text, "z.a") == "[N, 4]");
  const auto graph = build_checked(parse(text).nodes, standard_registry());
  BOOST_TEST(graph->node(graph->find("losses/l")).options.text("y") == "sum(a) / 4");
}

BOOST_AUTO_TEST_CASE(a_block_sees_its_own_ports_and_is_told_of_others) {
  const Folder folder;
  folder.write(
      "b.yaml",
      "vars: {units: 1, more: '${shape(a, -1) + units}'}\ninputs: [in]\nnodes:\n  a: {type: linear, in: in, units: "
      "'${shape(in, 2) * units}'}\n  b: {type: linear, in: a, units: '${more}'}\noutput: b\n");
  const std::string text =
      "nodes:\n  x: {type: input, shape: [6, 5]}\n  a: {type: linear, in: x, units: 7}\n"
      "  p: {use: b.yaml, in: a, vars: {units: '${shape(x, 1)}'}, repeat: 2}\n  q: {type: linear, in: p, units: "
      "'${shape(p, 2)}'}\n";
  const Document document = parse_document(text, "test.yaml", folder.path.string());
  const auto graph = build_checked(document.nodes, standard_registry());
  const auto shape = [&](const std::string& port) {
    return graph->shape(graph->port(port, ErrorCode::bad_fetch)).text();
  };
  BOOST_TEST(shape("p/0/a") == "[N, 6, 42]");
  BOOST_TEST(shape("p/0/b") == "[N, 6, 48]");
  BOOST_TEST(shape("p/1/a") == "[N, 6, 288]");
  BOOST_TEST(shape("q") == "[N, 6, 294]");
}

BOOST_AUTO_TEST_CASE(a_called_part_has_the_sizes_of_its_own_ports) {
  const std::string text =
      "nodes:\n  x: {type: input, shape: [6, 5]}\n  w: {type: input, shape: [8, 5]}\n"
      "  h: {type: linear, in: x, units: 4}\n  y: {type: reshape, in: h, shape: ['${shape(x, 1) * shape(h, 2)}']}\n"
      "  z: {call: {from: x, to: y}, in: w}\n";
  BOOST_TEST(shape_of(text, "y") == "[N, 24]");
  BOOST_TEST(shape_of(text, "z/y") == "[N, 32]");
}

BOOST_AUTO_TEST_CASE(a_draw_keeps_the_size_of_the_port_in_whose_place_it_stands) {
  const std::string text = with_nodes(
      "  z: {type: linear, in: x, units: 4}\n  y: {type: linear, in: z, units: '${shape(z, 2)}'}\n"
      "  w: {type: constant, value: 1, shape: [6, 2]}\n  prior: {type: linear, in: w, units: '${shape(z, 2)}'}\n"
      "generate:\n  s: {draw: {z: {type: activation, in: prior}}, show: y}\n"
      "  t: {draw: {z: {type: normal, shape: [3, '${shape(z, 2)}']}}, show: y}\n");
  const Document document = parse(text);
  for (const GenerateEntry& entry : document.generate) {
    const auto graph = with_draws(document, entry, standard_registry()).build();
    BOOST_TEST(graph->shape(graph->port("y", ErrorCode::bad_fetch)).back() == 4);
  }
}

BOOST_AUTO_TEST_CASE(a_scan_counts_its_steps_and_its_part_sees_its_own_ports) {
  const std::string part =
      "scan: {inputs: [v, h], nodes: {next: {type: linear, in: j, units: '${shape(h, 1)}'}, j: {type: concat, in: [v, "
      "h]}}, "
      "outputs: {h: next}}";
  const std::string text =
      with_nodes("  s: {type: constant, value: 0, shape: [4]}\n  r: {" + part + ", in: {v: x}, state: {h: s}}\n");
  BOOST_TEST(shape_of(text, "r.h") == "[N, 6, 4]");
  const std::string outside = with_nodes(
      "  s: {type: constant, value: 0, shape: [4]}\n  r: {scan: {inputs: [v, h], vars: {k: '${shape(x, 1)}'}, "
      "nodes: {next: {type: linear, in: v, units: '${shape(q, 1)}'}}, outputs: {h: next}}, in: {v: x}, "
      "state: {h: s}}\n");
  BOOST_TEST(contains(shape_of(outside, "r.h"), "there is no node 'q'"), shape_of(outside, "r.h"));
}

BOOST_AUTO_TEST_CASE(what_is_rendered_means_the_same) {
  const Folder folder;
  folder.write(
      "b.yaml",
      "vars: {u: 2}\ninputs: [in]\nnodes:\n  a: {type: linear, in: in, units: '${u * shape(in, 1)}'}\noutput: a\n");
  const std::string text =
      "vars: {n: -2}\nnodes:\n  x: {type: input, shape: [6]}\n  p: {use: b.yaml, in: x}\n"
      "  y: {type: linear, in: p, units: '${shape(p, 1) + n}'}\n";
  const Document document = parse_document(text, "test.yaml", folder.path.string());
  BOOST_TEST(contains(document.resolved, "units: \"${shape(p/a, 1) + (-2)}\""), document.resolved);
  const Document again = parse_document(document.resolved, "again.yaml", "");
  BOOST_TEST(again.resolved == document.resolved);
  BOOST_TEST(shape_of(document.resolved, "y") == "[N, 10]");
}

BOOST_AUTO_TEST_CASE(wrong_ones_are_reported_with_their_place) {
  const auto finding = [](const std::string& nodes) { return shape_of(with_nodes(nodes), "x"); };
  const auto linear = [&](const std::string& size) {
    return finding("  y: {type: linear, in: x, units: '${" + size + "}'}\n");
  };
  for (const auto& [size, message] :
       {std::pair{"shape(x, 3)", "test.yaml:4:35: error E207 shape-mismatch: 'y': 'x' has no axis 3"},
        {"shape(x, 0)", "axis 0 of 'x' is the batch"},
        {"shape(x, -3)", "axis -3 of 'x' is the batch"},
        {"shape(x, 1.5)", "E107 bad-expression: an axis is a whole number"},
        {"shape(xx, 1)", "E206 dangling-input: there is no node 'xx'"},
        {"shape(x.z, 1)", "has no output 'z'"},
        {"shape(x)", "E107 bad-expression: shape() takes a port and an axis"},
        {"shape(, 1)", "shape() takes a port and an axis"},
        {"shape(x, 1) + q", "E108 unknown-variable: there is no variable 'q'"},
        {"shape(x, 1) +", "the end is not expected here"},
        {"log(shape(x, 1) - 6)", "no finite value"},
        {"shape(y, 1)", "E209 cycle: the sizes follow from each other in a cycle"}})
    BOOST_TEST(contains(linear(size), message), linear(size));
  const std::string circle = finding(
      "  a: {type: linear, in: x, units: '${shape(b, 1)}'}\n  b: {type: linear, in: x, units: '${shape(a, 2)}'}\n");
  BOOST_TEST(contains(circle, "a -> b -> a"), circle);
  BOOST_TEST(contains(circle, "shape(PORT, AXIS) needs a port"), circle);
  const std::string fraction = finding("  y: {type: linear, in: x, units: '${shape(x, 1) / 4}'}\n");
  BOOST_TEST(contains(fraction, "E105"), fraction);
  // A port that is itself wrong is reported once.
  const std::string wrong =
      finding("  a: {type: linear, in: x}\n  y: {type: linear, in: x, units: '${shape(a, 1)}'}\n");
  BOOST_TEST(contains(wrong, "the option 'units' is missing"), wrong);
  BOOST_TEST(!contains(wrong, "'y'"), wrong);
}

BOOST_AUTO_TEST_CASE(they_do_not_stand_where_no_graph_is_known) {
  for (const std::string& text :
       {with_nodes("  y: {type: linear, in: x, units: 2, repeat: '${shape(x, 1)}'}\n"),
        with_nodes("train: {steps: '${shape(x, 1)}'}\n"),
        with_nodes("losses:\n  l: {expr: 'sum(x)', in: {x: x}, weight: '${1 / shape(x, 1)}'}\n")}) {
    const std::string found = failure(text);
    BOOST_TEST(contains(found, "E107 bad-expression: the sizes of ports are not known here"), found);
  }
}

BOOST_AUTO_TEST_SUITE_END()

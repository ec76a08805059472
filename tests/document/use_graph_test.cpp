// Whole graphs as nodes of others: what is taken of them, what stays outside, where their weights come from.
#include "check/standard_registry.h"
#include "document/support.h"
#include "graph/graph.h"

using namespace loom;
using namespace loom::check;

namespace {

const char* const kInner =
    "version: 1\ngraph: inner\nvars: {units: 3}\ndata: {type: gaussian, features: 4}\n"
    "nodes:\n  x: {type: input, shape: [4]}\n  e: {use: parts/mlp.yaml, in: x, vars: {units: \"${units}\"}}\n"
    "  z: {type: gaussian_sampler, in: {mu: e, logvar: e}}\n  out: {type: linear, in: z, units: 4}\n"
    "losses:\n  fit: {type: squared_error, in: {x: out, target: x}}\n"
    "train: {batch: 7, steps: 9}\ngenerate:\n  sample: {draw: {z: {type: standard_normal}}, show: out}\n";
const char* const kBlock =
    "inputs: [x]\nvars: {units: 2}\nnodes:\n  a: {type: linear, in: x, units: \"${units}\"}\noutputs: {y: a}\n";

struct Files : Folder {
  Files() {
    write("models/inner.yaml", kInner);
    write("models/parts/mlp.yaml", kBlock);
    write("models/run/graph.yaml", kInner);
    write("models/run/parts/mlp.yaml", kBlock);
  }
  Document load(const std::string& nodes, const std::string& rest = "") const {
    return load_document(write("top.yaml", "nodes:\n" + nodes + rest));
  }
};

bool has(const Document& document, const std::string& path) {
  return std::any_of(document.nodes.begin(), document.nodes.end(),
                     [&](const NodeEntry& entry) { return entry.path == path; });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(use_graph)

BOOST_AUTO_TEST_CASE(only_its_nodes_are_taken) {
  const Files files;
  const Document document = files.load("  v: {use: models/inner.yaml}\n  h: {type: linear, in: v/e, units: 2}\n");
  for (const char* path : {"v/x", "v/e/a", "v/z", "v/out", "h"}) BOOST_TEST(has(document, path), path);
  BOOST_TEST(document.nodes.size() == 5U);
  BOOST_TEST(source(document, "v/z") == "v/e/a");
  BOOST_TEST(source(document, "h") == "v/e/a");
  BOOST_TEST(option(document, "v/e/a", "units") == "3");
  BOOST_TEST(document.losses.empty());
  BOOST_TEST(document.generate.empty());
  BOOST_TEST(document.data.type.empty());
  BOOST_TEST(document.train.batch == 64);
  BOOST_TEST(!node(document, "v/e/a").frozen);
}

BOOST_AUTO_TEST_CASE(its_variables_can_be_set_and_it_can_extend) {
  const Files files;
  files.write("models/child.yaml", "extends: inner.yaml\nvars: {units: 5}\nnodes: {out: {units: 6}}\n");
  const Document document =
      files.load("  v: {use: models/child.yaml}\n  w: {use: models/child.yaml, vars: {units: 8}}\n");
  BOOST_TEST(option(document, "v/e/a", "units") == "5");
  BOOST_TEST(option(document, "w/e/a", "units") == "8");
  BOOST_TEST(option(document, "w/out", "units") == "6");
}

BOOST_AUTO_TEST_CASE(its_inputs_can_be_connected) {
  const Files files;
  const std::string x = "  x: {type: input, shape: [4]}\n  h: {type: linear, in: x, units: 4}\n";
  for (const char* in : {"in: h", "in: {x: h.y}", "in: [h]"}) {
    const Document document = files.load(x + "  v: {use: models/inner.yaml, " + in + "}\n  y: {type: t, in: v/x}\n");
    BOOST_TEST(!has(document, "v/x"), in);
    BOOST_TEST(node(document, "v/e/a").inputs.at(0).sources.at(0).node == "h", in);
    BOOST_TEST(node(document, "y").inputs.at(0).sources.at(0).node == "h", in);
  }
}

BOOST_AUTO_TEST_CASE(a_folder_stands_for_its_graph_and_weights_for_a_run_or_a_node) {
  const Files files;
  const Document document = files.load(
      "  v: {use: models/run, weights: models/run, frozen: true}\n  w: {use: models/inner.yaml, weights: v}\n"
      "  b: {use: models/parts/mlp.yaml, in: v/x, weights: models/b.safetensors}\n"
      "  c: {use: models/inner.yaml, weights: models}\n");
  BOOST_REQUIRE(document.weight_sources.size() == 3U);
  BOOST_TEST(document.weight_sources[0].prefix == "v/");
  BOOST_TEST(document.weight_sources[0].path == (files.path / "models/run").string());
  BOOST_TEST(document.weight_sources[0].where.line == 2);
  BOOST_TEST(document.weight_sources[1].prefix == "b/");
  BOOST_TEST(document.weight_sources[2].prefix == "c/");
  BOOST_TEST(node(document, "v/e/a").frozen);
  BOOST_TEST(node(document, "v/e/a").weights.empty());
  BOOST_TEST(node(document, "w/e/a").weights == "v/e/a");
  BOOST_TEST(node(document, "b/a").weights.empty());
}

BOOST_AUTO_TEST_CASE(weights_of_a_use_stand_for_those_inside_of_it) {
  const Files files;
  files.write("middle.yaml", "graph: m\nnodes:\n  v: {use: models/inner.yaml, weights: models/run}\n");
  const Document inside = files.load("  m: {use: middle.yaml}\n");
  BOOST_REQUIRE(inside.weight_sources.size() == 1U);
  BOOST_TEST(inside.weight_sources[0].prefix == "m/v/");
  const Document outside = files.load("  m: {use: middle.yaml, weights: other/run}\n");
  BOOST_REQUIRE(outside.weight_sources.size() == 1U);
  BOOST_TEST(outside.weight_sources[0].prefix == "m/");
  BOOST_TEST(has(outside, "m/v/e/a"));
}

BOOST_AUTO_TEST_CASE(the_resolved_text_needs_no_other_file) {
  const Files files;
  const Document document =
      files.load("  v: {use: models/run, weights: models/run, frozen: true}\n  h: {type: linear, in: v/e, units: 2}\n",
                 "generate:\n  decode: {feed: v/z, show: v/out}\n  both: {feed: [v/z, v/e], show: v/out}\n");
  const Document again = parse_document(document.resolved, "resolved.yaml", "/nowhere");
  BOOST_TEST(again.resolved == document.resolved);
  BOOST_TEST(again.nodes.size() == document.nodes.size());
  BOOST_TEST(again.weight_sources.empty());
  BOOST_TEST(node(again, "v/e/a").frozen);
  BOOST_REQUIRE(again.generate.size() == 2U);
  BOOST_REQUIRE(again.generate[1].feeds.size() == 2U);
  BOOST_TEST(again.generate[0].feeds.at(0).node == "v/z");
  BOOST_TEST(again.generate[1].feeds.at(1).node == "v/e/a");
  Diagnostics diagnostics;
  BOOST_TEST((build_graph(again.nodes, check::standard_registry(), diagnostics) != nullptr));
  // And it can be used again, one level deeper.
  files.write("run2/graph.yaml", document.resolved);
  const Document outer = files.load("  w: {use: run2}\n  h: {type: linear, in: w/v/e/a, units: 2}\n");
  BOOST_TEST(source(outer, "w/h") == "w/v/e/a");
  BOOST_TEST(source(outer, "h") == "w/v/e/a");
}

BOOST_AUTO_TEST_SUITE_END()

// Codes beyond the classes of a graph: found in the data before the first step.
#include <boost/test/unit_test.hpp>

#include "check/standard_registry.h"
#include "document/document.h"
#include "document/rewrite.h"
#include "graph/accepted_values.h"
#include "io/npy.h"
#include "nodes/data/data_checks.h"
#include "train/session.h"

using namespace loom;
using namespace loom::check;

namespace {

// Codes of 3 positions, with `classes` logits and as many embedded codes.
Document codes_model(int classes) {
  return parse_document(fmt::format(R"(
version: 1
graph: codes
nodes:
  x: {{type: input, shape: [3], dtype: i32}}
  e: {{type: embedding, in: x, count: {0}, dim: 4}}
  l: {{type: linear, in: e, units: {0}}}
  o: {{type: one_hot, in: x, classes: {0}}}
losses:
  nll: {{type: categorical_nll, in: {{logits: l, target: x}}}}
train: {{batch: 2, steps: 1}}
)",
                                    classes),
                        "codes.yaml", ".");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(classes)

BOOST_AUTO_TEST_CASE(the_bound_comes_from_options_and_shapes) {
  const Document document = codes_model(7);
  const auto graph = build_checked(document.nodes, standard_registry());
  for (const auto& [path, port] : {std::pair{"e", "x"}, {"o", "x"}, {"losses/nll", "target"}}) {
    const GraphNode& node = graph->node(graph->find(path));
    const AcceptedValues accepted = accepted_values(*graph, node, node.contract().input_index(port));
    BOOST_TEST(accepted.minimum == 0);
    BOOST_TEST(accepted.maximum == 6);
  }
  const GraphNode& nll = graph->node(graph->find("losses/nll"));
  BOOST_TEST(!accepted_values(*graph, nll, nll.contract().input_index("logits")).is_bounded());
}

BOOST_AUTO_TEST_CASE(a_code_beyond_the_classes_is_named_before_the_first_step) {
  const ScratchFolder folder;
  const std::vector<std::int32_t> codes = {0, 1, 2, 3, 4, 0, 1, 5, 2};
  write_bytes(folder.file("x.npy"), npy_header(DType::i32, {3, 3}) +
                                        std::string(reinterpret_cast<const char*>(codes.data()), 4 * codes.size()));
  const auto prepare = [&](int count) {
    Diagnostics findings;
    const auto session = start_session(
        codes_model(count), standard_registry(),
        {.data = data_entry("npy", {{"path", folder.file("x.npy")}, {"dtype", "i32"}, {"split", "all"}}), .threads = 1},
        findings);
    session->prepare_training();
  };
  prepare(6);
  check_error(ErrorCode::out_of_range, {"'x'", "5 in item 2", "[0, 4]", "(embedding)", "codes count from 0"},
              [&] { prepare(5); });
}

BOOST_AUTO_TEST_SUITE_END()

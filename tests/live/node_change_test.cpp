// Another type in the place of a node of a resolved document.
#include "live/node_change.h"

#include <boost/test/unit_test.hpp>

#include "loom/error.h"

using namespace loom;

namespace {

Document document() {
  return parse_document(R"(
version: 1
nodes:
  x: {type: input, shape: [4]}
  h: {type: linear, in: x, units: 3, activation: relu}
losses:
  fit: {type: gaussian_nll, in: {mean: h, target: x}, weight: 2}
)",
                        "test.yaml", "");
}

std::string message(const std::vector<std::string>& words) {
  try {
    Document changed = document();
    apply_node_change(changed, parse_node_change(words));
  } catch (const Error& error) {
    BOOST_TEST((error.code() == ErrorCode::bad_command || error.code() == ErrorCode::yaml_syntax));
    return error.what();
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(node_changes)

BOOST_AUTO_TEST_CASE(the_type_and_options_are_others_and_the_text_is_rendered_again) {
  Document changed = document();
  apply_node_change(changed, parse_node_change({"h", "mlp", "units=[8, 3]", "activation=silu"}));
  BOOST_TEST(changed.resolved.find("h: {type: mlp, in: x, activation: silu, units: [8, 3]}") != std::string::npos);
  apply_node_change(changed, parse_node_change({"fit", "laplace_nll"}));
  BOOST_TEST(changed.resolved.find("laplace_nll") != std::string::npos);
  BOOST_TEST(changed.resolved.find("weight: 2") != std::string::npos);
  const Document again = parse_document(changed.resolved, "resolved", "");
  BOOST_TEST(again.resolved == changed.resolved);
}

BOOST_AUTO_TEST_CASE(inputs_that_are_given_take_the_place_of_all) {
  Document changed = document();
  apply_node_change(changed, parse_node_change({"fit", "mmd", "in.samples=h", "in.prior=x"}));
  const NodeEntry& node = changed.nodes.back();
  BOOST_REQUIRE(node.inputs.size() == 2U);
  BOOST_TEST(node.inputs[0].port == "samples");
  BOOST_TEST(node.inputs[0].sources[0].node == "h");
}

BOOST_AUTO_TEST_CASE(a_change_that_cannot_be_made_is_said) {
  BOOST_TEST(message({"losses/fitt", "linear"}).find("did you mean 'losses/fit'") != std::string::npos);
  BOOST_TEST(message({"h"}).find("a node and a type") != std::string::npos);
  BOOST_TEST(message({"h", "linear", "units"}).find("OPTION=VALUE") != std::string::npos);
  BOOST_TEST(message({"h", "linear", "in.x=y"}).find("no node to read from") != std::string::npos);
  BOOST_TEST(!message({"h", "linear", "units=[1"}).empty());
}

BOOST_AUTO_TEST_SUITE_END()

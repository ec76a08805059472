// What a mask among the columns of the data adds to a document.
#include "train/masks.h"

#include <boost/test/unit_test.hpp>

#include "check/standard_registry.h"
#include "document/rewrite.h"
#include "train/feeds.h"

using namespace loom;
using namespace loom::check;

namespace {

const std::vector<Column> kColumns = {
    {"x", DType::f32, {6}}, {"label", DType::i32, {}}, {"mask", DType::f32, {6}, 0, 1, ColumnRole::mask}};

Document document_of(const std::string& nodes, const std::string& losses) {
  return parse_document("version: 1\ngraph: masked\nnodes:\n" + nodes + "losses:\n" + losses, "masked.yaml", ".");
}

Document bound(const std::string& nodes, const std::string& losses, const std::vector<Column>& columns = kColumns) {
  Document document = document_of(nodes, losses);
  bind_masks(document, columns, standard_registry());
  return document;
}

// "mask" or "mask.y": what the mask of a loss is connected to; "" where it is not.
std::string mask_of(const Document& document, const std::string& loss) {
  const auto graph = build_checked(document.nodes, standard_registry());
  const GraphNode& node = graph->node(graph->find("losses/" + loss));
  const Port mask = node.inputs[static_cast<std::size_t>(node.contract().input_index("mask"))];
  return mask.valid() ? graph->node(mask.node).path : "";
}

const std::string kX = "  x: {type: input, shape: [6]}\n", kMean = "  m: {type: linear, in: x, units: 6}\n",
                  kLoss = "  l: {type: gaussian_nll, in: {mean: m, target: x}}\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(masks)

BOOST_AUTO_TEST_CASE(a_target_from_the_data_gets_the_mask_of_its_column) {
  const Document document = bound(kX + kMean, kLoss);
  BOOST_TEST(mask_of(document, "l") == "mask");
  // The text says it, and loads again with the same result; a second time adds nothing.
  const Document again = parse_document(document.resolved, "again.yaml", ".");
  BOOST_TEST(mask_of(again, "l") == "mask");
  Document twice = again;
  bind_masks(twice, kColumns, standard_registry());
  BOOST_TEST(twice.resolved == document.resolved);
}

BOOST_AUTO_TEST_CASE(without_a_mask_nothing_changes) {
  const Document before = document_of(kX + kMean, kLoss);
  for (const std::vector<Column>& columns : {std::vector<Column>{kColumns[0]},
                                             {kColumns[0], {"mask", DType::f32, {6}}},  // not of that role
                                             {kColumns[0], {"label_mask", DType::f32, {}, 0, 1, ColumnRole::mask}}}) {
    const Document after = bound(kX + kMean, kLoss, columns);
    BOOST_TEST(after.resolved == before.resolved);
    BOOST_TEST(mask_of(after, "l") == "");
  }
}

BOOST_AUTO_TEST_CASE(a_mask_of_the_document_stays) {
  const Document document = bound(kX + "  own: {type: input, shape: [6]}\n" + kMean,
                                  "  l: {type: gaussian_nll, in: {mean: m, target: x, mask: own}}\n");
  BOOST_TEST(mask_of(document, "l") == "own");
}

BOOST_AUTO_TEST_CASE(the_input_of_the_document_is_used) {
  const Document document = bound(kX + "  mask: {type: input, shape: [6]}\n" + kMean,
                                  kLoss + "  d: {type: squared_error, in: {x: m, target: x, mask: mask}}\n");
  BOOST_TEST(mask_of(document, "l") == "mask");
  BOOST_TEST(document.nodes.size() == 5U);
}

BOOST_AUTO_TEST_CASE(what_is_computed_from_the_data_gets_none) {
  const Document document = bound(kX + kMean, "  l: {type: gaussian_nll, in: {mean: x, target: m}}\n");
  BOOST_TEST(mask_of(document, "l") == "");
}

BOOST_AUTO_TEST_CASE(nodes_that_move_values_move_the_mask) {
  const Document document =
      bound(kX + "  grid: {type: reshape, in: x, shape: [3, 2]}\n  back: {type: flip, in: grid, axis: 1}\n"
                 "  m: {type: linear, in: back, units: 2}\n",
            "  l: {type: gaussian_nll, in: {mean: m, target: back}}\n"
            "  d: {type: squared_error, in: {x: m, target: back}}\n");
  const auto graph = build_checked(document.nodes, standard_registry());
  const std::string moved = mask_of(document, "l");
  BOOST_TEST(moved == mask_of(document, "d"));
  const GraphNode& flip = graph->node(graph->find(moved));
  BOOST_TEST(flip.type->name == "flip");
  const GraphNode& reshape = graph->node(flip.inputs[0].node);
  BOOST_TEST(reshape.type->name == "reshape");
  BOOST_TEST(graph->node(reshape.inputs[0].node).path == "mask");
  BOOST_TEST(parse_document(document.resolved, "again.yaml", ".").resolved == document.resolved);
}

BOOST_AUTO_TEST_CASE(nodes_on_each_value_are_passed_by) {
  const Document document =
      bound(kX + "  codes: {type: mu_law_encode, in: x}\n  e: {type: embedding, in: codes, count: 256, dim: 4}\n"
                 "  m: {type: linear, in: e, units: 256}\n",
            "  l: {type: categorical_nll, in: {logits: m, target: codes}}\n");
  BOOST_TEST(mask_of(document, "l") == "mask");
}

BOOST_AUTO_TEST_CASE(another_column_has_its_own_mask) {
  const std::vector<Column> columns = {
      {"x", DType::f32, {6}}, {"counts", DType::f32, {6}}, {"counts_mask", DType::f32, {6}, 0, 1, ColumnRole::mask}};
  const Document document = bound(kX + "  counts: {type: input, shape: [6]}\n" + kMean,
                                  kLoss + "  c: {type: gaussian_nll, in: {mean: m, target: counts}}\n", columns);
  BOOST_TEST(mask_of(document, "l") == "");
  BOOST_TEST(mask_of(document, "c") == "counts_mask");
}

BOOST_AUTO_TEST_CASE(a_node_of_another_kind_keeps_its_name) {
  const Document document = bound(kX + "  mask: {type: linear, in: x, units: 6}\n",
                                  "  l: {type: gaussian_nll, in: {mean: mask, target: x}}\n");
  BOOST_TEST(mask_of(document, "l") == "data/mask");
}

BOOST_AUTO_TEST_CASE(data_without_gaps_feed_ones) {
  const Document document = bound(kX + kMean, kLoss);
  const auto graph = build_checked(document.nodes, standard_registry());
  const std::vector<Port> wanted = {graph->port("losses/l.loss", ErrorCode::bad_fetch)};
  const FeedPlan with = plan_feeds(*graph, wanted, true, kColumns);
  const FeedPlan without = plan_feeds(*graph, wanted, true, std::span(kColumns).first(1));
  BOOST_REQUIRE(with.requests.size() == 2U);
  BOOST_REQUIRE(without.requests.size() == 2U);
  for (const ColumnRequest& request : with.requests) BOOST_TEST((request.column == "x" || request.column == "mask"));
  BOOST_TEST(std::ranges::count(without.requests, "", &ColumnRequest::column) == 1);
}

// Only an input that is a mask by its name: a mask of another name may have been mistyped.
BOOST_AUTO_TEST_CASE(a_mask_of_another_name_needs_its_column) {
  const Document document = document_of(kX + "  m1: {type: input, shape: [6]}\n" + kMean,
                                        "  l: {type: gaussian_nll, in: {mean: m, target: x, mask: m1}}\n");
  const auto graph = build_checked(document.nodes, standard_registry());
  const std::vector<Port> wanted = {graph->port("losses/l.loss", ErrorCode::bad_fetch)};
  BOOST_CHECK_EXCEPTION(plan_feeds(*graph, wanted, true, kColumns), Error,
                        [](const Error& error) { return error.code() == ErrorCode::bad_feed; });
}

BOOST_AUTO_TEST_SUITE_END()

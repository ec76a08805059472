// The use of codes, counted and put into words.
#include "measure/codebook.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "check/standard_registry.h"
#include "document/document.h"
#include "loom/check.h"
#include "measure/codebook_advice.h"
#include "measure/image_quality.h"
#include "run/executor.h"

using namespace loom;
using namespace loom::check;
using namespace loom::measure;

namespace {

std::shared_ptr<const Graph> graph_of(const std::string& options) {
  Diagnostics diagnostics;
  auto graph = build_graph(parse_document("version: 1\nnodes:\n  x: {type: input, shape: [6, 4]}\n"
                                          "  top: {type: vector_quantizer, in: x, codes: 4" +
                                              options +
                                              "}\n  low/q: {type: vector_quantizer, in: top, codes: 8, frozen: true}\n"
                                              "losses:\n  l: {type: add, in: [top.loss]}\n",
                                          "codes.yaml", ".")
                               .nodes,
                           standard_registry(), diagnostics);
  diagnostics.throw_if_any();
  return graph;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(codebook)

BOOST_AUTO_TEST_CASE(entropy_and_perplexity_by_hand) {
  const CodebookUse use{"q", {2, 0, 1, 1, 0}};
  BOOST_TEST(use.used() == 3);
  BOOST_TEST(use.total() == 4);
  BOOST_TEST(std::abs(use.entropy() - 1.5 * std::log(2.0)) < 1e-12);
  BOOST_TEST(std::abs(use.perplexity() - std::pow(2.0, 1.5)) < 1e-12);
  BOOST_TEST((CodebookUse{"q", {0, 9}}).perplexity() == 1.0);
  BOOST_TEST(std::abs((CodebookUse{"q", std::vector<std::int64_t>(512, 3)}).perplexity() - 512) < 1e-9);
}

BOOST_AUTO_TEST_CASE(codes_of_every_quantizer_are_counted_over_the_pass) {
  const auto graph = graph_of("");
  CodebookWatch watch(*graph);
  BOOST_REQUIRE(watch.ports().size() == 2U);
  BOOST_TEST(graph->name_of(watch.ports()[0]) == "top.codes");
  Executor executor(1);
  for (int pass = 0; pass < 2; ++pass) {  // the second starts from nothing
    watch.begin(3);
    const Tensor top = tensor_of({2, 2}, std::vector<std::int32_t>{0, 3, 3, 1});
    const Tensor low = tensor_of({2, 3}, std::vector<std::int32_t>{7, 7, 7, 7, 7, 7});
    const std::vector<TensorView> values = {top, low};
    watch.add(values, 2);
    const std::vector<TensorView> rest = {top.view().rows(1, 1), low.view().rows(1, 1)};
    watch.add(rest, 1);
    BOOST_TEST((watch.uses()[0].counts == std::vector<std::int64_t>{1, 2, 0, 3}));
    BOOST_TEST((watch.uses()[1].counts == std::vector<std::int64_t>{0, 0, 0, 0, 0, 0, 0, 9}));
    const WatchedFigures figures = watch.finish(executor);
    BOOST_REQUIRE(figures.curves.size() == 4U);
    BOOST_TEST(figures.curves[1].first == "top.used_codes");
    BOOST_TEST(figures.curves[1].second == 3.0);
    BOOST_TEST(figures.curves[2].first == "low/q.perplexity");
    const auto again = read_uses(figures.notes.at(0).second);
    BOOST_REQUIRE(again.size() == 2U);
    BOOST_TEST(again[1].path == "low/q");
    BOOST_TEST((again[0].counts == watch.uses()[0].counts));
  }
  BOOST_TEST(read_uses("").empty());
}

BOOST_AUTO_TEST_CASE(watches_of_one_pass_get_their_own_ports) {
  const auto graph = graph_of("");
  CodebookWatch first(*graph), second(*graph);
  EvaluationWatches both;
  BOOST_TEST(both.empty());
  both.join(first);
  both.join(second);
  BOOST_TEST(both.ports().size() == 4U);
  both.begin(1);
  const Tensor a = tensor_of({1}, std::vector<std::int32_t>{1}), b = tensor_of({1}, std::vector<std::int32_t>{2});
  const std::vector<TensorView> values = {a, a, b, b};
  both.add(values, 1);
  BOOST_TEST((first.uses()[0].counts[1] == 1 && first.uses()[0].counts[2] == 0));
  BOOST_TEST((second.uses()[0].counts[2] == 1 && second.uses()[0].counts[1] == 0));
  Executor executor(1);
  BOOST_TEST(both.finish(executor).curves.size() == 8U);
}

BOOST_AUTO_TEST_CASE(low_use_names_what_has_not_been_tried) {
  const CodebookUse low{"top", {9, 0, 0, 0}}, half{"top", {9, 9, 0, 0}};
  const std::string all = findings(*graph_of(""), {low}).at(0);
  BOOST_TEST(all ==
             "1 of 4 codes is used, perplexity 1.0: that is few. Not tried yet: init: kmeans; restart_after: 100; "
             "distance: cosine; codes of fewer dimensions (dim is 4)");
  BOOST_TEST(findings(*graph_of(""), {half}).at(0) == "2 of 4 codes are used, perplexity 2.0");
  const std::string rest = findings(*graph_of(", init: kmeans, restart_after: 7, distance: cosine"), {low}).at(0);
  BOOST_TEST(rest.ends_with("Not tried yet: codes of fewer dimensions (dim is 4)"));
  BOOST_TEST(findings(*graph_of(""), {half, low}).at(1).starts_with("top: 1 of 4"));
}

BOOST_AUTO_TEST_CASE(normalised_error_is_one_for_the_mean) {
  const Tensor x = tensor_of({2, 2}, std::vector<float>{1, 2, 3, 6});
  BOOST_TEST(normalised_error(x, x) == 0.0);
  BOOST_TEST(std::abs(normalised_error(tensor_of({4}, std::vector<float>{3, 3, 3, 3}), x) - 1) < 1e-12);
  BOOST_TEST(std::abs(normalised_error(tensor_of({2, 2}, std::vector<float>{1, 2, 3, 4}), x) - 4.0 / 14) < 1e-12);
  BOOST_CHECK_THROW(normalised_error(tensor_of({3}, std::vector<float>{1, 2, 3}), x), Error);
}

BOOST_AUTO_TEST_SUITE_END()

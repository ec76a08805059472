// The use of codes, counted and put into words.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "check/standard_registry.h"
#include "document/document.h"
#include "loom/check.h"
#include "measure/image_quality.h"
#include "measure/support.h"
#include "train/advice.h"
#include "train/check_document.h"
#include "train/metric_json.h"

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
  const auto of = [](const std::vector<std::int32_t>& codes, std::int64_t count) {
    const Tensor values = tensor_of({1, static_cast<std::int64_t>(codes.size())}, codes);
    const Tensor ages(DType::f32, {count});
    return measured("codebook", {{{"codes", values}, {"unused_for", ages}}});
  };
  const auto four = of({0, 0, 2, 3}, 5);
  BOOST_TEST(number_at(four, "codes") == 5);
  BOOST_TEST(number_at(four, "used_codes") == 3);
  BOOST_TEST(std::abs(number_at(four, "unigram_entropy") - 1.5 * std::log(2.0)) < 1e-12);
  BOOST_TEST(std::abs(number_at(four, "unigram_entropy_bits") - 1.5) < 1e-12);
  BOOST_TEST(std::abs(number_at(four, "perplexity") - std::pow(2.0, 1.5)) < 1e-12);
  BOOST_TEST(number_at(of({1, 1, 1}, 2), "perplexity") == 1.0);
}

BOOST_AUTO_TEST_CASE(codes_of_every_quantizer_are_counted_over_the_pass) {
  const auto graph = graph_of("");
  ParameterStore store(*graph, 1);
  Diagnostics findings;
  MetricSet set(choose_metrics({}, standard_registry(), findings), *graph, store, {});
  BOOST_REQUIRE(set.ports().size() == 2U);
  BOOST_TEST(graph->name_of(set.ports()[0]) == "top.codes");
  for (int pass = 0; pass < 2; ++pass) {  // the second starts from nothing
    set.begin({.samples = 3});
    const Tensor top = tensor_of({2, 2}, std::vector<std::int32_t>{0, 3, 3, 1});
    const Tensor low = tensor_of({2, 3}, std::vector<std::int32_t>{7, 7, 7, 7, 7, 7});
    const std::vector<TensorView> values = {top, low};
    set.add(values);
    const std::vector<TensorView> rest = {top.view().rows(1, 1), low.view().rows(1, 1)};
    set.add(rest);
    const std::vector<MetricValue> measured = set.finish("test");
    BOOST_TEST(
        (find_value(measured, "counts", "quantizers/top")->value == list_of(std::vector<std::int64_t>{1, 2, 0, 3})));
    BOOST_TEST((find_value(measured, "counts", "quantizers/low/q")->value ==
                list_of(std::vector<std::int64_t>{0, 0, 0, 0, 0, 0, 0, 9})));
    const auto curves = curves_of(measured);
    BOOST_REQUIRE(curves.size() == 4U);
    BOOST_TEST(curves[0].first == "top.used_codes");
    BOOST_TEST(curves[0].second == 3.0);
    BOOST_TEST(curves[3].first == "low/q.perplexity");
    BOOST_TEST(to_json(measured)["quantizers"]["low/q"]["counts"][7] == 9);
  }
}

// Codes that no quantizer makes: their ports are named, with their number.
BOOST_AUTO_TEST_CASE(codes_of_formulas_are_counted_too) {
  const std::string nodes =
      "version: 1\nnodes:\n  x: {type: input, shape: [6, 4]}\n  best: {type: top_k, in: x, k: 1, repeat: 2, chain: "
      "[]}\n";
  const auto metric = [&](const std::string& options) {
    return parse_document(nodes + "metrics: {codebook: " + options + "}\n", "codes.yaml", ".");
  };
  const auto finding = [&](const std::string& options) {
    Diagnostics findings;
    check_document(metric(options), standard_registry(), findings);
    return findings.empty() ? std::string() : findings.items().front().text();
  };
  const Document document = metric("{ports: [\"best/*.index\"], size: 5}");
  Diagnostics findings;
  const auto graph = check_document(document, standard_registry(), findings);
  findings.throw_if_any();
  ParameterStore store(*graph, 1);
  MetricSet set(choose_metrics(document, standard_registry(), findings), *graph, store, {});
  BOOST_REQUIRE(set.ports().size() == 2U);
  set.begin({.samples = 2});
  const Tensor first = tensor_of({2, 3}, std::vector<std::int32_t>{0, 3, 3, 1, 1, 4});
  const Tensor second = tensor_of({2, 3}, std::vector<std::int32_t>{2, 2, 2, 2, 2, 2});
  set.add(std::vector<TensorView>{first, second});
  const std::vector<MetricValue> measured = set.finish("test");
  BOOST_TEST((find_value(measured, "counts", "quantizers/best/0.index")->value ==
              list_of(std::vector<std::int64_t>{1, 2, 0, 2, 1})));
  BOOST_TEST(number_of(*find_value(measured, "perplexity", "quantizers/best/1.index")).value() == 1.0);
  BOOST_TEST(find_value(measured, "oldest_code") == nullptr);
  set.begin({.samples = 1});
  const Tensor beyond = tensor_of({1, 1}, std::vector<std::int32_t>{5}),
               good = tensor_of({1, 1}, std::vector<std::int32_t>{0});
  BOOST_CHECK_EXCEPTION(set.add(std::vector<TensorView>{beyond, good}), Error, [](const Error& error) {
    return std::string(error.what()).find("a code is 5, and there are 5") != std::string::npos;
  });
  BOOST_TEST(finding("{ports: best/0.index, size: 4}") == "");
  BOOST_TEST(finding("{ports: best/0.index}").find("`size` does not say how many codes") != std::string::npos);
  BOOST_TEST(finding("{ports: x, size: 4}").find("E208") != std::string::npos, finding("{ports: x, size: 4}"));
  BOOST_TEST(finding("{ports: beast, size: 4}").find("codes.yaml:5:29: error E206") != std::string::npos,
             finding("{ports: beast, size: 4}"));
}

BOOST_AUTO_TEST_CASE(low_use_names_what_has_not_been_tried) {
  const auto findings = [](const std::string& options, const std::vector<std::int64_t>& used) {
    const auto graph = graph_of(options);
    std::vector<MetricValue> values;
    for (std::size_t q = 0; q < used.size(); ++q) {
      const std::string subject = q == 0 ? "quantizers/top" : "quantizers/low/q";
      const auto add = [&](const char* key, OptionValue value) {
        values.push_back({key, subject, key, "", std::move(value), {}, "", "", false});
      };
      add("codes", std::int64_t{4});
      add("used_codes", used[q]);
      add("perplexity", static_cast<double>(used[q]));
    }
    add_findings({}, {}, *graph, values);
    return findings_text(values);
  };
  BOOST_TEST(findings("", {1}) ==
             "1 of 4 codes is used, perplexity 1.0: that is few. Not tried yet: init: kmeans; restart_after: 100; "
             "distance: cosine; codes of fewer dimensions (dim is 4)");
  BOOST_TEST(findings("", {2}) == "2 of 4 codes are used, perplexity 2.0");
  BOOST_TEST(findings(", init: kmeans, restart_after: 7, distance: cosine", {1})
                 .ends_with("Not tried yet: codes of fewer dimensions (dim is 4)"));
  BOOST_TEST(findings("", {1, 2}).starts_with("top: 1 of 4"));
}

BOOST_AUTO_TEST_CASE(normalised_error_is_one_for_the_mean) {
  const Tensor x = tensor_of({2, 2}, std::vector<float>{1, 2, 3, 6});
  BOOST_TEST(normalised_error(x, x) == 0.0);
  // Of the rows of a table, column by column: 1 and 3 around 2, 2 and 6 around 4.
  const auto by_column = [](const Tensor& a, const Tensor& b) { return normalised_error(a, b, {}, true); };
  BOOST_TEST(std::abs(by_column(tensor_of({2, 2}, std::vector<float>{2, 4, 2, 4}), x) - 1) < 1e-12);
  BOOST_TEST(std::abs(by_column(tensor_of({2, 2}, std::vector<float>{1, 2, 3, 4}), x) - 4.0 / 8 / 2) < 1e-12);
  const Tensor units = tensor_of({2, 3}, std::vector<float>{1000, 0.1F, 7, 3000, 0.3F, 7});  // the last does not vary
  const Tensor off = tensor_of({2, 3}, std::vector<float>{1000, 0.2F, 7, 3000, 0.2F, 7});
  BOOST_TEST(std::abs(by_column(off, units) - 0.5) < 1e-6);
  // Of anything else, over all values.
  BOOST_TEST(std::abs(normalised_error(tensor_of({4}, std::vector<float>{3, 3, 3, 3}), x) - 1) < 1e-12);
  BOOST_TEST(std::abs(normalised_error(tensor_of({4}, std::vector<float>{1, 2, 3, 4}), x) - 4.0 / 14) < 1e-12);
  BOOST_CHECK_THROW(normalised_error(tensor_of({3}, std::vector<float>{1, 2, 3}), x), Error);
}

BOOST_AUTO_TEST_SUITE_END()

// Which column feeds an input that is wanted alone.
#include "train/feeds.h"

#include <boost/test/unit_test.hpp>

#include "train/toy_session.h"

using namespace loom;
using namespace loom::check;

namespace {

// The toy graph with one more input, which no loss reads.
std::shared_ptr<const Graph> graph_with(const std::string& name, const std::string& first, OptionValue shape) {
  Document document = toy_document();
  document.nodes[0] = entry(first, "input", {}, {{"shape", list({6})}});
  document.nodes[1] = entry("enc/a", "scale", {first});
  document.nodes.push_back(entry(name, "input", {}, {{"shape", std::move(shape)}}));
  return Session(document, toy_session_registry()).graph();
}

FeedPlan plan(const Graph& graph, const std::string& wanted) {
  const std::vector<Column> columns = {{"x", DType::f32, {6}}};
  return plan_feeds(graph, std::vector{graph.port(wanted, ErrorCode::bad_fetch)}, false, columns);
}

bool says_the_columns(const Error& error) {
  return error.code() == ErrorCode::bad_feed && std::string(error.what()).find("columns x") != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(feeds)

BOOST_AUTO_TEST_CASE(x_is_not_the_column_of_a_second_input) {
  const auto graph = graph_with("kind", "x", list({6}));
  BOOST_TEST(plan(*graph, "d").requests.at(0).column == "x");
  BOOST_CHECK_EXCEPTION(plan(*graph, "kind"), Error, says_the_columns);
}

BOOST_AUTO_TEST_CASE(x_is_not_the_column_of_one_number) {
  const auto graph = graph_with("kind", "sound", list({}));
  BOOST_TEST(plan(*graph, "d").requests.at(0).column == "x");
  BOOST_CHECK_EXCEPTION(plan(*graph, "kind"), Error, says_the_columns);
}

BOOST_AUTO_TEST_SUITE_END()

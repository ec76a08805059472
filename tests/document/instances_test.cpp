// References to the instances of a repeat: losses, draws, feeds and what is shown.
#include "document/support.h"

using namespace loom;
using namespace loom::check;

namespace {

const std::string kNodes =
    "version: 1\nnodes:\n  x: {type: input, shape: [4]}\n  h: {type: linear, in: x, units: 4, repeat: 3}\n"
    "  g: {type: linear, in: x, units: 4, repeat: 2}\n";

std::vector<std::string> names(const Document& document) {
  std::vector<std::string> all;
  for (const LossEntry& loss : document.losses) all.push_back(loss.name);
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(document_instances)

BOOST_AUTO_TEST_CASE(a_loss_of_each_instance) {
  for (const std::string pattern : {"h/*", "h/${index}"}) {
    const Document document = parse(kNodes + "losses:\n  l: {type: squared_error, in: {x: '" + pattern +
                                    "', target: x}, weight: '${2 * index + 1}'}\n");
    BOOST_TEST((names(document) == std::vector<std::string>{"l/0", "l/1", "l/2"}));
    BOOST_TEST(source(document, "losses/l/2") == "h/2");
    BOOST_TEST(document.losses[2].weight.number == 5);
    BOOST_TEST(parse(document.resolved).resolved == document.resolved);
  }
}

BOOST_AUTO_TEST_CASE(repeat_makes_losses_that_are_not_chained) {
  const Document document =
      parse(kNodes +
            "vars: {n: 2}\nlosses:\n  l: {type: squared_error, in: {x: 'h/${index + 1}', target: x}, repeat: "
            "'${n}'}\n  none: {of: h, repeat: 0}\n");
  BOOST_TEST((names(document) == std::vector<std::string>{"l/0", "l/1"}));
  BOOST_TEST(source(document, "losses/l/0") == "h/1");
  BOOST_TEST(source(document, "losses/l/1") == "h/2");
}

BOOST_AUTO_TEST_CASE(an_objective_names_all_of_them_or_some) {
  const std::string losses = "losses:\n  l: {of: 'h/*'}\n  m: {of: x}\n";
  const auto terms = [&](const std::string& text) {
    std::vector<std::string> all;
    const Document document = parse(kNodes + losses + "objectives: {o: {losses: " + text + "}}\n");
    for (const auto& [name, weight] : document.objectives[0].losses) all.push_back(name);
    return all;
  };
  BOOST_TEST((terms("[l, m]") == std::vector<std::string>{"l/0", "l/1", "l/2", "m"}));
  BOOST_TEST((terms("{l/1: 2}") == std::vector<std::string>{"l/1"}));
  BOOST_TEST((terms("['l/*']") == std::vector<std::string>{"l/0", "l/1", "l/2"}));
  BOOST_TEST(contains(failure(kNodes + losses + "objectives: {o: {losses: [k]}}\n"), "E118"));
  BOOST_TEST(contains(failure(kNodes + losses + "objectives: {o: {losses: [l, l/0]}}\n"), "E102"));
}

BOOST_AUTO_TEST_CASE(draws_and_feeds_of_all_levels) {
  const Document document =
      parse(kNodes +
            "generate:\n  sample:\n    draw: {h/1: {type: standard_normal, k: 7}, 'h/*': {type: add, in: ['h/*', "
            "'g/0'], k: '${index}'}}\n    feed: ['g/*', x]\n    show: 'h/*'\n");
  const GenerateEntry& entry = document.generate[0];
  BOOST_REQUIRE(entry.draws.size() == 3U);  // the one by name takes precedence
  BOOST_TEST(entry.draws[0].first.node == "h/1");
  BOOST_TEST(entry.draws[0].second.type == "standard_normal");
  BOOST_TEST(entry.draws[1].first.node == "h/0");
  BOOST_TEST(entry.draws[2].first.node == "h/2");
  BOOST_TEST(entry.draws[2].second.inputs[0].sources[0].node == "h/2");
  BOOST_TEST(entry.draws[2].second.options.at("k").value.text() == "2");
  BOOST_REQUIRE(entry.feeds.size() == 3U);
  BOOST_TEST(entry.feeds[1].node == "g/1");
  BOOST_REQUIRE(entry.shows.size() == 3U);
  BOOST_TEST(entry.shows[2].second.node == "h/2");
}

BOOST_AUTO_TEST_CASE(what_is_filled_of_each_instance) {
  // `g/${index}` follows the instances of `h`, and `x/${index}` names no repeat.
  const Document document =
      parse(kNodes +
            "  x/0: {type: t}\n  x/1: {type: t}\n  x/2: {type: t}\ngenerate:\n  s:\n    autoregressive:\n"
            "      - {input: x, from: g, axes: 2}\n      - {input: 'x/${index}', from: 'h/*', axes: 0}\n    show: x\n");
  const std::vector<AutoregressionEntry>& filled = document.generate[0].autoregressions;
  BOOST_REQUIRE(filled.size() == 4U);
  BOOST_TEST(filled[0].axes == 2);
  for (std::size_t i = 0; i < 3; ++i) {
    BOOST_TEST(filled[i + 1].input.node == "x/" + std::to_string(i));
    BOOST_TEST(filled[i + 1].from.node == "h/" + std::to_string(i));
    BOOST_TEST(filled[i + 1].axes == 0);
  }
  BOOST_TEST(parse(document.resolved).resolved == document.resolved);
  const std::string unknown = failure(kNodes + "generate: {s: {autoregressive: {input: x, from: 'k/*'}, show: x}}\n");
  BOOST_TEST(contains(unknown, "there is no repeat 'k'"), unknown);
}

BOOST_AUTO_TEST_CASE(markers_of_one_entry_count_together) {
  const Folder folder;
  folder.write("b.yaml", "inputs: [x]\nnodes:\n  h: {type: t, in: x, repeat: 2}\noutput: h\n");
  const std::string nodes = "nodes:\n  x: {type: t}\n  b: {use: b.yaml, in: x, repeat: 2}\n";
  const Document document =
      load_document(folder.write("g.yaml", nodes + "losses:\n  l: {type: t, in: {a: 'b/*/h/*', b: 'b/*/h/0'}}\n"));
  BOOST_TEST((names(document) == std::vector<std::string>{"l/0/0", "l/0/1", "l/1/0", "l/1/1"}));
  BOOST_TEST(source(document, "losses/l/1/0", 0) == "b/1/h/0");
  BOOST_TEST(source(document, "losses/l/1/0", 1) == "b/1/h/0");
}

BOOST_AUTO_TEST_CASE(errors_have_their_places) {
  const std::string unknown = failure(kNodes + "losses:\n  l: {of: 'k/*'}\n");
  BOOST_TEST(contains(unknown, "test.yaml:7:11: error E206 dangling-input: there is no repeat 'k'"), unknown);
  const std::string unlike = failure(kNodes + "losses:\n  l: {type: t, in: {a: 'h/*', b: 'g/*'}}\n");
  BOOST_TEST(contains(unlike, "test.yaml:7:34: error E206"), unlike);
  BOOST_TEST(contains(unlike, "2 of 'g'"), unlike);
  const std::string beyond = failure(kNodes + "losses:\n  l: {of: 'h/${index}', repeat: 4}\n");
  BOOST_TEST(contains(beyond, "test.yaml:7:11: error E206 dangling-input: there is no node 'h/3'"), beyond);
  const std::string variable = failure(kNodes + "losses:\n  l: {of: 'x/${index}'}\n");
  BOOST_TEST(contains(variable, "test.yaml:7:11: error E108"), variable);
  const std::string draw = failure(kNodes + "generate: {s: {draw: {'k/*': {type: t}}}}\n");
  BOOST_TEST(contains(draw, "test.yaml:6:23: error E206"), draw);
  const std::string feed = failure(kNodes + "generate: {s: {feed: 'k/*'}}\n");
  BOOST_TEST(contains(feed, "test.yaml:6:22: error E206"), feed);
  const std::string count = failure(kNodes + "losses:\n  l: {of: x, repeat: many}\n");
  BOOST_TEST(contains(count, "test.yaml:7:22: error E105"), count);
}

BOOST_AUTO_TEST_SUITE_END()

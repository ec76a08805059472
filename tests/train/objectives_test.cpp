// Patterns, and what objectives resolve to.
#include "train/objectives.h"

#include <boost/test/unit_test.hpp>

#include "core/pattern.h"
#include "train/toy_session.h"

using namespace loom;
using namespace loom::check;

namespace {

struct Fixture {
  Document document = toy_document();
  std::shared_ptr<const Graph> graph;
  std::unique_ptr<ParameterStore> store;
  Diagnostics diagnostics;

  TrainingPlan plan() {
    graph = toy_graph(document.nodes);
    store = std::make_unique<ParameterStore>(*graph, 1);
    return plan_training(document, *graph, *store, toy_registry(), diagnostics);
  }
  std::vector<std::string> paths(const Objective& objective) const {
    std::vector<std::string> names;
    for (const int index : objective.parameters) names.push_back(store->at(index).path);
    return names;
  }
};

using Names = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(objectives)

BOOST_AUTO_TEST_CASE(patterns) {
  BOOST_TEST(matches_pattern("*", "encoder/conv1.weight"));
  BOOST_TEST(matches_pattern("encoder/*", "encoder/block/conv1.weight"));
  BOOST_TEST(!matches_pattern("encoder/*", "decoder/conv1.weight"));
  BOOST_TEST(matches_pattern("*.bias", "encoder/conv1.bias"));
  BOOST_TEST(!matches_pattern("*.bias", "encoder/conv1.weight"));
  BOOST_TEST(matches_pattern("*/conv?.w*t", "encoder/conv1.weight"));
  BOOST_TEST(matches_pattern("encoder", "encoder/conv1.weight"));
  BOOST_TEST(matches_pattern("encoder/conv1", "encoder/conv1.weight"));
  BOOST_TEST(!matches_pattern("encoder/conv", "encoder/conv1.weight"));
  BOOST_TEST(matches_pattern("encoder/conv1.weight", "encoder/conv1.weight"));
  BOOST_TEST(!matches_pattern("", "a.weight"));
  BOOST_TEST(!matches_pattern("a*b", "ab.weight"));
}

BOOST_AUTO_TEST_CASE(without_objectives_there_is_one_over_everything) {
  Fixture fixture;
  const TrainingPlan plan = fixture.plan();
  BOOST_TEST(fixture.diagnostics.empty());
  BOOST_REQUIRE(plan.objectives.size() == 1U);
  BOOST_TEST(plan.objectives[0].name == "main");
  BOOST_TEST((fixture.paths(plan.objectives[0]) == Names{"enc/a.weight", "dec/b.weight"}));
  BOOST_TEST(plan.objectives[0].weight(1, 0) == 0.5);
  BOOST_TEST(plan.unreached.empty());
  BOOST_TEST((plan.terms[0].role == LossRole::likelihood));
}

BOOST_AUTO_TEST_CASE(what_is_frozen_or_not_reached_is_left_out_and_the_latter_reported) {
  Fixture fixture;
  fixture.document.losses.erase(fixture.document.losses.begin());  // only `size` remains, which sees enc/a alone
  TrainingPlan plan = fixture.plan();
  BOOST_TEST((fixture.paths(plan.objectives[0]) == Names{"enc/a.weight"}));
  BOOST_TEST((plan.unreached == Names{"dec/b.weight"}));
  fixture.document.nodes[2].frozen = true;
  plan = fixture.plan();
  BOOST_TEST(plan.unreached.empty());
  BOOST_TEST(fixture.diagnostics.empty());
  fixture.document.nodes[1].frozen = true;
  fixture.plan();
  BOOST_REQUIRE(fixture.diagnostics.size() == 1U);
  BOOST_TEST((fixture.diagnostics.items()[0].code == ErrorCode::no_parameters));
}

BOOST_AUTO_TEST_CASE(stop_gradient_ends_the_reach) {
  Fixture fixture;
  fixture.document.nodes[2] = entry("stopped", "stop", {"enc/a"});
  fixture.document.nodes.push_back(entry("dec/b", "scale", {"stopped"}));
  fixture.document.objectives = {objective("one", {"fit"}, {"*"})};
  fixture.document.nodes[3] = entry("s", "add", {"dec/b", "stopped"});
  const TrainingPlan plan = fixture.plan();
  BOOST_TEST((fixture.paths(plan.objectives[0]) == Names{"dec/b.weight"}));
  BOOST_TEST((plan.unreached == Names{"enc/a.weight"}));
}

BOOST_AUTO_TEST_CASE(objectives_divide_the_parameters) {
  Fixture fixture;
  fixture.document.objectives = {objective("encoder", {"fit", "size"}, {"enc/*"}),
                                 objective("decoder", {"fit"}, {"dec"})};
  fixture.document.objectives[0].losses[1].second = ScheduleEntry::constant(-3);
  fixture.document.objectives[1].every = 5;
  const TrainingPlan plan = fixture.plan();
  BOOST_TEST(fixture.diagnostics.empty());
  BOOST_TEST((fixture.paths(plan.objectives[0]) == Names{"enc/a.weight"}));
  BOOST_TEST((fixture.paths(plan.objectives[1]) == Names{"dec/b.weight"}));
  BOOST_TEST((plan.objectives[0].terms == std::vector<int>{0, 1}));
  BOOST_TEST(plan.objectives[0].weight(1, 7) == -1.5);  // the loss's own weight times the objective's
  BOOST_TEST(plan.objectives[1].every == 5);
}

BOOST_AUTO_TEST_CASE(everything_wrong_is_reported_at_once) {
  Fixture fixture;
  fixture.document.objectives = {objective("encoder", {"fitt"}, {"encc/*"}), objective("decoder", {"fit"}, {"dec/bb"})};
  fixture.document.objectives[0].optimizer.options["beta9"] = {OptionValue(1), {"toy.yaml", 31, 7}};
  fixture.document.objectives[0].optimizer.where = {"toy.yaml", 31, 7};
  fixture.plan();
  const auto& findings = fixture.diagnostics.items();
  BOOST_REQUIRE(findings.size() == 4U);
  BOOST_TEST((findings[0].code == ErrorCode::unknown_option));
  BOOST_TEST((findings[1].code == ErrorCode::unknown_objective_parameter));
  BOOST_TEST(findings[1].where.text() == "toy.yaml:30:3");
  BOOST_TEST(findings[1].suggestion == "enc/*");
  BOOST_TEST(findings[2].suggestion == "fit");
  BOOST_TEST(findings[3].suggestion == "dec/b");
}

BOOST_AUTO_TEST_CASE(a_document_without_losses_cannot_be_trained) {
  Fixture fixture;
  fixture.document.losses.clear();
  fixture.plan();
  BOOST_REQUIRE(fixture.diagnostics.size() == 1U);
  BOOST_TEST((fixture.diagnostics.items()[0].code == ErrorCode::no_loss));
}

BOOST_AUTO_TEST_SUITE_END()

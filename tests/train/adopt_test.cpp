// A session that takes another one's place between two steps.
#include <boost/test/unit_test.hpp>

#include <algorithm>

#include "io/atomic_file.h"
#include "train/run_document.h"
#include "train/scratch_folder.h"
#include "train/toy_session.h"

using namespace loom;
using namespace loom::check;

namespace {

std::unique_ptr<Session> session_of(Document document) {
  return std::make_unique<Session>(std::move(document), toy_session_registry(),
                                   SessionSettings{.threads = 2, .lanes = 2, .shard = 3});
}

// With everything that a step leaves behind: averages, momentum, two objectives that rest in turn, schedules.
Document rich_document() {
  Document document = toy_document();
  document.objectives = {objective("encoder", {"fit", "size"}, {"enc"}), objective("decoder", {"fit"}, {"dec"})};
  document.objectives[1].every = 3;
  document.objectives[1].optimizer.type = "sgd";
  document.objectives[1].optimizer.options["momentum"] = {OptionValue(0.9), {}};
  document.train.average = 0.9;
  document.train.spike_factor = 100;
  return document;
}

std::vector<float> weights_of(Session& session) {
  std::vector<float> all;
  for (const Parameter& item : session.parameters().items())
    all.insert(all.end(), item.value.values().begin(), item.value.values().end());
  return all;
}

void steps(Session& session, int count) {
  for (int i = 0; i < count; ++i) session.step();
}

NodeEntry* find(Document& document, const std::string& path) {
  const auto it = std::ranges::find(document.nodes, path, &NodeEntry::path);
  return it == document.nodes.end() ? nullptr : &*it;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(session_adoption)

BOOST_AUTO_TEST_CASE(exchanges_without_a_change_leave_every_bit) {
  auto whole = session_of(rich_document());
  steps(*whole, 12);
  auto running = session_of(rich_document());
  for (int i = 0; i < 12; ++i) {
    running->step();
    auto next = session_of(rich_document());
    next->state().check_adoption(running->state());
    next->training_data().share(running->training_data());
    const Adoption adoption = next->adopt(*running);
    BOOST_TEST(adoption.fresh.empty());
    BOOST_TEST(adoption.set_aside.empty());
    BOOST_TEST(!adoption.measure_changed);
    BOOST_TEST(next->steps_done() == i + 1);
    running = std::move(next);
  }
  BOOST_TEST((weights_of(*running) == weights_of(*whole)));
}

BOOST_AUTO_TEST_CASE(the_session_before_goes_on_as_if_nothing_had_been_tried) {
  auto whole = session_of(rich_document()), running = session_of(rich_document());
  steps(*whole, 10);
  steps(*running, 4);
  auto next = session_of(rich_document());
  next->adopt(*running);
  steps(*next, 3);
  steps(*running, 6);
  BOOST_TEST((weights_of(*running) == weights_of(*whole)));
}

BOOST_AUTO_TEST_CASE(what_is_gone_is_kept_and_comes_back) {
  Document without = rich_document();
  std::erase_if(without.nodes, [](const NodeEntry& node) { return node.path == "dec/b"; });
  for (InputEntry& input : find(without, "s")->inputs) {
    for (Reference& source : input.sources) {
      if (source.node == "dec/b") source.node = "enc/a";
    }
  }
  without.objectives.pop_back();
  auto first = session_of(rich_document());
  steps(*first, 5);
  const int gone = first->parameters().find("dec/b.weight");
  BOOST_REQUIRE(gone >= 0);
  const float value = first->parameters().at(gone).value.values()[0];

  auto second = session_of(without);
  const Adoption removed = second->adopt(*first);
  BOOST_TEST(removed.set_aside == std::vector<std::string>{"dec/b.weight"}, boost::test_tools::per_element());
  steps(*second, 2);

  auto third = session_of(rich_document());
  const Adoption back = third->adopt(*second);
  BOOST_TEST(back.restored == std::vector<std::string>{"dec/b.weight"}, boost::test_tools::per_element());
  BOOST_TEST(back.fresh.empty());
  BOOST_TEST(third->parameters().at(third->parameters().find("dec/b.weight")).value.values()[0] == value);
  steps(*third, 2);
}

BOOST_AUTO_TEST_CASE(another_batch_seed_or_data_set_is_refused_with_every_reason) {
  auto running = session_of(toy_document());
  running->step();
  Document other = toy_document();
  other.train.batch = 8;
  other.train.seed = 5;
  other.data.options["count"] = {OptionValue(50), {}};
  const auto next = session_of(other);
  try {
    next->state().check_adoption(running->state());
    BOOST_FAIL("it was accepted");
  } catch (const Error& error) {
    BOOST_TEST((error.code() == ErrorCode::candidate_unfit));
    BOOST_TEST(error.diagnostics().size() == 3U);
  }
}

BOOST_AUTO_TEST_CASE(another_loss_forgets_the_best_value) {
  auto running = session_of(toy_document());
  running->step();
  Document other = toy_document();
  other.losses.pop_back();
  std::erase_if(other.nodes, [](const NodeEntry& node) { return node.path == "losses/size"; });
  auto next = session_of(other);
  BOOST_TEST(next->adopt(*running).measure_changed);
}

// A run that was changed, killed and resumed holds what had been set aside, and the graph of its newest checkpoint.
BOOST_AUTO_TEST_CASE(a_resumed_run_has_what_was_set_aside) {
  const ScratchFolder scratch;
  const std::string path = scratch.file("run");
  Document without = rich_document();
  without.resolved = "another\n";
  without.objectives[1].optimizer.options.clear();  // no momentum: its state is set aside
  auto first = session_of(rich_document());
  RunFolder run = RunFolder::create(path, first->document().resolved, first->run_settings());
  first->attach(run);
  steps(*first, 5);
  auto second = session_of(without);
  second->adopt(*first);
  second->step();
  run.keep_documents(first->document().resolved, without.resolved);
  second->save_checkpoint();
  steps(*second, 2);

  BOOST_TEST(read_text_file(path + "/graph.yaml") == "toy\n");  // the kill came before it was written
  BOOST_TEST(read_text_file(RunFolder::open(path, false).document_path()) == "another\n");
  auto resumed = session_of(without);
  resumed->attach(run);
  BOOST_REQUIRE(resumed->resume());
  BOOST_TEST(resumed->steps_done() == 6);
  steps(*resumed, 2);
  BOOST_TEST((weights_of(*resumed) == weights_of(*second)));
  auto back = session_of(rich_document()), expected = session_of(rich_document());
  back->adopt(*resumed);
  expected->adopt(*second);
  steps(*back, 3);
  steps(*expected, 3);
  BOOST_TEST((weights_of(*back) == weights_of(*expected)));
}

BOOST_AUTO_TEST_SUITE_END()

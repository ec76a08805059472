// A change of the document and the settings of a run: a kill at any instant leaves the run as it was, or changed.
#include <boost/test/unit_test.hpp>

#include <filesystem>

#include "io/atomic_file.h"
#include "train/run_document.h"
#include "train/scratch_folder.h"
#include "train/toy_session.h"

using namespace loom;
using namespace loom::check;

namespace {

struct Killed {};

// A run with a checkpoint of its step 0, and the session of it.
struct Run {
  ScratchFolder scratch;
  std::string path = scratch.file("run");
  std::unique_ptr<Session> session;
  CheckpointFolder checkpoints{path + "/checkpoints", 3};

  Run() {
    session =
        std::make_unique<Session>(toy_document(), toy_session_registry(), SessionSettings{.lanes = 2, .shard = 3});
    const RunSettings settings = session->run_settings();
    const RunFolder run = RunFolder::create(path, "toy\n", settings);
    checkpoints.save(info("toy\n", settings), session->state().tensors());
  }
  CheckpointInfo info(const std::string& document, const RunSettings& settings) const {
    CheckpointInfo info = session->state().info("toy:100");
    info.document_hash = document_hash(document);
    info.batch = settings.batch;
    info.lanes = settings.lanes;
    info.shard = settings.shard;
    return info;
  }
  RunSettings changed() const {
    RunSettings settings = session->settings();
    settings.batch = 8;
    settings.lanes = 1;
    settings.steps = 99;
    return settings;
  }
  // Killed before or after the checkpoint is written.
  void kill(const std::string& document, bool before) const {
    RunFolder run = RunFolder::open(path, true);
    const CheckpointInfo after = info(document, changed());
    const auto checkpoint = [&] {
      if (!before) CheckpointFolder(path + "/checkpoints", 3).save(after, session->state().tensors());
      throw Killed();
    };
    BOOST_CHECK_THROW(run.change(document, changed(), after, checkpoint), Killed);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(run_change)

BOOST_AUTO_TEST_CASE(killed_before_the_checkpoint_the_run_is_as_it_was) {
  for (const char* document : {"another\n", "toy\n"}) {
    Run run;
    run.kill(document, true);
    for (const bool to_train : {false, true}) {
      const RunFolder opened = RunFolder::open(run.path, to_train);
      BOOST_TEST(opened.settings().batch == 16);
      BOOST_TEST(opened.settings().lanes == 2);
      BOOST_TEST(read_text_file(opened.document_path()) == "toy\n");
    }
    BOOST_TEST(!std::filesystem::exists(run.path + "/graphs/change.json"));
  }
}

BOOST_AUTO_TEST_CASE(killed_after_the_checkpoint_the_run_is_changed) {
  for (const char* document : {"another\n", "toy\n"}) {
    Run run;
    run.kill(document, false);
    BOOST_TEST(RunSettings::from_json(read_text_file(run.path + "/run.json"), "").batch == 16);
    for (const bool to_train : {false, true}) {
      const RunFolder opened = RunFolder::open(run.path, to_train);
      BOOST_TEST(opened.settings().batch == 8);
      BOOST_TEST(opened.settings().lanes == 1);
      BOOST_TEST(opened.settings().steps == 99);
      BOOST_TEST(read_text_file(opened.document_path()) == document);
    }
    BOOST_TEST(RunSettings::from_json(read_text_file(run.path + "/run.json"), "").batch == 8);
    BOOST_TEST(read_text_file(run.path + "/graph.yaml") == document);
    BOOST_TEST(!std::filesystem::exists(run.path + "/graphs/change.json"));
  }
}

BOOST_AUTO_TEST_CASE(a_change_that_is_written_leaves_no_note) {
  Run run;
  RunFolder folder = RunFolder::open(run.path, true);
  const CheckpointInfo after = run.info("another\n", run.changed());
  folder.change("another\n", run.changed(), after,
                [&] { run.checkpoints.save(after, run.session->state().tensors()); });
  BOOST_TEST(!std::filesystem::exists(run.path + "/graphs/change.json"));
  BOOST_TEST(folder.settings().batch == 8);
  BOOST_TEST(read_text_file(run.path + "/graph.yaml") == "another\n");
}

// What somebody has written into graph.yaml is not taken back.
BOOST_AUTO_TEST_CASE(an_edited_document_stays) {
  Run run;
  {
    RunFolder folder = RunFolder::open(run.path, true);
    const CheckpointInfo after = run.info("another\n", run.changed());
    folder.change("another\n", run.changed(), after,
                  [&] { run.checkpoints.save(after, run.session->state().tensors()); });
  }
  write_text_file(run.path + "/graph.yaml", "edited\n");
  const RunFolder opened = RunFolder::open(run.path, true);
  BOOST_TEST(read_text_file(opened.document_path()) == "edited\n");
}

BOOST_AUTO_TEST_SUITE_END()

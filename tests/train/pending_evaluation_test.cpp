// The checkpoint before an evaluation: whatever happens to the evaluation, a resume makes it and has the same bits.
#include <boost/test/unit_test.hpp>

#include <sys/stat.h>

#include <filesystem>
#include <functional>

#include "io/atomic_file.h"
#include "train/scratch_folder.h"
#include "train/toy_session.h"

using namespace loom;
using namespace loom::check;

namespace {

namespace fs = std::filesystem;

std::function<void()> g_at_evaluation;  // called for the first item of the held-out split

// ToyData whose held-out split can be made to fail, or to be looked at while it is read.
class WatchedData final : public Dataset {
 public:
  static void declare(Contract& c) { ToyData::declare(c); }
  explicit WatchedData(const Options& options) : data_(options), split_(options.text("split")) {}
  std::int64_t size() const override { return data_.size(); }
  std::vector<Column> columns() const override { return data_.columns(); }
  void read(std::int64_t index, std::span<const TensorView> out) const override {
    if (split_ == "test" && index == 0 && g_at_evaluation) g_at_evaluation();
    data_.read(index, out);
  }
  std::string hash() const override { return data_.hash(); }

 private:
  ToyData data_;
  std::string split_;
};

const Registry& registry() {
  static const std::unique_ptr<Registry> own = [] {
    auto types = std::make_unique<Registry>();
    for (const std::string& name : toy_registry().node_names()) types->add(NodeType(*toy_registry().node(name)));
    types->add(detail::make_type<DatasetType, WatchedData>("toy"));
    add_updates(*types);
    return types;
  }();
  return *own;
}

// Evaluations at 5, 10 and 12, checkpoints at 4, 8 and 12: only the last step has both.
Document document() {
  Document document = toy_document();
  document.objectives = {objective("main", {"fit", "size"}, {})};
  document.train.eval_every = 5;
  document.train.average = 0.9;
  return document;
}

std::unique_ptr<Session> session_in(const std::string& path, std::optional<RunFolder>& run) {
  const bool fresh = !is_run_folder(path);
  SessionSettings settings{.lanes = 2, .shard = 3};
  if (!fresh) settings = settings_of(RunFolder::open(path, false).settings());
  auto session = std::make_unique<Session>(document(), registry(), settings);
  run = fresh ? RunFolder::create(path, document().resolved, session->run_settings()) : RunFolder::open(path, true);
  session->attach(*run);
  if (!fresh) session->resume();
  return session;
}

void train_in(const std::string& path) {
  std::optional<RunFolder> run;
  const auto session = session_in(path, run);
  session->train();
}

std::vector<std::int64_t> steps_in(const std::string& path) {
  std::vector<std::int64_t> steps;
  for (const auto& [step, file] : list_checkpoints(path + "/checkpoints")) steps.push_back(step);
  return steps;
}

CheckpointInfo info_of(const std::string& path, std::int64_t step) {
  const std::string file = path + "/checkpoints/" + checkpoint_name(step);
  return CheckpointInfo::from_metadata(SafetensorsFile(file).metadata(), file);
}

// The bytes of the last and the best checkpoint, and every curve.
void require_same(const std::string& path, const std::string& expected) {
  for (const char* file : {"/checkpoints/step-000012.safetensors", "/checkpoints/best.safetensors"})
    BOOST_TEST((read_text_file(path + file) == read_text_file(expected + file)), file);
  Metrics got(path + "/metrics.sqlite", 1, true), wanted(expected + "/metrics.sqlite", 1, true);
  BOOST_TEST((got.curves() == wanted.curves()));
  for (const auto& [name, split] : wanted.curves()) {
    const auto one = got.read(name, split), other = wanted.read(name, split);
    BOOST_REQUIRE(one.size() == other.size());
    for (std::size_t i = 0; i < one.size(); ++i)
      BOOST_TEST((one[i].step == other[i].step && one[i].value == other[i].value), name << " at " << one[i].step);
  }
}

ino_t inode_of(const std::string& file) {
  struct stat status {};
  BOOST_REQUIRE(::stat(file.c_str(), &status) == 0);
  return status.st_ino;
}

struct Fixture {
  ~Fixture() { g_at_evaluation = {}; }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(pending_evaluation, Fixture)

BOOST_AUTO_TEST_CASE(an_evaluation_that_succeeds_leaves_no_checkpoint_of_its_own) {
  const ScratchFolder folder;
  const std::string path = folder.file("run");
  std::vector<std::vector<std::int64_t>> during;
  g_at_evaluation = [&] { during.push_back(steps_in(path)); };
  train_in(path);
  BOOST_REQUIRE(during.size() == 3U);
  BOOST_TEST(during[0] == std::vector<std::int64_t>({4, 5}), boost::test_tools::per_element());
  BOOST_TEST(during[1] == std::vector<std::int64_t>({4, 8, 10}), boost::test_tools::per_element());
  BOOST_TEST(during[2] == std::vector<std::int64_t>({4, 8, 12}), boost::test_tools::per_element());
  BOOST_TEST(steps_in(path) == std::vector<std::int64_t>({4, 8, 12}), boost::test_tools::per_element());
  for (const std::int64_t step : {4, 8, 12}) BOOST_TEST(!info_of(path, step).evaluation_pending);
}

BOOST_AUTO_TEST_CASE(an_evaluation_that_fails_is_made_by_the_resume) {
  const ScratchFolder folder;
  train_in(folder.file("whole"));
  for (const int failing : {0, 1, 2}) {
    const std::string path = folder.file("failed-" + std::to_string(failing));
    const std::int64_t step = std::array<std::int64_t, 3>{5, 10, 12}[static_cast<std::size_t>(failing)];
    int evaluations = 0;
    g_at_evaluation = [&] {
      if (evaluations++ >= failing) throw Error(ErrorCode::data_corrupt, "a held-out item cannot be read");
    };
    BOOST_CHECK_EXCEPTION(train_in(path), Error, [&](const Error& error) {
      return std::string(error.what()).find("the evaluation after step " + std::to_string(step)) != std::string::npos;
    });
    BOOST_TEST(steps_in(path).back() == step);
    BOOST_TEST(info_of(path, step).evaluation_pending);
    BOOST_CHECK_THROW(train_in(path), Error);  // still broken: nothing is lost the second time either
    BOOST_TEST(steps_in(path).back() == step);
    g_at_evaluation = {};
    train_in(path);
    require_same(path, folder.file("whole"));
  }
}

// A copy of the folder in the middle of an evaluation is what a kill leaves behind.
BOOST_AUTO_TEST_CASE(a_kill_within_an_evaluation_loses_nothing) {
  const ScratchFolder folder;
  const std::string path = folder.file("whole");
  int evaluations = 0;
  g_at_evaluation = [&] {
    fs::copy(path, folder.file("killed-" + std::to_string(evaluations++)), fs::copy_options::recursive);
  };
  train_in(path);
  g_at_evaluation = {};
  BOOST_REQUIRE(evaluations == 3);
  for (int i = 0; i < evaluations; ++i) {
    const std::string killed = folder.file("killed-" + std::to_string(i));
    std::optional<RunFolder> run;
    {
      const auto session = session_in(killed, run);
      BOOST_TEST(session->steps_done() == (i == 0 ? 5 : i == 1 ? 10 : 12));
      BOOST_TEST(session->state().progress().evaluation_pending);
      session->train();
    }
    require_same(killed, path);
  }
}

BOOST_AUTO_TEST_CASE(the_same_state_is_not_written_twice) {
  const ScratchFolder folder;
  std::optional<RunFolder> run;
  const auto session = session_in(folder.file("run"), run);
  session->step();
  const std::string file = session->save_checkpoint();
  const ino_t first = inode_of(file);
  BOOST_TEST(session->save_checkpoint() == file);
  BOOST_TEST(inode_of(file) == first);
  fs::remove(file);
  BOOST_TEST(session->save_checkpoint() == file);
  BOOST_TEST(fs::exists(file));
  session->step();
  BOOST_TEST(session->save_checkpoint() != file);
}

// The step that fails is named, and the steps before it are kept.
BOOST_AUTO_TEST_CASE(a_step_that_fails_is_named) {
  const ScratchFolder folder;
  const std::string path = folder.file("run");
  std::int64_t kept = 0;
  std::string message;
  for (int item = 0; kept < 1; ++item) {
    fs::remove_all(path);
    Document damaged = document();
    damaged.data.options["fail_at"] = {OptionValue(item), {}};
    Session session(damaged, registry(), {.lanes = 2, .shard = 3});
    const RunFolder run = RunFolder::create(path, damaged.resolved, session.run_settings());
    session.attach(run);
    try {
      session.train();
    } catch (const Error& error) {
      message = error.what();
    }
    kept = session.steps_done();
  }
  BOOST_TEST(message.find("(in step " + std::to_string(kept + 1) + ")") != std::string::npos, message);
  BOOST_TEST(steps_in(path).back() == kept);
}

BOOST_AUTO_TEST_SUITE_END()

// Weights from elsewhere, as far as they fit: train --init.
#include <boost/test/unit_test.hpp>

#include "io/atomic_file.h"
#include "train/scratch_folder.h"
#include "train/toy_session.h"
#include "train/weight_sources.h"

using namespace loom;
using namespace loom::check;

namespace {

Document graph() {
  Document document;
  document.nodes = {entry("x", "input", {}, {{"shape", list({6})}}), entry("a", "scale", {"x"}),
                    entry("v/b", "scale", {"a"}), entry("losses/fit", "scale", {"v/b"})};
  return document;
}

// A file with tensors of one or more values, each filled with one number.
std::string file_with(const ScratchFolder& folder, const std::vector<std::tuple<std::string, int, float>>& tensors,
                      const TextMap& metadata = {}) {
  std::vector<Tensor> values;
  std::vector<NamedTensor> named;
  for (const auto& [name, size, value] : tensors) {
    values.emplace_back(DType::f32, Shape{size});
    std::ranges::fill(values.back().values(), value);
    named.push_back({name, values.back().view()});
  }
  std::string file = folder.file("weights.safetensors");
  write_safetensors(file, named, metadata);
  return file;
}

struct Loaded {
  Document document = graph();
  std::shared_ptr<const Graph> built = toy_graph(document.nodes);
  ParameterStore store{*built, 1};
  InitialisedWeights result;
  std::string text;

  void load(const InitialWeights& from) {
    result = load_what_fits(from, document.train, *built, store);
    for (const std::string& line : result.lines) text += line + "\n";
  }
  float value(const std::string& path) const { return store.at(store.find(path)).value.values()[0]; }
};

std::string failure(const InitialWeights& from) {
  Loaded loaded;
  const float before = loaded.value("a.weight");
  try {
    loaded.load(from);
  } catch (const Error& error) {
    BOOST_TEST(loaded.value("a.weight") == before);
    return error.what();
  }
  return "";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(initial_weights)

BOOST_AUTO_TEST_CASE(what_fits_is_taken_and_the_rest_is_named) {
  const ScratchFolder folder;
  const std::string file = file_with(
      folder,
      {{"a.weight", 1, 5.0F}, {"v/b.weight", 2, 6.0F}, {"losses/fit.weight", 1, 7.0F}, {"other.bias", 3, 1.0F}});
  Loaded loaded;
  const float initial = loaded.value("v/b.weight");
  loaded.load({file});
  BOOST_TEST(loaded.value("a.weight") == 5);
  BOOST_TEST(loaded.value("losses/fit.weight") == 7);
  BOOST_TEST(loaded.value("v/b.weight") == initial);
  BOOST_TEST(has(loaded.text, "loaded 2 of 3 parameters from " + file), loaded.text);
  BOOST_TEST(has(loaded.text, "v/b.weight [1] has F32 [2] in the file"), loaded.text);
  BOOST_TEST(has(loaded.text, "not used: other.bias"), loaded.text);
  BOOST_TEST(loaded.result.loaded.file == file);
  BOOST_TEST(loaded.result.loaded.step == -1);
}

BOOST_AUTO_TEST_CASE(moving_averages_and_the_step_of_a_checkpoint) {
  const ScratchFolder folder;
  CheckpointInfo info;
  info.step = 70;
  const std::string file =
      file_with(folder, {{"a.weight", 1, 5.0F}, {"average/a.weight", 1, 4.0F}, {"optimizer/main/a.weight/m", 1, 9.0F}},
                info.to_metadata());
  Loaded loaded;
  loaded.load({file});
  BOOST_TEST(loaded.value("a.weight") == 4);
  BOOST_TEST(loaded.result.loaded.step == 70);
  BOOST_TEST(has(loaded.text, "(step 70, moving averages)"), loaded.text);
  BOOST_TEST(has(loaded.text, "not in the file: v/b.weight, losses/fit.weight"), loaded.text);
  BOOST_TEST(!has(loaded.text, "not used"), loaded.text);
}

BOOST_AUTO_TEST_CASE(other_names_and_what_starts_anew) {
  const ScratchFolder folder;
  const std::string file = file_with(folder, {{"features.0.weight", 1, 5.0F}, {"features.2.weight", 1, 6.0F}});
  Loaded loaded;
  loaded.load({file, false, {{"features.0", "a"}, {"features.2", "v/b"}}});
  BOOST_TEST(loaded.value("a.weight") == 5);
  BOOST_TEST(loaded.value("v/b.weight") == 6);
  Loaded anew;
  anew.document.train.reinitialise = {"v"};
  const float initial = anew.value("v/b.weight");
  anew.load({file, false, {{"features.0", "a"}, {"features.2", "v/b"}}});
  BOOST_TEST(anew.value("v/b.weight") == initial);
  BOOST_TEST(has(anew.text, "start anew (train.reinitialise): v/b.weight"), anew.text);
}

BOOST_AUTO_TEST_CASE(nothing_that_fits_is_an_error_with_the_nearest_names) {
  const ScratchFolder folder;
  const std::string file = file_with(folder, {{"aa.weight", 1, 5.0F}, {"c.weight", 1, 6.0F}});
  const std::string text = failure({file});
  BOOST_TEST(has(text, "none of the 3 parameters can be taken"), text);
  BOOST_TEST(has(text, "aa.weight"), text);
  BOOST_TEST(has(text, "--rename"), text);
  const std::string unknown = failure({file, false, {{"cc", "a"}, {"c", "w"}}});
  BOOST_TEST(has(unknown, "'cc' names nothing in " + file), unknown);
  BOOST_TEST(has(unknown, "'w' names nothing in the graph"), unknown);
  BOOST_TEST(has(failure({folder.file("none")}), "no such run"));
}

// The run says where its weights come from, and its first checkpoint holds them.
BOOST_AUTO_TEST_CASE(a_run_records_them) {
  const ScratchFolder folder;
  const std::string file = file_with(folder, {{"enc/a.weight", 1, 0.25F}});
  SessionSettings settings{.lanes = 2, .shard = 3};
  settings.init = InitialWeights{file};
  Diagnostics findings;
  Document document = toy_document();
  document.train.average = 0.5;
  const auto session = start_session(document, toy_session_registry(), settings, findings);
  const RunFolder run = start_run(folder.file("run"), *session);
  const RunSettings stored = RunFolder::open(run.path(), false).settings();
  BOOST_REQUIRE(stored.weights.size() == 1U);
  BOOST_TEST(stored.weights[0].file == file);
  const SafetensorsFile first(run.checkpoints_path() + "/" + checkpoint_name(0));
  BOOST_TEST(first.read("enc/a.weight").values()[0] == 0.25F);
  BOOST_TEST(first.read("average/enc/a.weight").values()[0] == 0.25F);
  const std::vector<HistoryEvent> history = session->metrics()->history();
  BOOST_REQUIRE(history.size() == 1U);
  BOOST_TEST(history[0].kind == "initialised");
  BOOST_TEST(has(history[0].what, "loaded 1 of 4 parameters"), history[0].what);
}

BOOST_AUTO_TEST_SUITE_END()

// Weights of a run as the beginning of another graph's.
#include "train/weight_sources.h"

#include "train/scratch_folder.h"
#include "train/toy_session.h"

using namespace loom;
using namespace loom::check;

namespace {

// A run whose weights are 1 and 2, with averages 3 and 4.
std::string make_run(const ScratchFolder& folder, bool checkpoint = true) {
  const std::string path = folder.file("run");
  const RunFolder run = RunFolder::create(path, "a", {});
  if (!checkpoint) return path;
  std::vector<Tensor> tensors;
  std::vector<NamedTensor> named;
  for (const float value : {1.0F, 2.0F, 3.0F}) {
    tensors.emplace_back(DType::f32, Shape{1});
    tensors.back().values()[0] = value;
  }
  named = {{"a.weight", tensors[0].view()}, {"b.weight", tensors[1].view()}, {"average/b.weight", tensors[2].view()}};
  CheckpointFolder checkpoints(run.checkpoints_path(), 3);
  CheckpointInfo info;
  info.step = 7;
  checkpoints.save(info, named);
  return path;
}

Document document_with(std::vector<WeightSource> sources) {
  Document document;
  document.nodes = {entry("x", "input", {}, {{"shape", list({6})}}), entry("v/a", "scale", {"x"}),
                    entry("v/b", "scale", {"v/a"}), entry("own", "scale", {"v/b"})};
  document.weight_sources = std::move(sources);
  return document;
}

float value(const ParameterStore& store, const std::string& path) {
  return store.at(store.find(path)).value.values()[0];
}

std::vector<Diagnostic> findings(const Document& document) {
  Diagnostics diagnostics;
  check_weight_sources(document, ParameterStore(*toy_graph(document.nodes)), diagnostics);
  return diagnostics.items();
}

const Location kWhere{"top.yaml", 4, 20};

}  // namespace

BOOST_AUTO_TEST_SUITE(weight_sources)

BOOST_AUTO_TEST_CASE(a_run_and_a_file_are_loaded_behind_their_prefix) {
  const ScratchFolder folder;
  const std::string run = make_run(folder), file = run + "/checkpoints/" + checkpoint_name(7);
  for (const std::string& path : {run, file}) {
    const Document document = document_with({{"v/", path, kWhere}});
    BOOST_TEST(findings(document).empty());
    ParameterStore store(*toy_graph(document.nodes), 1);
    const float own = value(store, "own.weight");
    const std::uint64_t version = store.version();
    const auto loaded = load_weight_sources(document, *toy_graph(document.nodes), store);
    BOOST_TEST(value(store, "v/a.weight") == 1);
    BOOST_TEST(value(store, "v/b.weight") == 3);  // the moving average, as for every use of a run's weights
    BOOST_TEST(value(store, "own.weight") == own);
    BOOST_TEST(store.version() > version);
    BOOST_REQUIRE(loaded.size() == 1U);
    BOOST_TEST(loaded[0].nodes == "v/");
    BOOST_TEST(loaded[0].file == file);
    BOOST_TEST(loaded[0].hash.starts_with("crc32:"));
  }
}

// A file from elsewhere: other names, and what starts anew is not looked for.
BOOST_AUTO_TEST_CASE(names_in_the_file_can_be_others) {
  const ScratchFolder folder;
  const std::string file = folder.file("elsewhere.safetensors");
  Tensor first(DType::f32, {1}), second(DType::f32, {1});
  first.values()[0] = 5;
  second.values()[0] = 6;
  const std::vector<NamedTensor> named = {{"features.0.weight", first.view()}, {"features.2.weight", second.view()}};
  write_safetensors(file, named, {});
  Document document = document_with({{"v/", file, kWhere, {{"features.0", "a"}, {"features.2", "b"}}}});
  BOOST_TEST(findings(document).empty());
  ParameterStore store(*toy_graph(document.nodes), 1);
  load_weight_sources(document, *toy_graph(document.nodes), store);
  BOOST_TEST(value(store, "v/a.weight") == 5);
  BOOST_TEST(value(store, "v/b.weight") == 6);
  // Of several names that match, the longest decides.
  document.weight_sources[0].rename = {{"other", "a"}, {"features.0", "a.weight"}, {"features.2", "b"}};
  BOOST_REQUIRE(findings(document).size() == 1U);
  BOOST_TEST(findings(document)[0].text().find("features.0 missing") != std::string::npos);
  document.weight_sources[0].rename = {{"features.0", "a"}, {"features.2", "b"}};
  document.weight_sources[0].rename.pop_back();
  BOOST_REQUIRE(findings(document).size() == 1U);
  BOOST_TEST(findings(document)[0].text().find("b.weight missing") != std::string::npos);
  document.train.reinitialise = {"v/b"};
  BOOST_TEST(findings(document).empty());
  ParameterStore anew(*toy_graph(document.nodes), 1);
  const float initial = value(anew, "v/b.weight");
  load_weight_sources(document, *toy_graph(document.nodes), anew);
  BOOST_TEST(value(anew, "v/a.weight") == 5);
  BOOST_TEST(value(anew, "v/b.weight") == initial);
}

// Of a run that has the nodes under the same path, and the parameters of losses beside them.
BOOST_AUTO_TEST_CASE(a_part_of_a_run_and_its_losses) {
  const ScratchFolder folder;
  const std::string file = folder.file("whole.safetensors");
  Tensor ones(DType::f32, {1}), twos(DType::f32, {1}), wide(DType::f32, {2});
  ones.values()[0] = 1;
  twos.values()[0] = 2;
  const std::vector<NamedTensor> named = {{"v/a.weight", ones.view()},
                                          {"v/b.weight", ones.view()},
                                          {"losses/fit.weight", twos.view()},
                                          {"losses/other.weight", wide.view()}};
  write_safetensors(file, named, {});
  Document document = document_with({{"v/", file, kWhere}});
  document.nodes.push_back(entry("losses/fit", "scale", {"v/b"}));
  document.nodes.push_back(entry("losses/other", "scale", {"v/b"}));  // of another shape in the file
  BOOST_TEST(findings(document).empty());
  ParameterStore store(*toy_graph(document.nodes), 1);
  const float own = value(store, "own.weight"), other = value(store, "losses/other.weight");
  load_weight_sources(document, *toy_graph(document.nodes), store);
  BOOST_TEST(value(store, "v/a.weight") == 1);
  BOOST_TEST(value(store, "losses/fit.weight") == 2);
  BOOST_TEST(value(store, "losses/other.weight") == other);
  BOOST_TEST(value(store, "own.weight") == own);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_has_the_place_of_the_document) {
  const ScratchFolder folder;
  const auto only = [&](const Document& document, ErrorCode code, const std::string& text) {
    const auto found = findings(document);
    BOOST_REQUIRE(found.size() == 1U);
    BOOST_TEST((found[0].code == code));
    BOOST_TEST((found[0].where.file == kWhere.file && found[0].where.line == kWhere.line));
    BOOST_TEST(found[0].text().find(text) != std::string::npos, found[0].text());
    ParameterStore store(*toy_graph(document.nodes), 1);
    BOOST_CHECK_THROW(load_weight_sources(document, *toy_graph(document.nodes), store), Error);
  };
  only(document_with({{"v/", folder.file("none"), kWhere}}), ErrorCode::run_not_found, "no such run");
  only(document_with({{"v/", folder.path(), kWhere}}), ErrorCode::run_not_found, "no run.json");
  {
    const ScratchFolder other;
    only(document_with({{"v/", make_run(other, false), kWhere}}), ErrorCode::run_not_found, "no checkpoint");
  }
  const std::string run = make_run(folder);
  Document document = document_with({{"v/", run, kWhere}});
  document.nodes.push_back(entry("v/c", "scale", {"x"}));
  only(document, ErrorCode::checkpoint_mismatch, "c.weight missing");
  std::filesystem::resize_file(run + "/checkpoints/" + checkpoint_name(7), 100);
  only(document_with({{"v/", run, kWhere}}), ErrorCode::checkpoint_corrupt, "the weights: ");
}

BOOST_AUTO_TEST_SUITE_END()

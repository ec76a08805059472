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
    const auto loaded = load_weight_sources(document, store);
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

BOOST_AUTO_TEST_CASE(what_is_wrong_has_the_place_of_the_document) {
  const ScratchFolder folder;
  const auto only = [&](const Document& document, ErrorCode code, const std::string& text) {
    const auto found = findings(document);
    BOOST_REQUIRE(found.size() == 1U);
    BOOST_TEST((found[0].code == code));
    BOOST_TEST((found[0].where.file == kWhere.file && found[0].where.line == kWhere.line));
    BOOST_TEST(found[0].text().find(text) != std::string::npos, found[0].text());
    ParameterStore store(*toy_graph(document.nodes), 1);
    BOOST_CHECK_THROW(load_weight_sources(document, store), Error);
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

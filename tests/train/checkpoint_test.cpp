// Checkpoints, their folder, and the run folder around them.
#include "train/checkpoint.h"

#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "io/atomic_file.h"
#include "loom/error.h"
#include "run/algorithms.h"
#include "support/toy_nodes.h"
#include "train/run_folder.h"
#include "train/scratch_folder.h"

using namespace loom;
using namespace loom::check;
namespace fs = std::filesystem;

namespace {

CheckpointInfo sample_info(std::int64_t step) {
  CheckpointInfo info;
  info.step = step;
  info.seed = 18446744073709551615U;
  info.lanes = 3;
  info.shard = 5;
  info.sums = "tree";
  info.isa = "AVX2";
  info.batch = 17;
  info.data_hash = "crc32:12";
  info.document_hash = "crc32:34";
  info.best_value = 0.1 + 0.2;
  info.best_step = 4;
  info.evaluations_without_improvement = 2;
  info.optimizer_updates = {{"main", 9}, {"critic", 3}};
  info.average_updates = 9;
  info.guard = {2, 1, {{1.0 / 3, 30}, {0, 0}}};
  return info;
}

ErrorCode code_of(const std::function<void()>& action, std::string* text = nullptr) {
  try {
    action();
  } catch (const Error& error) {
    if (text != nullptr) *text = error.what();
    return error.code();
  }
  return ErrorCode::internal;
}

void damage(const std::string& file) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekp(-2, std::ios::end);
  stream.put('\x5A');
}

}  // namespace

BOOST_AUTO_TEST_SUITE(checkpoint)

BOOST_AUTO_TEST_CASE(metadata_comes_back_exactly) {
  const CheckpointInfo info = sample_info(120);
  const CheckpointInfo back = CheckpointInfo::from_metadata(info.to_metadata(), "f");
  BOOST_TEST((back.to_metadata() == info.to_metadata()));
  BOOST_TEST(back.seed == info.seed);
  BOOST_TEST(*back.best_value == *info.best_value);
  BOOST_TEST(back.guard.norms[0].mean == info.guard.norms[0].mean);
  BOOST_TEST(back.optimizer_updates.at("critic") == 3);
  BOOST_TEST(info.to_metadata().at("data_position") == "2040");
  CheckpointInfo fresh;
  BOOST_TEST(!CheckpointInfo::from_metadata(fresh.to_metadata(), "f").best_value.has_value());
  TextMap broken = info.to_metadata();
  broken["step"] = "12x";
  BOOST_TEST((code_of([&] { CheckpointInfo::from_metadata(broken, "f"); }) == ErrorCode::checkpoint_mismatch));
  broken.erase("step");
  BOOST_TEST((code_of([&] { CheckpointInfo::from_metadata(broken, "f"); }) == ErrorCode::checkpoint_mismatch));
}

// A version that did not record it added the lanes one after another: from four on that is not the tree.
BOOST_AUTO_TEST_CASE(sums_of_older_versions) {
  for (const auto& [lanes, sums] :
       std::vector<std::pair<int, std::string>>{{1, "tree"}, {3, "tree"}, {4, "in order"}}) {
    CheckpointInfo info = sample_info(7);
    info.lanes = lanes;
    TextMap metadata = info.to_metadata();
    metadata.erase("sums");
    metadata.erase("isa");
    metadata.erase("arithmetic");
    const CheckpointInfo read = CheckpointInfo::from_metadata(metadata, "old");
    BOOST_TEST(read.sums == sums);
    BOOST_TEST(read.isa == "");
    BOOST_TEST(read.arithmetic == kUnrecordedArithmetic);
  }
}

BOOST_AUTO_TEST_CASE(arithmetic_is_recorded) {
  CheckpointInfo info = sample_info(7);
  info.arithmetic = kArithmetic;
  BOOST_TEST(CheckpointInfo::from_metadata(info.to_metadata(), "new").arithmetic == kArithmetic);
}

BOOST_AUTO_TEST_CASE(names_of_files) {
  BOOST_TEST(checkpoint_name(12) == "step-000012.safetensors");
  BOOST_TEST(checkpoint_name(12345678) == "step-12345678.safetensors");
  BOOST_TEST(checkpoint_step("step-12345678.safetensors").value() == 12345678);
  for (const std::string name : {"step-.safetensors", "step-1x.safetensors", "best.safetensors",
                                 "step-000012.safetensors.9.tmp", "step--1.safetensors"}) {
    BOOST_TEST(!checkpoint_step(name).has_value(), name);
  }
}

BOOST_AUTO_TEST_CASE(all_mismatches_are_listed_and_nothing_is_changed) {
  const ScratchFolder folder;
  Tensor a(DType::f32, {2}), b(DType::f32, {3}), other(DType::f32, {4});
  a.values()[0] = 7;
  const std::vector<NamedTensor> written = {{"enc/conv1.weight", a.view()}, {"enc/conv1.bias", b.view()}};
  write_safetensors(folder.file("c"), written, sample_info(1).to_metadata());
  Tensor target(DType::f32, {2});
  const std::vector<NamedTensor> expected = {
      {"enc/conv1.weight", target.view()}, {"enc/conv2.weight", b.view()}, {"enc/conv1.bias", other.view()}};
  std::string text;
  BOOST_TEST((code_of([&] { read_checkpoint(folder.file("c"), expected); }, &text) == ErrorCode::checkpoint_mismatch));
  BOOST_TEST(text.find("'enc/conv2.weight' is not in the file") != std::string::npos, text);
  BOOST_TEST(text.find("did you mean 'enc/conv1.weight'?") != std::string::npos, text);
  BOOST_TEST(text.find("'enc/conv1.bias' has a different shape") != std::string::npos, text);
  BOOST_TEST(target.values()[0] == 0.0F);
  const std::vector<NamedTensor> fewer = {{"enc/conv1.weight", target.view()}};
  BOOST_TEST((code_of([&] { read_checkpoint(folder.file("c"), fewer); }, &text) == ErrorCode::checkpoint_mismatch));
  BOOST_TEST(text.find("the graph does not have 'enc/conv1.bias'") != std::string::npos, text);
}

BOOST_AUTO_TEST_CASE(weights_load_by_path_below_a_prefix_and_averaged) {
  const ScratchFolder folder;
  Tensor weight(DType::f32, {1}), average(DType::f32, {1});
  weight.values()[0] = 2;
  average.values()[0] = 3;
  const std::vector<NamedTensor> written = {
      {"a.weight", weight.view()}, {"average/a.weight", average.view()}, {"optimizer/main/a.weight/m", weight.view()}};
  write_safetensors(folder.file("w"), written);
  const auto graph = toy_graph(
      {entry("x", "input", {}, {{"shape", list({1})}}), entry("used/a", "scale", {"x"}), entry("b", "scale", {"x"})});
  ParameterStore store(*graph, 1);
  const float b = store.at(1).value.values()[0];
  load_weights(folder.file("w"), store, {.prefix = "used/"});
  BOOST_TEST(store.at(0).value.values()[0] == 3.0F);
  load_weights(folder.file("w"), store, {.prefix = "used/", .averages = false});
  BOOST_TEST(store.at(0).value.values()[0] == 2.0F);
  BOOST_TEST(store.at(1).value.values()[0] == b);
  BOOST_TEST((code_of([&] { load_weights(folder.file("w"), store); }) == ErrorCode::checkpoint_mismatch));
}

BOOST_AUTO_TEST_CASE(the_last_ones_and_the_best_are_kept) {
  const ScratchFolder folder;
  CheckpointFolder checkpoints(folder.file("checkpoints"), 2);
  Tensor a(DType::f32, {2});
  const std::vector<NamedTensor> tensors = {{"a", a.view()}};
  for (const std::int64_t step : {10, 20, 30}) {
    a.values()[0] = static_cast<float>(step);
    checkpoints.save(sample_info(step), tensors);
    if (step == 10) checkpoints.save_best(sample_info(step), tensors);
  }
  const auto list = list_checkpoints(folder.file("checkpoints"));
  BOOST_REQUIRE(list.size() == 2U);
  BOOST_TEST(list[0].first == 20);
  BOOST_TEST(SafetensorsFile(checkpoints.best_path()).read("a").values()[0] == 10.0F);
  a.values()[0] = 35;
  checkpoints.save_best(sample_info(35), tensors);  // no checkpoint of that step: a file of its own
  BOOST_TEST(SafetensorsFile(checkpoints.best_path()).read("a").values()[0] == 35.0F);
  BOOST_TEST(list_checkpoints(folder.file("checkpoints")).size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_corrupt_checkpoint_falls_back_to_the_one_before) {
  const ScratchFolder folder;
  const std::string path = folder.file("checkpoints");
  CheckpointFolder checkpoints(path, 3);
  BOOST_TEST(checkpoints.recover().empty());
  BOOST_TEST((code_of([&] { find_checkpoint(path, true); }) == ErrorCode::run_not_found));
  Tensor a(DType::f32, {2});
  const std::vector<NamedTensor> tensors = {{"a", a.view()}};
  for (const std::int64_t step : {1, 2, 3}) checkpoints.save(sample_info(step), tensors);
  damage(path + "/" + checkpoint_name(3));
  fs::resize_file(path + "/" + checkpoint_name(2), 40);
  BOOST_TEST(find_checkpoint(path, true) == path + "/" + checkpoint_name(1));
  BOOST_TEST(list_checkpoints(path).size() == 3U);  // a reader changes nothing
  BOOST_TEST(checkpoints.recover() == path + "/" + checkpoint_name(1));
  BOOST_TEST(list_checkpoints(path).size() == 1U);
  BOOST_TEST(fs::exists(path + "/" + checkpoint_name(3) + ".corrupt"));
  damage(path + "/" + checkpoint_name(1));
  BOOST_TEST((code_of([&] { checkpoints.recover(); }) == ErrorCode::checkpoint_corrupt));
}

// It is there, unlike one that a running job removes: its own error is given, at once.
BOOST_AUTO_TEST_CASE(a_link_to_nothing_is_named) {
  const ScratchFolder folder;
  fs::create_symlink(folder.file("nothing"), folder.file(checkpoint_name(7)));
  std::string text;
  const ErrorCode code = code_of([&] { find_checkpoint(folder.file("."), false); }, &text);
  BOOST_TEST((code != ErrorCode::run_not_found), text);
  BOOST_TEST(text.find(checkpoint_name(7)) != std::string::npos, text);
}

BOOST_AUTO_TEST_CASE(readers_find_one_while_a_job_writes_and_removes) {
  const ScratchFolder folder;
  const std::string path = folder.file("checkpoints");
  constexpr std::int64_t kSteps = 5000;
  CheckpointFolder checkpoints(path, 1);
  Tensor a(DType::f32, {2});
  const std::vector<NamedTensor> tensors = {{"a", a.view()}};
  checkpoints.save(sample_info(0), tensors);
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (std::int64_t step = 1; step <= kSteps; ++step) {
      checkpoints.save_before_evaluation(sample_info(step), tensors);
      checkpoints.drop(step - 1);
    }
    done = true;
  });
  std::vector<std::string> problems;
  do {
    try {
      if (find_checkpoint(path, false).empty()) problems.emplace_back("no path");
    } catch (const Error& error) {
      problems.emplace_back(error.what());
    }
  } while (!done);
  writer.join();
  BOOST_TEST(problems == std::vector<std::string>(), boost::test_tools::per_element());
  BOOST_TEST(find_checkpoint(path, false) == path + "/" + checkpoint_name(kSteps));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(run_folder)

BOOST_AUTO_TEST_CASE(settings_come_back) {
  RunSettings settings;
  settings.seed = 18446744073709551615U;
  settings.lanes = 4;
  settings.shard = 8;
  settings.batch = 128;
  settings.steps = 1000;
  settings.data.type = "idx";
  settings.data.options["path"] = {"data/mnist \"x\"", {}};
  settings.data.options["limit"] = {10, {}};
  settings.data.options["rate"] = {1.0, {}};
  settings.weights = {{"vq/", "/runs/vq/best.safetensors", "crc32:00000001"}};
  settings.data.options["flags"] = {std::vector<OptionValue>{true, 2, "three"}, {}};
  const ScratchFolder folder;
  const std::string path = folder.file("deep/run");
  { const RunFolder run = RunFolder::create(path, "graph: x\n", settings); }
  const RunFolder run = RunFolder::open(path, true);
  BOOST_TEST(run.settings().to_json() == settings.to_json());
  BOOST_TEST(run.settings().seed == settings.seed);
  BOOST_REQUIRE(run.settings().weights.size() == 1U);
  BOOST_TEST(run.settings().weights[0].hash == "crc32:00000001");
  BOOST_TEST((run.settings().data.options.at("rate").value == OptionValue(1.0)));
  BOOST_TEST(read_text_file(run.document_path()) == "graph: x\n");
  BOOST_TEST(is_run_folder(path));
}

BOOST_AUTO_TEST_CASE(what_exists_is_not_overwritten) {
  const ScratchFolder folder;
  const std::string path = folder.file("run");
  { const RunFolder run = RunFolder::create(path, "a", {}); }
  std::string text;
  BOOST_TEST((code_of([&] { RunFolder::create(path, "b", {}); }, &text) == ErrorCode::run_exists));
  BOOST_TEST(text.find("--resume") != std::string::npos, text);
  BOOST_TEST(read_text_file(path + "/graph.yaml") == "a");
  fs::remove(path + "/run.json");  // as if it had been killed while it was made
  { const RunFolder again = RunFolder::create(path, "b", {}); }
  // Killed between the first checkpoint and run.json: it is no run, and what it held does not go into the next one.
  const auto cut = [&](const RunFolder& run) {
    write_text_file(run.checkpoints_path() + "/" + checkpoint_name(0), "weights");
    write_text_file(run.metrics_path(), "curves");
    throw Error(ErrorCode::internal, "killed");
  };
  const std::string begun = folder.file("begun");
  BOOST_TEST((code_of([&] { RunFolder::create(begun, "a", {}, cut); }) == ErrorCode::internal));
  BOOST_TEST(!is_run_folder(begun));
  RunFolder::check_free(begun);
  {
    const RunFolder run = RunFolder::create(begun, "b", {});
    BOOST_TEST(list_checkpoints(run.checkpoints_path()).empty());
    BOOST_TEST(!fs::exists(run.metrics_path()));
  }
  fs::create_directory(folder.file("mine"));
  write_text_file(folder.file("mine/thesis.txt"), "mine");
  BOOST_TEST((code_of([&] { RunFolder::check_free(folder.file("mine")); }) == ErrorCode::run_exists));
  BOOST_TEST((code_of([&] { RunFolder::check_free(folder.file("mine/thesis.txt")); }) == ErrorCode::run_exists));
  BOOST_TEST((code_of([&] { RunFolder::open(folder.file("mine"), false); }) == ErrorCode::run_not_found));
  BOOST_TEST(
      (code_of([&] { RunFolder::create(folder.file("mine/thesis.txt/run"), "", {}); }) == ErrorCode::write_failed));
  write_text_file(path + "/run.json", "{\"format\": 1}");
  BOOST_TEST((code_of([&] { RunFolder::open(path, false); }) == ErrorCode::checkpoint_corrupt));
}

BOOST_AUTO_TEST_CASE(one_process_trains_a_run) {
  const ScratchFolder folder;
  const std::string path = folder.file("run");
  RunFolder run = RunFolder::create(path, "a", {});
  BOOST_TEST((code_of([&] { RunFolder::open(path, true); }) == ErrorCode::run_exists));
  const RunFolder reader = RunFolder::open(path, false);
  const RunFolder moved = std::move(run);
  BOOST_TEST((code_of([&] { RunFolder::open(path, true); }) == ErrorCode::run_exists));
  { const RunFolder ended = RunFolder::create(folder.file("other"), "a", {}); }
  const RunFolder again = RunFolder::open(folder.file("other"), true);
}

BOOST_AUTO_TEST_SUITE_END()

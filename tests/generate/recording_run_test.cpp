// Long recordings are computed in windows, and what is kept of them is what one whole piece gives.
#include "generate/recording_run.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include "document/rewrite.h"
#include "generate/entry.h"
#include "io/wav.h"
#include "loom/trainer.h"
#include "train/scratch_folder.h"

namespace loom {
namespace {

// Four samples to a code, and dilated residual blocks on both sides.
constexpr const char* kCodes = R"(version: 1
graph: codes
nodes:
  x:    {type: input, shape: [64, 1]}
  a:    {type: conv, in: x, filters: 8, kernel: 4, stride: 2, padding: 1, activation: relu}
  b:    {type: conv, in: a, filters: 8, kernel: 4, stride: 2, padding: 1, activation: relu}
  r1:   {type: conv, in: b, filters: 8, kernel: 3, dilation: 3, padding: same, activation: relu}
  s1:   {type: add, in: [b, r1]}
  norm: {type: batch_norm, in: s1}
  r2:   {type: conv, in: norm, filters: 8, kernel: 3, dilation: 9, padding: same, activation: relu}
  s2:   {type: add, in: [norm, r2]}
  q:    {type: vector_quantizer, in: s2, codes: 64, update: loss, distance: cosine}
  back: {type: conv_transpose, in: q.quantized, filters: 8, kernel: 4, stride: 2, padding: 1, activation: relu}
  up:   {type: upsample, in: back}
  mean: {type: conv, in: up, filters: 1, kernel: 5, padding: same}
losses:
  reconstruction: {type: squared_error, in: {x: mean, target: x}}
  quantizer:      {of: q.loss}
train: {batch: 4, steps: 2}
generate: {reconstruct: {show: mean}}
)";

// Causal and dilated, with a draw at every position.
constexpr const char* kWaves = R"(version: 1
graph: waves
nodes:
  x:      {type: input, shape: [64, 1]}
  flat:   {type: reshape, in: x, shape: [-1]}
  levels: {type: mu_law_encode, in: flat, classes: 16}
  before: {type: embedding, in: levels, count: 16, dim: 8}
  start:  {type: shift, in: before, axis: 1, by: 1}
  first:  {type: wavenet_block, in: start, skip: 8}
  block:
    type: wavenet_block
    in: {x: first.y, skip_sum: first.skip}
    skip: 8
    dilation: "${2 ^ (index + 1)}"
    chain: {x: y, skip_sum: skip}
    repeat: 4
  logits: {type: linear, in: block.skip, units: 16}
  drawn:  {type: categorical_sampler, in: logits}
losses: {nll: {type: categorical_nll, in: {logits: logits, target: levels}}}
train: {batch: 4, steps: 2}
generate: {encode: {show: drawn}}
)";

// What group normalisation divides by is of all positions.
constexpr const char* kWhole = R"(version: 1
graph: whole
nodes:
  x:    {type: input, shape: [64, 1]}
  h:    {type: conv, in: x, filters: 4, kernel: 3, padding: same}
  code: {type: group_norm, in: h, groups: 2}
  mean: {type: conv, in: code, filters: 1, kernel: 3, padding: same}
losses: {reconstruction: {type: squared_error, in: {x: mean, target: x}}}
train: {batch: 4, steps: 1}
generate: {encode: {show: code}}
)";

struct Result {
  RecordingRun run;
  std::vector<Shape> shapes;
  std::vector<std::vector<float>> values;  // of each array; codes as numbers
  std::vector<std::string> notices;
};

struct Sounds {
  check::ScratchFolder folder;

  Sounds() {
    std::filesystem::create_directories(folder.file("short"));
    for (int i = 0; i < 6; ++i) write(fmt::format("short/{}.wav", i), 128, i);
  }
  std::string write(const std::string& name, std::int64_t frames, int number) const {
    Tensor sound(DType::f32, {1, frames, 1});
    RandomStream(7, 1, 0).uniform(static_cast<std::uint32_t>(number), sound.values());
    for (float& value : sound.values()) value = value - 0.5F;
    write_wav(folder.file(name), sound, 8000);
    return folder.file(name);
  }
  std::string train(const char* graph, const std::string& name) const {
    std::ofstream(folder.file(name + ".yaml")) << graph;
    Trainer trainer(folder.file(name + ".yaml"),
                    {.data = "audio:" + folder.file("short") + ",length=64", .out = folder.file(name)});
    trainer.train();
    return folder.file(name);
  }
};

void append(std::vector<float>& values, const TensorView& rows) {
  if (rows.dtype() == DType::i32)
    for (const std::int32_t code : rows.values<std::int32_t>()) values.push_back(static_cast<float>(code));
  else
    values.insert(values.end(), rows.values().begin(), rows.values().end());
}

Encodings shown(const ModelSource& model, const std::string& entry) {
  if (entry == "encode") return require_encodings(model, {});
  const GenerateEntry own = reconstruction_entry(model, entry);
  const Rewrite rewrite = with_draws(model.document(), own, model.registry());
  const std::shared_ptr<const Graph> graph = rewrite.build();
  return {graph, {graph->port(rewrite.resolved(own.show))}};
}

// Windows that keep at least `core` positions; 0: by the rule for real recordings.
Result compute(const std::string& run, const std::string& file, std::int64_t core, const std::string& entry = "encode",
               int threads = 2) {
  const ModelSource model(run);
  const auto recordings = whole_recordings(model, model.data("audio:" + file), "all");
  BOOST_REQUIRE(recordings.size() == 1U);
  Executor executor(threads);
  Result result;
  const RecordingRequest request{.model = model,
                                 .open = [&] { return ModelSource(run); },
                                 .wanted = [&](const ModelSource& opened) { return shown(opened, entry); },
                                 .core = core,
                                 .notice = [&](const std::string& text) { result.notices.push_back(text); }};
  const auto begin = [&](const std::vector<RecordingArray>& arrays) {
    for (const RecordingArray& array : arrays) result.shapes.push_back(array.shape);
    result.values.resize(arrays.size());
  };
  const auto add = [&](std::size_t i, const TensorView& rows, const ModelSource&, const Graph&) {
    append(result.values[i], rows);
  };
  result.run = run_recording(request, recordings[0], executor, {begin, add});
  for (std::size_t i = 0; i < result.shapes.size(); ++i)
    BOOST_TEST(result.shapes[i].count() == static_cast<std::int64_t>(result.values[i].size()));
  return result;
}

constexpr std::int64_t kNoCut = 1 << 20;

void expect_same(const Result& cut, const Result& whole, std::int64_t windows) {
  BOOST_TEST(whole.run.plan.count == 1);
  BOOST_TEST(cut.run.plan.count >= windows);
  BOOST_TEST(cut.run.obstacle == "");
  BOOST_TEST((cut.shapes == whole.shapes));
  BOOST_TEST(cut.values[0] == whole.values[0], boost::test_tools::per_element());
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(recording_windows, Sounds)

BOOST_AUTO_TEST_CASE(codes_of_windows_are_those_of_the_whole) {
  const std::string run = train(kCodes, "codes"), file = write("long.wav", 64 * 40, 20),
                    odd = write("odd.wav", 2501, 21);
  const Result whole = compute(run, file, kNoCut);
  BOOST_TEST(std::set<float>(whole.values[0].begin(), whole.values[0].end()).size() >= 8U);
  for (const std::int64_t core : {64, 200, 500}) expect_same(compute(run, file, core), whole, 4);
  const Result cut = compute(run, odd, 64);
  expect_same(cut, compute(run, odd, kNoCut), 10);
  BOOST_TEST((cut.shapes[0] == Shape{1, 626}));  // four samples to a code, the last one begun
}

BOOST_AUTO_TEST_CASE(reconstructions_of_windows_are_those_of_the_whole) {
  const std::string run = train(kCodes, "codes"), file = write("odd.wav", 2501, 21);
  const Result whole = compute(run, file, kNoCut, "reconstruct"), cut = compute(run, file, 100, "reconstruct");
  BOOST_TEST(cut.run.plan.count > 5);
  BOOST_TEST((cut.shapes[0] == Shape{1, 2501, 1}));
  for (const int threads : {1, 5})
    BOOST_TEST(compute(run, file, 100, "reconstruct", threads).values[0] == cut.values[0]);
  for (std::size_t i = 0; i < whole.values[0].size(); ++i)
    BOOST_TEST(std::abs(cut.values[0][i] - whole.values[0][i]) < 1e-5F);
}

BOOST_AUTO_TEST_CASE(draws_of_windows_are_those_of_the_whole) {
  const std::string run = train(kWaves, "waves"), file = write("odd.wav", 1500, 22);
  const Result whole = compute(run, file, kNoCut);
  BOOST_TEST((whole.shapes[0] == Shape{1, 1500}));
  for (const std::int64_t core : {64, 300}) expect_same(compute(run, file, core), whole, 4);
}

BOOST_AUTO_TEST_CASE(a_recording_shorter_than_the_context) {
  const std::string run = train(kCodes, "codes"), file = write("tiny.wav", 37, 23);
  const Result result = compute(run, file, 1);
  BOOST_TEST(result.run.plan.count == 1);
  BOOST_TEST((result.shapes[0] == Shape{1, 10}));
  BOOST_TEST(result.notices.empty());
}

BOOST_AUTO_TEST_CASE(a_node_that_reads_everything_is_named_where_it_matters) {
  const std::string run = train(kWhole, "whole"), file = write("long.wav", 64 * 20, 24);
  const Result whole = compute(run, file, 0), cut = compute(run, file, 256);
  BOOST_TEST(whole.notices.empty());
  BOOST_REQUIRE(cut.notices.size() == 1U);
  BOOST_TEST(
      cut.notices[0] ==
      "recordings are computed in one piece, and memory grows with their length: the node 'code' (group_norm) may "
      "read all positions");
  BOOST_TEST(cut.run.plan.count == 1);
  BOOST_TEST(cut.values[0] == whole.values[0], boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(windows_do_not_grow_with_the_recording) {
  const std::string run = train(kCodes, "codes");
  const ModelSource model(run);
  const Encodings wanted = require_encodings(model, {});
  const std::vector<ReceptiveField> fields = {
      {*wanted.graph, std::vector{wanted.graph->port("x", ErrorCode::bad_feed)}, wanted.ports[0]}};
  BOOST_REQUIRE(fields[0].is_local());
  for (const std::int64_t pieces : {300, 1000, 12345, 3600 * 16000 / 64}) {
    const WindowPlan plan = plan_windows(fields, pieces * 64, 64);
    BOOST_TEST(plan.window < 16384 + fields[0].before() + fields[0].after() + 3 * 64);
    BOOST_TEST(plan.window * plan.count < pieces * 64 * 1.1 + 2 * plan.window);
    BOOST_TEST(plan.kept(plan.count) == pieces * 64);
    for (std::int64_t i = 0; i < plan.count; ++i) {
      BOOST_REQUIRE(plan.kept(i) >= plan.start(i) + (i > 0 ? fields[0].before() : 0));
      BOOST_REQUIRE(plan.kept(i + 1) <= plan.start(i) + plan.window - (i + 1 < plan.count ? fields[0].after() : 0));
      BOOST_REQUIRE(plan.kept(i + 1) > plan.kept(i));
    }
  }
}

BOOST_AUTO_TEST_CASE(names_that_no_other_file_has) {
  const auto names = [](const std::vector<std::string>& files) { return unique_names(files); };
  const auto expect = [&](const std::vector<std::string>& files, const std::vector<std::string>& wanted) {
    BOOST_TEST(names(files) == wanted, boost::test_tools::per_element());
  };
  expect({"s/a/x.wav", "s/b/y.wav"}, {"x", "y"});
  expect({"s/a/x.wav", "s/b/x.wav", "s/b/y.wav"}, {"a-x", "b-x", "y"});
  expect({"s/x.wav", "s/b/x.wav"}, {"x", "b-x"});
  expect({"/s/a/x.wav", "/s/a/x.flac"}, {"x.wav", "x.flac"});
  expect({"a/b-x.wav", "a-b/x.wav", "c/x.wav"}, {"b-x", "a-b-x", "c-x"});
  expect({"x.wav"}, {"x"});
  const auto hard = names({"a-b/x.wav", "a/b-x.wav", "a/b/x.wav", "c/x.wav", "c/b-x.wav"});
  BOOST_TEST(std::set<std::string>(hard.begin(), hard.end()).size() == 5U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace loom

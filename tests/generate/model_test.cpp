#include "loom/model.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "loom/error.h"
#include "loom/loom.h"
#include "loom/trainer.h"
#include "train/scratch_folder.h"

namespace loom {
namespace {

constexpr const char* kGraph = R"(version: 1
graph: tiny
data: {type: sprites, size: 8, count: 60}
nodes:
  x:       {type: input, shape: [8, 8, 1]}
  flat:    {type: flatten, in: x}
  hidden:  {type: linear, in: flat, units: 8, activation: relu}
  q:       {type: gaussian_parameters, in: hidden, dim: 3}
  z:       {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  logits:  {type: linear, in: z, units: 64}
  mean:    {type: activation, in: logits, function: sigmoid}
losses:
  reconstruction: {type: bernoulli_nll, in: {logits: logits, target: flat}}
  kl:             {type: gaussian_kl, in: {mu: q.mu, logvar: q.logvar}}
train: {batch: 8, steps: 6, optimizer: {type: adam, lr: 1.0e-3}}
generate:
  sample:      {draw: {z: {type: standard_normal}}, show: mean}
  reconstruct: {show: mean}
)";

struct Fixture {
  check::ScratchFolder folder;
  std::string graph = folder.file("tiny.yaml"), run = folder.file("run");
  Fixture() { std::ofstream(graph) << kGraph; }
};

Tensor pictures(std::int64_t count) {
  Tensor x(DType::f32, {count, 8, 8, 1});
  float value = 0;
  for (float& pixel : x.values()) pixel = value = value > 0.9F ? 0.0F : value + 0.01F;
  return x;
}

bool same(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::ranges::equal(a.values(), b.values());
}

// What a program does with a model: one number of it all.
double work(const Model& model) {
  double sum = 0;
  const Tensor x = pictures(5);
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const Tensor drawn = model.sample(7, {.seed = seed}), decoded = model.decode(model.encode(x));
    for (const float value : drawn.values()) sum += static_cast<double>(value);
    for (const float value : decoded.values()) sum += static_cast<double>(value);
    for (const double value : model.log_density(x, {.draws = 3, .seed = seed})) sum += value;
  }
  return sum;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(model, Fixture)

BOOST_AUTO_TEST_CASE(calls_give_batches_and_repeat_by_their_seed) {
  const Model model(graph, {.threads = 2});
  const Tensor x = pictures(5);
  BOOST_TEST(model.input().shape.text() == "[N, 8, 8, 1]");
  BOOST_TEST(model.encodings() == std::vector<std::string>{"q.mu"});
  BOOST_TEST(model.encode(x).shape().text() == "[5, 3]");
  BOOST_TEST(same(model.sample(130, {.seed = 4}), model.sample(130, {.seed = 4})));
  BOOST_TEST(!same(model.sample(3, {.seed = 4}), model.sample(3, {.seed = 5})));
  const auto both = model.run({{"x", x}}, {"q.mu", "mean"});
  BOOST_TEST(same(both[0], model.encode(x)));
  BOOST_TEST(both[1].shape().text() == "[5, 64]");
  BOOST_TEST(model.reconstruct(x).shape().text() == "[5, 64]");
  BOOST_TEST(model.traverse({.dimensions = {0, 2}, .steps = 4}).shape().text() == "[8, 64]");
  const Tensor codes = model.encode(x);
  const Tensor walk = model.interpolate(codes, codes, {.steps = 3});
  BOOST_TEST(walk.shape().text() == "[15, 64]");
  BOOST_TEST(model.log_density(x, {.draws = 2}).size() == 5U);
}

BOOST_AUTO_TEST_CASE(errors_leave_the_model_as_it_was) {
  const Model model(graph);
  const auto has = [](ErrorCode code) { return [code](const Error& error) { return error.code() == code; }; };
  const Tensor wrong(DType::f32, {2, 5});
  BOOST_CHECK_EXCEPTION(model.encode(wrong), Error, has(ErrorCode::bad_feed));
  BOOST_CHECK_EXCEPTION(model.run({{"x", pictures(1)}}, {"nothing"}), Error, has(ErrorCode::bad_fetch));
  BOOST_CHECK_EXCEPTION(model.run({{"nothing", pictures(1)}}, {"mean"}), Error, has(ErrorCode::bad_feed));
  BOOST_CHECK_EXCEPTION(model.sample(1, {.name = "nothing"}), Error, has(ErrorCode::usage));
  BOOST_CHECK_EXCEPTION(model.sample(0), Error, has(ErrorCode::usage));
  BOOST_CHECK_EXCEPTION(model.traverse({.dimensions = {3}}), Error, has(ErrorCode::usage));
  BOOST_TEST(model.encode(pictures(2)).shape().text() == "[2, 3]");
}

BOOST_AUTO_TEST_CASE(a_document_may_be_text) {
  const Model file(graph, {.threads = 2}), text(DocumentText{kGraph}, {.threads = 2});
  BOOST_TEST(same(file.sample(3, {.seed = 4}), text.sample(3, {.seed = 4})));
  Trainer trainer(DocumentText{kGraph}, {.steps = 2, .out = run, .threads = 2});
  BOOST_TEST((trainer.train() == TrainResult::completed));
  BOOST_TEST(!Model(run).weights().empty());
  const auto in_text = [](const Error& error) { return error.diagnostics().front().where.file == "mine.yaml"; };
  BOOST_CHECK_EXCEPTION(Trainer(DocumentText{"graph: tiny\nnodes: {x: {type: nothing}}\n", "mine.yaml"}), Error,
                        in_text);
}

BOOST_AUTO_TEST_CASE(two_models_in_two_threads) {
  const double expected = work(Model(graph, {.threads = 2}));
  std::vector<double> found(2);
  std::vector<std::thread> threads;
  for (double& value : found) threads.emplace_back([&] { value = work(Model(graph, {.threads = 2})); });
  for (std::thread& thread : threads) thread.join();
  for (const double value : found) BOOST_TEST(value == expected);
}

BOOST_AUTO_TEST_CASE(one_model_in_two_threads) {
  const Model model(graph, {.threads = 2});
  const double expected = work(model);
  std::vector<double> found(2);
  std::vector<std::thread> threads;
  for (double& value : found) threads.emplace_back([&] { value = work(model); });
  for (std::thread& thread : threads) thread.join();
  for (const double value : found) BOOST_TEST(value == expected);
}

BOOST_AUTO_TEST_CASE(a_trainer_beside_a_model) {
  const Model model(graph, {.threads = 2});
  const double expected = work(model);
  double found = 0;
  std::thread other([&] { found = work(model); });
  Trainer trainer(graph, {.threads = 2});
  trainer.train();
  other.join();
  BOOST_TEST(found == expected);
  BOOST_TEST(trainer.steps_done() == 6);
}

BOOST_AUTO_TEST_CASE(a_stop_is_not_lost) {
  Trainer trainer(graph, {.threads = 2});
  trainer.stop();
  BOOST_TEST((trainer.train() == TrainResult::stopped));
  BOOST_TEST(trainer.steps_done() == 1);
  BOOST_TEST((trainer.train(2) == TrainResult::paused));
  BOOST_TEST(trainer.steps_done() == 3);
}

BOOST_AUTO_TEST_CASE(a_trainer_in_parts_is_one_training_and_resumes) {
  std::vector<double> losses;
  const auto record = [&](const TrainStep& step) { losses.push_back(step.loss); };
  {
    Trainer whole(graph, {.threads = 2, .lanes = 2});
    whole.on_step(record);
    BOOST_TEST((whole.train() == TrainResult::completed));
  }
  const std::vector<double> expected = losses;
  losses.clear();
  {
    Trainer parts(graph, {.out = run, .threads = 2, .lanes = 2});
    parts.on_step([&](const TrainStep& step) {
      record(step);
      if (step.step == 4) parts.stop();
    });
    BOOST_TEST((parts.train(2) == TrainResult::paused));
    BOOST_TEST((parts.train() == TrainResult::stopped));
  }
  Trainer again = Trainer::resume(run, {.threads = 2});
  again.on_step(record);
  BOOST_TEST((again.train() == TrainResult::completed));
  BOOST_TEST(losses == expected);
  BOOST_TEST(again.evaluate("test", 8).samples == 6);
}

BOOST_AUTO_TEST_CASE(a_run_resumes_with_changes_and_gives_its_weights_to_another) {
  Trainer(graph, {.out = run, .threads = 2, .lanes = 2}).train();
  std::vector<std::string> notes;
  const auto note = [&](const std::string& sentence) { notes.push_back(sentence); };
  BOOST_CHECK_THROW(Trainer::resume(run, {.overrides = {"nodes.hidden.units=9"}}), Error);
  BOOST_CHECK_THROW(Trainer::resume(run, {.steps = 3, .batch = 4}), Error);
  {
    Trainer changed = Trainer::resume(
        run, {.steps = 9, .overrides = {"train.optimizer.lr=0.5"}, .batch = 4, .threads = 2, .notice = note});
    BOOST_TEST(changed.batch() == 4);
    BOOST_TEST(changed.steps_done() == 6);
    changed.on_step([](const TrainStep& step) { BOOST_TEST(step.learning_rate == 0.5); });
    BOOST_TEST((changed.train() == TrainResult::completed));
  }
  BOOST_REQUIRE(notes.size() >= 2U);
  BOOST_TEST(notes[0] == "changed: optimizer.lr is 0.5 instead of 0.001");
  Trainer further = Trainer::resume(run, {.steps = 10, .threads = 2});  // with what has been changed
  BOOST_TEST(further.batch() == 4);
  BOOST_TEST((further.train() == TrainResult::completed));
  notes.clear();
  const Trainer other(graph, {.init = run, .overrides = {"nodes.q.dim=4"}, .threads = 2, .notice = note});
  BOOST_REQUIRE(notes.size() >= 2U);
  BOOST_TEST(notes[0].starts_with("loaded 3 of 6 parameters from " + run), notes[0]);
}

BOOST_AUTO_TEST_CASE(the_c_functions_keep_errors_and_give_the_same_values) {
  loom_model* opened = nullptr;
  BOOST_TEST((loom_model_open("there is none", nullptr, &opened) == LOOM_ERROR));
  BOOST_TEST(loom_last_error().code == std::string("E109"));
  BOOST_TEST((loom_model_open(graph.c_str(), nullptr, nullptr) == LOOM_BAD_ARGUMENT));
  loom_model_options options = LOOM_MODEL_OPTIONS_INIT;
  options.threads = 2;
  BOOST_REQUIRE((loom_model_open(graph.c_str(), &options, &opened) == LOOM_OK));
  loom_tensor samples{};
  BOOST_REQUIRE((loom_model_sample(opened, 3, 9, &samples) == LOOM_OK));
  const Tensor expected = Model(graph, {.threads = 2}).sample(3, {.seed = 9});
  BOOST_TEST(std::ranges::equal(expected.values(), std::span(static_cast<float*>(samples.data), 192)));
  BOOST_TEST((loom_model_sample(opened, 0, 9, &samples) == LOOM_ERROR));
  BOOST_TEST((loom_model_sample(nullptr, 1, 9, &samples) == LOOM_BAD_ARGUMENT));
  loom_tensor_free(&samples);
  loom_model_free(opened);
}

BOOST_AUTO_TEST_CASE(the_c_functions_describe_ports_and_walk) {
  loom_model* opened = nullptr;
  loom_model_options options = LOOM_MODEL_OPTIONS_INIT;
  options.size = offsetof(loom_model_options, has_seed);  // of a program that knows less
  options.threads = 2;
  BOOST_REQUIRE((loom_model_open(graph.c_str(), &options, &opened) == LOOM_OK));
  loom_tensor picture{}, codes{}, walk{};
  BOOST_REQUIRE((loom_model_port(opened, nullptr, 2, &picture) == LOOM_OK));
  BOOST_TEST(loom_tensor_count(&picture) == 128);
  BOOST_TEST((loom_model_port(opened, "nothing", 1, &picture) == LOOM_ERROR));
  std::vector<float> pixels(128, 0.25F);
  picture.data = pixels.data();
  BOOST_REQUIRE((loom_model_encode(opened, &picture, 1, &codes) == LOOM_OK));
  BOOST_REQUIRE((loom_model_interpolate(opened, &codes, &codes, 3, 1, 1, &walk) == LOOM_OK));
  BOOST_TEST(walk.shape[0] == 6);
  loom_tensor_free(&walk);
  const std::int64_t dimension = 2;
  BOOST_REQUIRE((loom_model_traverse(opened, &dimension, 1, 2.0, 5, 1, &walk) == LOOM_OK));
  const Tensor expected = Model(graph, {.threads = 2}).traverse({.dimensions = {2}, .range = 2, .steps = 5});
  BOOST_TEST(std::ranges::equal(expected.values(), std::span(static_cast<float*>(walk.data), 320)));
  loom_tensor_free(&walk);
  loom_tensor_free(&codes);
  loom_model_free(opened);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace loom

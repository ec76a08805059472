// A small vector-quantized autoencoder: how much of its codebook it uses, that a resumed training is the same, and what
// a run records of it.
#include <cstring>

#include <nlohmann/json.hpp>
#include <numeric>

#include "models/small_session.h"
#include "train/advice.h"
#include "train/scratch_folder.h"

using namespace loom;
using namespace loom::check;

namespace {

// Eight codes of four dimensions for each item. The encoder ends in a rectifier: the codes start around 0, far from
// most of what it gives, and the few that lie on the outside get everything.
constexpr const char* kModel = R"(
version: 1
graph: codes
vars: {init: uniform, restart: 0, update: ema}
data: {type: gaussian, features: 12, eigenvalues: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], count: 2000}
nodes:
  x:       {type: input, shape: [12]}
  hidden:  {type: linear, in: x, units: 64, activation: relu}
  encoder: {type: linear, in: hidden, units: 32, activation: relu}
  z:       {type: reshape, in: encoder, shape: [8, 4]}
  q:       {type: vector_quantizer, in: z, codes: 256, init: "${init}", restart_after: "${restart}", update: "${update}"}
  flat:    {type: flatten, in: q.quantized}
  wide:    {type: linear, in: flat, units: 64, activation: relu}
  mean:    {type: linear, in: wide, units: 12}
losses:
  reconstruction: {type: gaussian_nll, in: {mean: mean, target: x}, sigma: 1}
  codes:          {of: q.loss}
train: {batch: 60, steps: 300, eval_every: 100, checkpoint_every: 100, optimizer: {type: adam, lr: 2.0e-3}}
generate:
  reconstruct: {show: mean}
)";

std::unique_ptr<Session> session_of(const std::vector<std::string>& settings, int lanes = 2) {
  std::vector<Override> overrides;
  for (const std::string& text : settings) overrides.push_back(parse_override(text));
  return std::make_unique<Session>(parse_document(kModel, "codes.yaml", ".", overrides), standard_registry(),
                                   SessionSettings{.threads = 2, .lanes = lanes});
}

std::vector<std::vector<float>> all_values(Session& session) {
  std::vector<std::vector<float>> values;
  for (const Parameter& item : session.parameters().items())
    values.emplace_back(item.value.values().begin(), item.value.values().end());
  return values;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(codebook_use)

BOOST_AUTO_TEST_CASE(a_bad_start_and_its_cure) {
  for (const char* update : {"ema", "loss"}) {
    const std::string setting = std::string("vars.update=") + update;
    const auto bad = session_of({setting});
    bad->train();
    const auto cured = session_of({setting, "vars.init=kmeans", "vars.restart=20"});
    cured->train();
    const Evaluation before = bad->evaluate({.split = "train"}), after = cured->evaluate({.split = "train"});
    const std::string bad_finding = findings_text(before.values), good_finding = findings_text(after.values);
    BOOST_TEST_MESSAGE(
        fmt::format("update: {}: {}; with init: kmeans and restart_after: 20 {}", update, bad_finding, good_finding));
    const double codes = before.number("codes").value();
    BOOST_TEST(before.number("used_codes").value() < 0.2 * codes);
    BOOST_TEST(after.number("used_codes").value() > 0.9 * codes);
    BOOST_TEST(after.number("perplexity").value() > 2 * before.number("perplexity").value());
    std::int64_t positions = 0;
    for (const OptionValue& count : std::get<std::vector<OptionValue>>(find_value(after.values, "counts")->value))
      positions += std::get<std::int64_t>(count);
    BOOST_TEST(positions == 1800 * 8);
    for (const char* remedy : {"init: kmeans", "restart_after", "distance: cosine", "fewer dimensions (dim is 4)"})
      BOOST_TEST(bad_finding.find(remedy) != std::string::npos, bad_finding);
    BOOST_TEST(good_finding.find("Not tried yet") == std::string::npos, good_finding);
  }
}

BOOST_AUTO_TEST_CASE(a_resumed_training_has_the_same_bits) {
  for (const char* update : {"ema", "loss"}) {
    const std::vector<std::string> settings = {std::string("vars.update=") + update, "vars.init=kmeans",
                                               "vars.restart=5", "train.steps=40"};
    const auto whole = session_of(settings);
    for (int step = 0; step < 40; ++step) whole->step();
    for (const int cut : {1, 6, 23}) {  // within the initialisation and after it
      const ScratchFolder folder;
      const auto first = session_of(settings);
      const RunFolder run = RunFolder::create(folder.file("run"), first->document().resolved, first->run_settings());
      first->attach(run);
      for (int step = 0; step < cut; ++step) first->step();
      first->save_checkpoint();
      const auto second = session_of(settings);
      second->attach(run);
      BOOST_REQUIRE(second->resume());
      while (second->steps_done() < 40) second->step();
      BOOST_TEST((all_values(*second) == all_values(*whole)));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_run_records_the_health_of_its_codebook) {
  const ScratchFolder folder;
  const auto session = session_of({"train.steps=90", "train.eval_every=90"});
  const RunFolder run = RunFolder::create(folder.file("run"), session->document().resolved, session->run_settings());
  session->attach(run);
  session->train();
  Metrics metrics(run.metrics_path(), 1, true);
  const auto perplexity = metrics.read("perplexity", "train"), used = metrics.read("used_codes", "train"),
             oldest = metrics.read("oldest_code", "train");
  BOOST_REQUIRE((perplexity.size() == 90U && used.size() == 90U && oldest.size() == 90U));
  const auto values = [&](const char* path) {
    return session->parameters().at(session->parameters().find(path)).value.values();
  };
  const auto unused_for = values("q.unused_for");
  BOOST_TEST(perplexity.back().value == static_cast<double>(values("q.perplexity")[0]));
  BOOST_TEST(oldest.back().value == static_cast<double>(std::ranges::max(unused_for)));
  BOOST_TEST(oldest.back().value == 90.0);  // never used
  // An epoch has 30 batches; before the first is over, what counts is the batches so far.
  BOOST_TEST(used.back().value ==
             static_cast<double>(std::ranges::count_if(unused_for, [](float age) { return age < 30; })));
  BOOST_TEST(used.front().value < 256);
  BOOST_TEST(used.front().value >= perplexity.front().value);
  // A code from the data has to be used first.
  const auto started = session_of({"vars.init=data"});
  started->step();
  const QuantizerStates states = find_quantizer_states(*started->graph(), started->parameters()).at(0);
  BOOST_TEST(health_of(started->parameters(), states, 1).used_codes == 0.0);
  started->step();
  const CodebookHealth health = health_of(started->parameters(), states, 2);
  BOOST_TEST((health.used_codes > 100 && health.used_codes < 256));
  const auto held_out = metrics.read("used_codes", "test");
  BOOST_REQUIRE(held_out.size() == 1U);
  BOOST_TEST(metrics.read("perplexity", "test").size() == 1U);
  const auto evaluation = nlohmann::json::parse(metrics.info("evaluation").value());
  const auto& quantizer = evaluation.at("quantizers").at("q");
  const auto counts = quantizer.at("counts").get<std::vector<std::int64_t>>();
  BOOST_TEST(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}) == 200 * 8);
  BOOST_TEST(quantizer.at("used_codes").get<double>() == held_out[0].value);
  BOOST_TEST(metrics.info("findings").value_or("").find("of 256 codes") != std::string::npos);
}

// Vectors of the data that are no numbers would otherwise become codes for good.
BOOST_AUTO_TEST_CASE(a_step_that_is_skipped_leaves_a_learned_codebook_alone) {
  const auto session = session_of({"vars.update=loss", "vars.init=data"});
  session->prepare_training();
  auto weight = session->parameters().at(session->parameters().find("encoder.weight")).value.values();
  const float kept = weight[0];
  weight[0] = std::nanf("");
  session->parameters().touch();
  const auto before = all_values(*session);
  BOOST_TEST(session->step().skipped);
  const auto after = all_values(*session);
  for (std::size_t i = 0; i < before.size(); ++i)
    BOOST_TEST(std::memcmp(before[i].data(), after[i].data(), before[i].size() * sizeof(float)) == 0);
  weight[0] = kept;
  session->parameters().touch();
  BOOST_TEST(!session->step().skipped);
  for (const float value : session->parameters().at(session->parameters().find("q.codebook")).value.values())
    BOOST_TEST(std::isfinite(value));
}

// With every optimizer that keeps something, and with averaged weights: nothing of the code before is left.
BOOST_AUTO_TEST_CASE(a_restarted_code_begins_without_a_past) {
  for (const char* optimizer : {"adam", "sgd", "rmsprop"}) {
    const auto session = session_of({"vars.update=loss", "vars.restart=2", "train.average=0.9",
                                     fmt::format("train.optimizer={{type: {}, lr: 1.0e-2{}}}", optimizer,
                                                 std::string(optimizer) == "sgd" ? ", momentum: 0.9" : "")});
    int restarted = 0, kept = 0;
    for (int step = 0; step < 12; ++step) {
      session->step();
      std::map<std::string, TensorView> tensors;
      for (const NamedTensor& tensor : session->state().tensors()) tensors[tensor.name] = tensor.view;
      const auto untried = tensors.at("q.untried").values(), unused_for = tensors.at("q.unused_for").values();
      for (std::int64_t k = 0; k < 256; ++k) {
        const bool fresh = untried[static_cast<std::size_t>(k)] == 1 && unused_for[static_cast<std::size_t>(k)] == 0;
        for (const auto& [name, view] : tensors) {
          if (!name.starts_with("optimizer/main/q.codebook/")) continue;
          const bool zero = std::ranges::all_of(view[k], [](float value) { return value == 0; });
          if (fresh) BOOST_TEST(zero, optimizer << ", step " << step << ": " << name << " of code " << k);
          kept += zero ? 0 : 1;
        }
        if (!fresh) continue;
        ++restarted;
        BOOST_TEST(std::ranges::equal(tensors.at("average/q.codebook")[k], tensors.at("q.codebook")[k]));
      }
    }
    BOOST_TEST((restarted > 0 && kept > 0));
  }
}

BOOST_AUTO_TEST_SUITE_END()

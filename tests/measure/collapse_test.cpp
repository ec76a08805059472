// Measurements of collapse on a small model of the standard nodes, and what is said of them.
#include <boost/test/unit_test.hpp>
#include <numeric>

#include "check/standard_registry.h"
#include "measure/shuffle.h"
#include "measure/support.h"
#include "train/advice.h"
#include "train/metrics.h"
#include "train/scratch_folder.h"
#include "train/session.h"

using namespace loom;
using namespace loom::check;
using namespace loom::measure;

namespace {

constexpr const char* kModel = R"(
version: 1
graph: tiny
data: {type: sprites, size: 16, count: 300}
nodes:
  x:       {type: input, shape: [16, 16, 1]}
  flat:    {type: flatten, in: x}
  encoder: {type: linear, in: flat, units: 8}
  q:       {type: gaussian_parameters, in: encoder, dim: 6}
  mu:      {type: reshape, in: q.mu, shape: [2, 3]}
  logvar:  {type: reshape, in: q.logvar, shape: [2, 3]}
  z:       {type: gaussian_sampler, in: {mu: mu, logvar: logvar}}
  joined:  {type: flatten, in: z}
  logits:  {type: linear, in: joined, units: 256}
losses:
  reconstruction: {type: bernoulli_nll, in: {logits: logits, target: flat}}
  kl:             {type: gaussian_kl, in: {mu: mu, logvar: logvar}}
train: {batch: 16, steps: 30, eval_every: 10, checkpoint_every: 5, optimizer: {type: adam, lr: 3.0e-3}}
)";

Document model(const std::vector<std::string>& sets = {}) {
  std::vector<Override> overrides;
  for (const std::string& set : sets) overrides.push_back(parse_override(set));
  return parse_document(kModel, "tiny.yaml", ".", overrides);
}

struct Trained {
  Session session;
  std::vector<LossTerm> terms;
  std::vector<Posterior> posteriors;
  explicit Trained(const std::vector<std::string>& sets = {})
      : session(model(sets), standard_registry(), {}),
        terms(resolve_losses(session.document(), *session.graph())),
        posteriors(find_posteriors(*session.graph(), terms)) {}

  std::vector<std::string> left() {
    return collapse_remedies(session.document(), session.plan(), *session.graph(), posteriors.front());
  }
};

bool mentions(const std::vector<std::string>& texts, const std::string& part) {
  return std::ranges::any_of(texts, [&](const std::string& text) { return text.find(part) != std::string::npos; });
}

std::vector<std::int64_t> integers_at(const std::vector<MetricValue>& values, const std::string& key) {
  std::vector<std::int64_t> integers;
  for (const OptionValue& item : std::get<std::vector<OptionValue>>(find_value(values, key)->value))
    integers.push_back(std::get<std::int64_t>(item));
  return integers;
}

std::vector<double> numbers_at(const std::vector<MetricValue>& values, const std::string& key) {
  std::vector<double> numbers;
  for (const OptionValue& item : std::get<std::vector<OptionValue>>(find_value(values, key)->value))
    numbers.push_back(std::get<double>(item));
  return numbers;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(collapse)

BOOST_AUTO_TEST_CASE(a_posterior_is_found_by_role_and_ports) {
  Trained tiny;
  BOOST_REQUIRE(tiny.posteriors.size() == 1U);
  const Posterior& posterior = tiny.posteriors.front();
  const Graph& graph = *tiny.session.graph();
  BOOST_TEST(posterior.name == "kl");
  BOOST_TEST(graph.name_of(posterior.mu) == graph.name_of(graph.port("mu", ErrorCode::bad_fetch)));
  BOOST_TEST(graph.node(posterior.drawn.node).path == "z");
  BOOST_TEST(posterior.dimensions == 3);
  BOOST_TEST(posterior.positions == 2);
  BOOST_TEST(!posterior.prior_reads_data);
}

// Means of two positions and three dimensions: the first swings by +-1 at the first position, the second by +-0.05 at
// both, the third stays.
BOOST_AUTO_TEST_CASE(metrics_are_sums_over_the_positions_of_a_dimension) {
  Tensor mu(DType::f32, {4, 2, 3}), logvar(DType::f32, {4, 2, 3}), kl[2];
  for (int part = 0; part < 2; ++part) {
    kl[part] = Tensor(DType::f32, {4, 2, 3});
    for (std::int64_t n = 0; n < 4; ++n) {
      const float sign = n % 2 == 0 ? 1.0F : -1.0F;
      std::ranges::copy(std::vector<float>{sign, 0.05F * sign, 7, 0, 0.05F * sign, 7}, mu.view()[n].begin());
      std::ranges::copy(std::vector<float>{1, 2, 0, 3, 4, 0.5F * static_cast<float>(part)}, kl[part].view()[n].begin());
    }
  }
  const auto values = check::measured("collapse",
                                      {{{"mu", mu}, {"logvar", logvar}, {"per_dimension", kl[0]}},
                                       {{"mu", mu}, {"logvar", logvar}, {"per_dimension", kl[1]}}},
                                      {.samples = 8});
  BOOST_TEST((numbers_at(values, "kl_per_dimension") == std::vector<double>{4, 6, 0.25}));
  const std::vector<double> variance = numbers_at(values, "variance_of_means");
  BOOST_TEST(std::abs(variance[0] - 0.5) < 1e-9);
  BOOST_TEST(std::abs(variance[1] - 0.0025) < 1e-9);
  BOOST_TEST(variance[2] == 0.0);
  BOOST_TEST(number_at(values, "active_units") == 1);
  BOOST_TEST((integers_at(values, "collapsed") == std::vector<std::int64_t>{1, 2}));
  BOOST_TEST(number_at(values, "mutual_information_posteriors") == 8);
  BOOST_TEST(std::abs(number_at(values, "aggregate_kl") + number_at(values, "mutual_information") - 10.25) < 1e-9);
}

BOOST_AUTO_TEST_CASE(the_pass_of_an_evaluation_is_measured_and_not_changed) {
  Trained tiny;
  tiny.session.train();
  const Evaluation plain = tiny.session.evaluate({.metrics = false}), whole = tiny.session.evaluate({});
  BOOST_TEST(plain.evidence().value() == whole.evidence().value());
  BOOST_TEST(!plain.number("active_units").has_value());
  const double rate = whole.number("rate").value();
  BOOST_TEST(std::abs(rate + whole.number("distortion").value() - whole.evidence().value()) < 1e-9);
  double sum = 0;
  for (const double one : numbers_at(whole.values, "kl_per_dimension")) sum += one;
  BOOST_TEST(std::abs(sum - rate) < 1e-4);
  const double information = whole.number("mutual_information").value();
  BOOST_TEST(whole.number("mutual_information_posteriors").value() == static_cast<double>(whole.samples));
  BOOST_TEST(information > 0.0);
  BOOST_TEST(information <= std::log(static_cast<double>(whole.samples)) + 1e-9);
}

BOOST_AUTO_TEST_CASE(a_document_turns_metrics_off_and_gives_them_options) {
  Trained off({"metrics.collapse=false"}), loose({"metrics.collapse.active_variance=1000"});
  BOOST_TEST(!off.session.evaluate({}).number("active_units").has_value());
  BOOST_TEST(loose.session.evaluate({}).number("active_units").value() == 0);
  Trained wrong({"metrics.colapse=false"});
  BOOST_CHECK_EXCEPTION(wrong.session.evaluate({}), Error, [](const Error& error) {
    const Diagnostic& finding = error.diagnostics().front();
    return finding.code == ErrorCode::unknown_word && finding.suggestion == "collapse";
  });
}

BOOST_AUTO_TEST_CASE(a_shuffled_latent_variable_hurts_only_a_decoder_that_reads_it) {
  const std::string steps = "train.steps=600", lr = "train.optimizer.lr=1e-2";
  Trained tiny({steps, lr, "losses.kl.weight=0.1"}), dead({steps, lr, "losses.kl.weight=10000"});
  const auto change = [](Trained& measured) {
    measured.session.train();
    const Items items{open_split(standard_registry(), measured.session.data(), "test"), 1000, true, 1, 16};
    const auto result =
        shuffle_change({measured.session.graph(), measured.session.parameters(), measured.session.executor()}, items,
                       measured.posteriors.front(), measured.terms, "test");
    return number_at(result, "shuffled_z_change");
  };
  const double used = change(tiny), unused = change(dead);
  BOOST_TEST(used > 5.0);
  BOOST_TEST(std::abs(unused) < 0.2 * used, unused << " and " << used);
}

BOOST_AUTO_TEST_CASE(curves_of_a_training_are_those_of_a_resumed_one) {
  const ScratchFolder folder;
  const auto train = [&](const std::string& name, std::int64_t stop_at, int threads) {
    const bool fresh = !is_run_folder(folder.file(name));
    Session session(model(), standard_registry(), {.threads = threads, .lanes = 2, .shard = 4});
    const RunFolder run = fresh ? RunFolder::create(folder.file(name), "tiny\n", session.run_settings())
                                : RunFolder::open(folder.file(name), true);
    session.attach(run);
    if (!fresh) session.resume();
    session.train({}, [&] { return session.steps_done() >= stop_at; });
  };
  train("whole", 1000, 1);
  train("cut", 15, 2);
  train("cut", 1000, 3);
  Metrics whole(folder.file("whole/metrics.sqlite"), 1, true), cut(folder.file("cut/metrics.sqlite"), 1, true);
  for (const char* name : {"rate", "distortion", "active_units", "mutual_information", "kl_per_dimension.largest",
                           "kl_per_dimension.median", "kl_per_dimension.smallest"}) {
    const auto wanted = whole.read(name, "test"), got = cut.read(name, "test");
    BOOST_REQUIRE(wanted.size() == 3U);
    BOOST_REQUIRE(got.size() == 3U);
    for (std::size_t i = 0; i < 3; ++i)
      BOOST_TEST((got[i].step == wanted[i].step && got[i].value == wanted[i].value), name << " at " << got[i].step);
  }
  BOOST_TEST(whole.info("findings").value_or("") == cut.info("findings").value_or("none"));
  BOOST_TEST(whole.info("findings").value_or("").find("3 latent dimensions") != std::string::npos);
}

// At the optimum of probabilistic PCA the aggregate posterior is the prior: all of the rate is information.
BOOST_AUTO_TEST_CASE(the_optimum_of_a_linear_vae_has_no_aggregate_divergence) {
  Session session(load_document(LOOM_SOURCE_DIR "/graphs/ppca.yaml"), standard_registry(), {});
  const Evaluation before = session.evaluate({.split = "train"});
  session.train();
  const Evaluation after = session.evaluate({.split = "train"});
  const double rate = after.number("rate").value(), aggregate = after.number("aggregate_kl").value();
  BOOST_TEST(after.number("mutual_information_posteriors").value() == 5000);
  BOOST_TEST(rate > 3.0);
  BOOST_TEST(std::abs(aggregate) < 0.1, aggregate);
  BOOST_TEST(std::abs(after.number("mutual_information").value() - rate) < 0.1);
  BOOST_TEST(before.number("aggregate_kl").value() > 0.2);  // of the first weights
}

BOOST_AUTO_TEST_CASE(sentences) {
  BOOST_TEST(collapse_sentence(3, {}) == "all 3 latent dimensions carry information");
  BOOST_TEST(collapse_sentence(3, {0, 2}) == "1 of 3 latent dimensions carries information; dimensions 0, 2 have collapsed");
  BOOST_TEST(collapse_sentence(3, {2}) == "2 of 3 latent dimensions carry information; dimension 2 has collapsed");
  BOOST_TEST(collapse_sentence(2, {0, 1}) == "none of 2 latent dimensions carries information: all have collapsed");
  std::vector<std::int64_t> many(40);
  std::iota(many.begin(), many.end(), 0);
  many.erase(many.begin() + 20);
  BOOST_TEST(collapse_sentence(40, many).ends_with("14, 15 and 23 more have collapsed"));
}

BOOST_AUTO_TEST_CASE(remedies_in_use_are_not_proposed) {
  const std::vector<std::string> all = Trained().left();
  for (const char* remedy : {"warm-up", "free_bits", "capacity", "encoder_steps", "delta-VAE", "weaker decoder"})
    BOOST_TEST(mentions(all, remedy), remedy);
  BOOST_TEST(!mentions(all, "smaller weight"));
  BOOST_TEST(!mentions(Trained({"losses.kl.weight={from: 0, to: 1, over: 10}"}).left(), "warm-up"));
  const std::vector<std::string> charged = Trained({"losses.kl.free_bits=0.5"}).left();
  BOOST_TEST(!mentions(charged, "free_bits"));
  BOOST_TEST(!mentions(charged, "capacity"));  // the two exclude each other
  BOOST_TEST(!mentions(Trained({"losses.kl.capacity=5"}).left(), "free_bits"));
  BOOST_TEST(!mentions(Trained({"train.encoder_steps=5"}).left(), "encoder_steps"));
  BOOST_TEST(mentions(Trained({"losses.kl.weight=4"}).left(), "a smaller weight (it is 4 at the end)"));
  const std::vector<std::string> committed = Trained({"losses.kl={type: ar1_kl, in: {mu: mu, logvar: logvar}}"}).left();
  BOOST_TEST(!mentions(committed, "delta-VAE"));
  BOOST_TEST(!mentions(committed, "free_bits"));
}

BOOST_AUTO_TEST_SUITE_END()

// Programs: values and gradients worked out by hand, and the invariants of sharding.
#include "run/program.h"

#include <cstring>

#include "support/toy_nodes.h"

using namespace loom;
using namespace loom::check;

namespace {

struct Fixture {
  std::shared_ptr<const Graph> graph;
  std::unique_ptr<ParameterStore> store;
  explicit Fixture(const std::vector<NodeEntry>& entries)
      : graph(toy_graph(entries)), store(std::make_unique<ParameterStore>(*graph, 7)) {}

  Port port(const std::string& name) const { return graph->port(name, ErrorCode::bad_fetch); }
  std::vector<int> all_parameters() const {
    std::vector<int> indices;
    for (int i = 0; i < static_cast<int>(store->items().size()); ++i) {
      if (!store->at(i).is_state) indices.push_back(i);
    }
    return indices;
  }
};

// x -> a -> (b + a) -> center -> noise -> loss: fan-out, a whole-batch barrier, randomness, tallies.
std::vector<NodeEntry> full_chain() {
  return {entry("x", "input", {}, {{"shape", list({6})}}),
          entry("a", "scale", {"x"}),
          entry("flat", "reshape", {"a"}, {{"shape", list({2, 3})}}),
          entry("back", "reshape", {"flat"}, {{"shape", list({6})}}),
          entry("b", "scale", {"back"}),
          entry("s", "add", {"b", "a", "b"}),
          entry("c", "center", {"s"}),
          entry("d", "noise", {"c"}),
          entry("loss", "loss", {"d"})};
}

struct Result {
  std::vector<float> terms, gradients, fetched;
  float state = 0;
};

Result run_chain(int threads, int lanes, std::int64_t shard, std::int64_t batch, const std::vector<NodeEntry>& entries,
                 int times = 1) {
  Fixture fixture(entries);
  Executor executor(threads);
  ProgramRequest request;
  request.training = true;
  request.feeds = {fixture.port("x")};
  request.terms = {fixture.port("loss")};
  request.objectives = {{{0}, fixture.all_parameters()}};
  request.fetch = {fixture.port("c")};
  request.batch = batch;
  request.shard = shard;
  request.lanes = lanes;
  Program program(fixture.graph, *fixture.store, executor, request);
  Tensor x(DType::f32, {batch, 6});
  RandomStream(3, 1, 0).normal(0, x.values());
  const std::vector<TensorView> feeds = {x.view()};
  const std::vector<std::vector<double>> weights = {{2.0}};
  for (int i = 0; i < times; ++i)
    program.run({.feeds = feeds, .weights = weights, .samples = batch, .seed = 5, .step = 9});
  Result result;
  result.terms.assign(program.term(0).begin(), program.term(0).end());
  for (int k = 0; k < 2; ++k) result.gradients.push_back(program.gradient(0, k)[0]);
  result.fetched.assign(program.fetched(0).values().begin(), program.fetched(0).values().end());
  result.state = fixture.store->at(fixture.store->find("d.total")).value.values()[0];
  return result;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(program)

BOOST_AUTO_TEST_CASE(loss_and_gradient_are_those_worked_out_by_hand) {
  Fixture fixture(
      {entry("x", "input", {}, {{"shape", list({2})}}), entry("a", "scale", {"x"}), entry("loss", "loss", {"a"})});
  Executor executor(2);
  ProgramRequest request;
  request.training = true;
  request.feeds = {fixture.port("x")};
  request.terms = {fixture.port("loss")};
  request.objectives = {{{0}, {0}}};
  request.input_gradients = {fixture.port("x")};
  request.batch = 2;
  request.shard = 1;
  Program program(fixture.graph, *fixture.store, executor, request);
  const float w = fixture.store->at(0).value.values()[0] = 3;
  Tensor x(DType::f32, {2, 2});
  const float values[] = {1, 2, -1, 4};
  std::copy(std::begin(values), std::end(values), x.values().begin());
  const std::vector<TensorView> feeds = {x.view()};
  const std::vector<std::vector<double>> weights = {{2.0}};
  program.run({.feeds = feeds, .weights = weights, .samples = 2, .seed = 1, .step = 0});
  BOOST_TEST(program.term(0)[0] == 0.5F * w * w * 5);
  BOOST_TEST(program.term(0)[1] == 0.5F * w * w * 17);
  BOOST_TEST(program.term_mean(0) == 0.5 * w * w * 11);
  BOOST_TEST(program.gradient(0, 0)[0] == 2 * w * 11);  // weight 2, mean over two samples
  BOOST_TEST(program.input_gradient(0).values()[3] == 2 * w * w * 4 / 2);
}

BOOST_AUTO_TEST_CASE(sharded_equals_unsharded) {
  const Result whole = run_chain(1, 1, 64, 64, full_chain());
  for (const auto& [lanes, shard] :
       std::vector<std::pair<int, std::int64_t>>{{1, 4}, {2, 4}, {3, 5}, {16, 4}, {2, 63}}) {
    BOOST_TEST_CONTEXT("lanes " << lanes << ", shard " << shard) {
      const Result cut = run_chain(2, lanes, shard, 64, full_chain());
      BOOST_TEST(same_bits(cut.terms, whole.terms));
      BOOST_TEST(same_bits(cut.fetched, whole.fetched));
      for (std::size_t k = 0; k < 2; ++k)
        BOOST_TEST(cut.gradients[k] == whole.gradients[k], boost::test_tools::tolerance(1e-5F));
      BOOST_TEST(cut.state == whole.state, boost::test_tools::tolerance(1e-4F));
    }
  }
}

BOOST_AUTO_TEST_CASE(threads_change_no_bit_of_what_is_chosen) {
  const Result one = run_chain(1, 0, 0, 50, full_chain());
  for (int threads : {2, 5}) {
    const Result many = run_chain(threads, 0, 0, 50, full_chain());
    BOOST_TEST(same_bits(one.gradients, many.gradients));
    BOOST_TEST(one.state == many.state);
  }
}

BOOST_AUTO_TEST_CASE(threads_change_no_bit) {
  const Result one = run_chain(1, 4, 3, 50, full_chain());
  for (int threads : {2, 3, 4}) {
    for (int repeat = 0; repeat < 10; ++repeat) {
      const Result many = run_chain(threads, 4, 3, 50, full_chain());
      BOOST_TEST(same_bits(one.terms, many.terms));
      BOOST_TEST(same_bits(one.gradients, many.gradients));
      BOOST_TEST(one.state == many.state);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_second_run_starts_from_clean_sums) {
  const Result once = run_chain(2, 2, 4, 32, full_chain());
  const Result twice = run_chain(2, 2, 4, 32, full_chain(), 2);
  BOOST_TEST(same_bits(once.gradients, twice.gradients));
  BOOST_TEST(twice.state == 2 * once.state);
}

BOOST_AUTO_TEST_CASE(gradient_of_the_chain_is_the_numerical_one) {
  Fixture fixture(full_chain());
  Executor executor(2);
  ProgramRequest request;
  request.training = true;
  request.feeds = {fixture.port("x")};
  request.terms = {fixture.port("loss")};
  request.objectives = {{{0}, fixture.all_parameters()}};
  request.batch = 12;
  request.shard = 5;
  Program program(fixture.graph, *fixture.store, executor, request);
  Tensor x(DType::f32, {12, 6});
  RandomStream(3, 1, 0).normal(0, x.values());
  const std::vector<TensorView> feeds = {x.view()};
  const std::vector<std::vector<double>> weights = {{1.0}};
  const auto loss = [&] {
    program.run({.feeds = feeds, .weights = weights, .samples = 12, .seed = 5, .step = 9});
    return program.term_mean(0);
  };
  for (int k = 0; k < 2; ++k) {
    loss();
    const float analytic = program.gradient(0, k)[0];
    float& w = fixture.store->at(request.objectives[0].parameters[static_cast<std::size_t>(k)]).value.values()[0];
    const float start = w;
    w = start + 1e-2F;
    const double above = loss();
    w = start - 1e-2F;
    const double below = loss();
    w = start;
    BOOST_TEST(analytic == (above - below) / 2e-2, boost::test_tools::tolerance(2e-3));
  }
}

BOOST_AUTO_TEST_CASE(stop_gradient_cuts_and_unreached_parameters_get_zero) {
  Fixture fixture({entry("x", "input", {}, {{"shape", list({2})}}), entry("a", "scale", {"x"}),
                   entry("stopped", "stop", {"a"}), entry("b", "scale", {"stopped"}), entry("loss", "loss", {"b"})});
  Executor executor(1);
  ProgramRequest request;
  request.feeds = {fixture.port("x")};
  request.terms = {fixture.port("loss")};
  request.objectives = {{{0}, {0, 1}}};
  request.batch = 2;
  Program program(fixture.graph, *fixture.store, executor, request);
  Tensor x(DType::f32, {2, 2});
  std::ranges::fill(x.values(), 1.0F);
  const std::vector<TensorView> feeds = {x.view()};
  const std::vector<std::vector<double>> weights = {{1.0}};
  program.run({.feeds = feeds, .weights = weights, .samples = 2, .seed = 1, .step = 0});
  BOOST_TEST(program.gradient(0, 0)[0] == 0);
  BOOST_TEST(program.gradient(0, 1)[0] != 0);
}

BOOST_AUTO_TEST_CASE(objectives_keep_their_gradients_apart) {
  Fixture fixture({entry("x", "input", {}, {{"shape", list({1})}}), entry("a", "scale", {"x"}),
                   entry("b", "scale", {"a"}), entry("one", "loss", {"a"}), entry("two", "loss", {"b"})});
  Executor executor(2);
  ProgramRequest request;
  request.feeds = {fixture.port("x")};
  request.terms = {fixture.port("one"), fixture.port("two")};
  request.objectives = {{{0}, {0}}, {{0, 1}, {0, 1}}};
  request.batch = 1;
  Program program(fixture.graph, *fixture.store, executor, request);
  fixture.store->at(0).value.values()[0] = 2;
  fixture.store->at(1).value.values()[0] = 3;
  Tensor x(DType::f32, {1, 1});
  x.values()[0] = 1;
  const std::vector<TensorView> feeds = {x.view()};
  const std::vector<std::vector<double>> weights = {{1.0}, {1.0, 10.0}};
  program.run({.feeds = feeds, .weights = weights, .samples = 1, .seed = 1, .step = 0});
  BOOST_TEST(program.gradient(0, 0)[0] == 2.0F);               // d(a^2/2)/da = a
  BOOST_TEST(program.gradient(1, 0)[0] == 2.0F + 10 * 9 * 2);  // + 10 d(a^2 b^2/2)/da = 10 a b^2
  BOOST_TEST(program.gradient(1, 1)[0] == 10.0F * 4 * 3);
}

BOOST_AUTO_TEST_CASE(a_failing_node_is_named_and_the_program_runs_again) {
  Fixture fixture(
      {entry("x", "input", {}, {{"shape", list({1})}}), entry("p", "picky", {"x"}), entry("loss", "loss", {"p"})});
  Executor executor(2);
  ProgramRequest request;
  request.feeds = {fixture.port("x")};
  request.terms = {fixture.port("loss")};
  request.batch = 8;
  request.shard = 1;
  Program program(fixture.graph, *fixture.store, executor, request);
  Tensor x(DType::f32, {8, 1});
  std::ranges::fill(x.values(), 2.0F);
  x.values()[5] = -1;
  const std::vector<TensorView> feeds = {x.view()};
  const StepInput input{.feeds = feeds, .weights = {}, .samples = 8, .seed = 1, .step = 41};
  BOOST_CHECK_EXCEPTION(program.run(input), Error, [](const Error& error) {
    const std::string text = error.what();
    return error.code() == ErrorCode::node_failed &&
           text.find("'p' failed in forward at step 41: a negative value") != std::string::npos &&
           text.find("toy.yaml:") == 0;
  });
  x.values()[5] = 2;
  program.run(input);
  BOOST_TEST(program.term(0)[5] == 2.0F);
}

BOOST_AUTO_TEST_CASE(a_smaller_batch_and_wrong_feeds) {
  Fixture fixture(full_chain());
  Executor executor(2);
  ProgramRequest request;
  request.feeds = {fixture.port("x")};
  request.terms = {fixture.port("loss")};
  request.batch = 10;
  request.shard = 4;
  Program program(fixture.graph, *fixture.store, executor, request);
  for (std::int64_t samples : {10, 7, 4, 1}) {
    Tensor x(DType::f32, {samples, 6});
    const std::vector<TensorView> feeds = {x.view()};
    program.run({.feeds = feeds, .weights = {}, .samples = samples, .seed = 1, .step = 0});
    BOOST_TEST(program.term(0).size() == static_cast<std::size_t>(samples));
  }
  Tensor wrong(DType::f32, {10, 5});
  const std::vector<TensorView> feeds = {wrong.view()};
  BOOST_CHECK_EXCEPTION(program.run({.feeds = feeds, .weights = {}, .samples = 10, .seed = 1, .step = 0}), Error,
                        [](const Error& error) { return error.code() == ErrorCode::bad_feed; });
}

BOOST_AUTO_TEST_CASE(feeds_that_repeat_are_those_of_the_whole_batch) {
  const std::vector<NodeEntry> chain = {entry("x", "input", {}, {{"shape", list({6})}}), entry("a", "scale", {"x"}),
                                        entry("loss", "loss", {"a"})};
  Fixture fixture(chain), whole(full_chain());
  Executor executor(2);
  ProgramRequest request;
  request.feeds = {fixture.port("x")};
  request.terms = {fixture.port("loss")};
  request.batch = 22;
  request.shard = 4;
  Program program(fixture.graph, *fixture.store, executor, request);
  Tensor held(DType::f32, {8, 6}), all(DType::f32, {22, 6});
  for (std::size_t i = 0; i < held.values().size(); ++i) held.values()[i] = static_cast<float>(i);
  for (std::size_t i = 0; i < all.values().size(); ++i) all.values()[i] = held.values()[i % held.values().size()];
  const std::vector<TensorView> few = {held.view()}, many = {all.view()};
  program.run({.feeds = many, .weights = {}, .samples = 22, .seed = 1, .step = 0});
  const std::vector<float> expected(program.term(0).begin(), program.term(0).end());
  program.run({.feeds = few, .weights = {}, .samples = 22, .seed = 1, .step = 0, .feeds_repeat = true});
  BOOST_TEST(expected == std::vector<float>(program.term(0).begin(), program.term(0).end()));

  const auto is_refused = [](Program& asked, const std::vector<TensorView>& feeds) {
    BOOST_CHECK_EXCEPTION(
        asked.run({.feeds = feeds, .weights = {}, .samples = 22, .seed = 1, .step = 0, .feeds_repeat = true}), Error,
        [](const Error& error) { return error.code() == ErrorCode::bad_feed; });
  };
  is_refused(program, {held.view().rows(0, 6)});  // not a multiple of the shard
  request.feeds = {whole.port("x")};
  request.terms = {whole.port("loss")};
  Program barrier(whole.graph, *whole.store, executor, request);
  BOOST_TEST(barrier.has_whole_batch_steps());
  is_refused(barrier, few);
}

BOOST_AUTO_TEST_CASE(memory_grows_with_threads_and_shard_not_with_lanes_or_batch) {
  const std::vector<NodeEntry> chain = {entry("x", "input", {}, {{"shape", list({1000})}}), entry("a", "scale", {"x"}),
                                        entry("b", "scale", {"a"}), entry("loss", "loss", {"b"})};
  Fixture fixture(chain);
  Executor executor(2);
  const auto memory = [&](std::int64_t batch, int lanes) {
    ProgramRequest request;
    request.training = true;
    request.feeds = {fixture.port("x")};
    request.terms = {fixture.port("loss")};
    request.objectives = {{{0}, fixture.all_parameters()}};
    request.batch = batch;
    request.lanes = lanes;
    request.shard = 8;
    return Program(fixture.graph, *fixture.store, executor, request).memory().total();
  };
  BOOST_TEST(memory(4096, 4) < memory(64, 4) + 4096 * sizeof(float) * 2);
  BOOST_TEST(memory(64, 8) < memory(64, 2) + 10000);  // no activations: these take 96,000 bytes a worker
}

BOOST_AUTO_TEST_SUITE_END()

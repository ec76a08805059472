// Samplers of codes against computations step by step: states that are replaced, MaskGIT, scales one after the other, and
// streams with a delay.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

#include "document/rewrite.h"
#include "generate/entry.h"
#include "generate/inferred_entries.h"
#include "generate/pass.h"
#include "generate/sampling.h"
#include "loom/random.h"

namespace loom {
namespace {

constexpr std::uint64_t kSeed = 7;

// A model that is sampled, and the same graph for single runs.
class Sampled {
 public:
  explicit Sampled(const std::string& text, bool incremental = true)
      : source_(DocumentText{text}, {}), incremental_(incremental) {}

  std::vector<Tensor> sample(std::int64_t count, const std::vector<std::string>& ports, std::int64_t batch = 100,
                             int threads = 2, const DrawOptions& draws = {}) {
    const GenerateEntry entry = sampling_entry(source_, "sample", draws);
    Rewrite rewrite = with_draws(source_.document(), entry, source_.registry());
    set_options(rewrite, entry, draws.options);
    const std::shared_ptr<const Graph> graph = rewrite.build();
    Executor executor(threads);
    std::vector<Port> fetch;
    for (const std::string& port : ports) fetch.push_back(graph->port(port, ErrorCode::bad_fetch));
    Pass pass(source_, executor,
              {.graph = graph,
               .weights = source_.parameters(*graph),
               .feeds = {},
               .fetch = fetch,
               .batch = batch,
               .entry = &entry,
               .rewrite = &rewrite,
               .incremental = incremental_});
    return pass.run_all({}, count, kSeed);
  }

  // One run of the graph itself.
  std::vector<Tensor> run(const std::vector<std::pair<std::string, const Tensor*>>& feeds,
                          const std::vector<std::string>& fetch, std::uint64_t seed = kSeed) {
    const std::shared_ptr<const Graph> graph = Rewrite(source_.document().nodes, source_.registry()).build();
    const std::shared_ptr<ParameterStore> weights = source_.parameters(*graph);
    Executor executor(1);
    ProgramRequest request;
    std::vector<TensorView> views;
    for (const auto& [port, values] : feeds) {
      request.feeds.push_back(graph->port(port, ErrorCode::bad_feed));
      views.push_back(values->view());
    }
    for (const std::string& port : fetch) request.fetch.push_back(graph->port(port, ErrorCode::bad_fetch));
    request.batch = views.front().samples();
    Program program(graph, *weights, executor, request);
    program.run({.feeds = views, .weights = {}, .samples = request.batch, .seed = seed});
    std::vector<Tensor> values;
    for (int i = 0; i < static_cast<int>(fetch.size()); ++i) {
      const TensorView view = program.fetched(i);
      values.emplace_back(view.dtype(), view.shape());
      std::memcpy(values.back().view().raw(), view.raw(), view.bytes());
    }
    return values;
  }

 private:
  ModelSource source_;
  bool incremental_;
};

std::vector<std::int32_t> codes(const Tensor& tensor) {
  const std::span<const std::int32_t> values = tensor.values<std::int32_t>();
  return {values.begin(), values.end()};
}

std::uint64_t seed_of_step(const char* state, std::uint32_t step) {
  return RandomStream(kSeed, stream_of(state), 0).value(0, step);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(code_samplers)

BOOST_AUTO_TEST_CASE(a_state_is_replaced_by_what_is_computed_from_it) {
  Sampled model(R"yaml(version: 1
nodes:
  x:     {type: input, shape: [2]}
  t:     {type: input, shape: [1]}
  start: {type: constant, shape: [2], value: 8}
  next:  {type: expr, in: {x: x, t: t}, y: "x / 2 + t"}
generate:
  sample: {iterate: {state: x, time: t, first: start, by: next, solver: replace, steps: 4}, show: x}
)yaml");
  double expected = 8;
  for (const double t : {0.25, 0.5, 0.75, 1.0}) expected = expected / 2 + t;
  const std::vector<Tensor> got = model.sample(3, {"x", "t"});
  for (const float value : got[0].values()) BOOST_TEST(value == static_cast<float>(expected));
  for (const float value : got[1].values()) BOOST_TEST(value == 1);
}

// The class is the same in all steps, while what is drawn given the state is not.
BOOST_AUTO_TEST_CASE(what_the_state_reaches_is_drawn_anew_in_each_step) {
  const std::string text = R"yaml(version: 1
nodes:
  x:      {type: input, shape: [3]}
  start:  {type: constant, shape: [3], value: 0}
  class:  {type: uniform, shape: [1]}
  twice:  {type: expr, in: {c: class}, y: "2 * c"}
  chance: {type: expr, in: {x: x, c: class}, y: "0 * sum(x) * c"}
  coin:   {type: bernoulli_sampler, in: chance}
  next:   {type: expr, in: {x: x, c: twice, b: coin}, y: "x + c + 0 * b"}
  tally:  {type: expr, in: {x: next, b: coin}, y: "x + 16 * b"}
generate:
  sample: {iterate: {state: x, first: start, by: tally, solver: replace, steps: 8}, show: x}
)yaml";
  Sampled model(text);
  const std::vector<Tensor> got = model.sample(200, {"x", "class"});
  std::vector<int> heads(9, 0);
  for (std::size_t n = 0; n < 200; ++n) {
    const double per_step = 2 * static_cast<double>(got[1].values()[n]);
    const double rest = static_cast<double>(got[0].values()[3 * n]) - 8 * per_step;  // the coins
    const auto count = static_cast<std::size_t>(std::lround(rest / 16));
    BOOST_TEST(std::abs(rest - 16 * static_cast<double>(count)) < 1e-3);
    BOOST_REQUIRE(count <= 8);
    ++heads[count];
  }
  BOOST_TEST(heads[0] + heads[8] < 12);  // one draw for all steps: 200
  BOOST_TEST(heads[4] > 30);
}

const std::string kMasked = R"yaml(version: 1
nodes:
  codes:  {type: input, shape: [3, 4], dtype: i32}
  hide:   {type: uniform, shape: [3, 4]}
  hidden: {type: expr, in: {c: codes, u: hide}, y: "where(u < 0.5, 5, c)"}
  seen:   {type: cast, in: hidden, to: i32}
  e:      {type: embedding, in: seen, count: 6, dim: 4}
  row:    {type: reshape, in: e, shape: [48]}
  mixed:  {type: linear, in: row, units: 60, activation: tanh}
  scores: {type: linear, in: mixed, units: 60, init: {weight: {type: normal, std: 1}}}
  logits: {type: reshape, in: scores, shape: [3, 4, 5]}
  drawn:  {type: categorical_sampler, in: logits}
  all:    {type: constant, shape: [3, 4], value: 5}
  blank:  {type: cast, in: all, to: i32}
  done:   {type: constant, shape: [1], value: 1}
  next:   {type: confidence_unmask, in: {logits: logits, drawn: drawn, codes: seen, progress: done}, choice_temperature: 2}
losses:
  p: {type: categorical_nll, in: {logits: logits, target: codes}, role: none}
generate:
  sample:
    iterate: {state: seen, first: blank, time: done, by: next, into: codes, solver: replace, steps: 5}
    show: codes
  complete:
    feed: codes
    iterate: {state: seen, first: seen, time: done, by: next, into: codes, solver: replace, steps: 5}
    show: codes
)yaml";

// Chang et al. 2022, section 3.2, written down again.
BOOST_AUTO_TEST_CASE(maskgit) {
  constexpr std::int64_t kSamples = 6, kPositions = 12;
  constexpr int kSteps = 5;
  Sampled model(kMasked);
  Tensor state(DType::i32, {kSamples, 3, 4});
  std::ranges::fill(state.values<std::int32_t>(), 5);
  for (int step = 0; step < kSteps; ++step) {
    const double done = (step + 1.0) / kSteps;
    const std::uint64_t seed = seed_of_step("seen", static_cast<std::uint32_t>(step));
    const std::vector<Tensor> got = model.run({{"seen", &state}}, {"logits", "drawn"}, seed);
    for (std::int64_t n = 0; n < kSamples; ++n) {
      std::vector<float> uniform(kPositions);
      RandomStream(seed, stream_of("next"), 0).uniform(static_cast<std::uint32_t>(n), uniform);
      std::vector<std::pair<double, std::size_t>> ranked;
      for (std::size_t i = 0; i < kPositions; ++i) {
        const auto at = static_cast<std::size_t>(n * kPositions) + i;
        if (state.values<std::int32_t>()[at] != 5) continue;
        const float* row = got[0].values().data() + at * 5;
        double total = 0;
        for (int k = 0; k < 5; ++k) total += std::exp(static_cast<double>(row[k]));
        const double u = static_cast<double>(uniform[i]) * (1 - 0x1p-24) + 0x1p-25;
        ranked.emplace_back(static_cast<double>(row[got[1].values<std::int32_t>()[at]]) - std::log(total) -
                                2 * (1 - done) * std::log(-std::log(u)),
                            at);
      }
      std::ranges::sort(ranked, std::greater<>());
      const auto left = step + 1 == kSteps ? 0 : std::floor(kPositions * std::cos(std::numbers::pi / 2 * done));
      for (std::size_t i = 0; i + static_cast<std::size_t>(left) < ranked.size(); ++i)
        state.values<std::int32_t>()[ranked[i].second] = got[1].values<std::int32_t>()[ranked[i].second];
    }
  }
  const Tensor sampled = std::move(model.sample(kSamples, {"codes"}).front());
  BOOST_TEST(codes(sampled) == codes(state), boost::test_tools::per_element());
  BOOST_TEST(moves(sampled));
  BOOST_TEST(std::ranges::none_of(codes(sampled), [](std::int32_t code) { return code == 5; }));
}

BOOST_AUTO_TEST_CASE(threads_change_no_bit_and_options_do) {
  Sampled model(kMasked);
  const auto drawn = [&](int threads, const DrawOptions& draws = {}) {
    return std::move(model.sample(40, {"codes"}, 40, threads, draws).front());
  };
  const Tensor one = drawn(1);
  BOOST_TEST(same(one, drawn(3)));
  BOOST_TEST(!same(one, drawn(1, {.options = {{"choice_temperature", 0.0}}})));
  BOOST_TEST(!same(one, drawn(1, {.iterate = {{"steps", 2}}})));
  // In one step all codes are those that are drawn without any of them known.
  Tensor blank(DType::i32, {40, 3, 4});
  std::ranges::fill(blank.values<std::int32_t>(), 5);
  const Tensor at_once = drawn(1, {.iterate = {{"steps", 1}}});
  BOOST_TEST(same(at_once, model.run({{"seen", &blank}}, {"drawn"}, seed_of_step("seen", 0)).front()));
  BOOST_TEST(has(error_of([&] {
                   drawn(1, {.iterate = {{"solver", "euler"}}});
                 }),
                 "of codes, of which the solver euler"));
  BOOST_TEST(has(error_of([&] { drawn(1, {.iterate = {{"guidance", 2.0}}}); }), "guidance has no effect"));
  BOOST_TEST(has(error_of([&] { drawn(1, {.options = {{"choice_temperatur", 2.0}}}); }), "choice_temperatur"));
}

// The first state follows from what is fed: its codes stay where they are not hidden.
BOOST_AUTO_TEST_CASE(given_codes_are_completed) {
  const Model model(DocumentText{kMasked}, {.threads = 2});
  Tensor given(DType::i32, {30, 3, 4});
  for (std::size_t i = 0; i < 360; ++i) given.values<std::int32_t>()[i] = static_cast<std::int32_t>(i * i % 5);
  const Tensor completed = model.decode(given, {.name = "complete", .seed = 3});
  std::size_t same_codes = 0;
  for (std::size_t i = 0; i < 360; ++i) same_codes += codes(completed)[i] == codes(given)[i] ? 1 : 0;
  BOOST_TEST(same_codes > 190);  // half are hidden, and a fifth of these is drawn by chance
  BOOST_TEST(same_codes < 260);
  BOOST_TEST(std::ranges::none_of(codes(completed), [](std::int32_t code) { return code == 5; }));
}

// Three scales of 1, 2 and 4 codes: each is drawn at once, given the coarser ones.
const std::string kScales = R"yaml(version: 1
nodes:
  one:   {type: input, shape: [1], dtype: i32}
  two:   {type: input, shape: [2], dtype: i32}
  four:  {type: input, shape: [4], dtype: i32}
  coarse: {type: concat, in: [one, two], axis: 1}
  e:     {type: embedding, in: coarse, count: 5, dim: 6}
  e1:    {type: slice, in: e, axis: 1, stop: 1}
  e2:    {type: slice, in: e, axis: 1, start: 1}
  twice: {type: concat, in: [e1, e1], axis: 1}
  told4: {type: concat, in: [e2, e2], axis: 1}
  start: {type: parameter, shape: [1, 6], init: {value: {type: normal, std: 1}}}
  row:   {type: concat, in: [start, twice, told4], axis: 1}
  placed: {type: learned_positions, in: row}
  ones:  {type: constant, shape: [7], value: 1}
  level: {type: expr, in: {one: ones}, let: {t: "cumsum(one)"}, y: "(t > 1) + (t > 3)"}
  own:   {type: reshape, in: level, shape: [7, 1]}
  query: {type: linear, in: placed, units: 6}
  pairs: {type: matmul, in: {a: query, b: placed}, transpose_b: true}
  share: {type: expr, in: {s: pairs, own: own, other: level}, y: "softmax(where(other <= own, s, -1.0e9))"}
  seen:  {type: matmul, in: {a: share, b: placed}}
  logits: {type: linear, in: seen, units: 5, init: {weight: {type: normal, std: 2}}}
  drawn: {type: categorical_sampler, in: logits}
  drawn1: {type: slice, in: drawn, axis: 1, stop: 1}
  drawn2: {type: slice, in: drawn, axis: 1, start: 1, stop: 3}
  drawn4: {type: slice, in: drawn, axis: 1, start: 3}
generate:
  sample:
    autoregressive:
      - {input: one, from: drawn1, axes: 0}
      - {input: two, from: drawn2, axes: 0}
      - {input: four, from: drawn4, axes: 0}
    show: four
)yaml";

// What the graph draws, given all that was sampled, is what was sampled: each scale depends on coarser ones alone.
BOOST_AUTO_TEST_CASE(scales_one_after_the_other) {
  Sampled model(kScales);
  const std::vector<Tensor> got = model.sample(50, {"one", "two", "four"});
  const std::vector<Tensor> again =
      model.run({{"one", &got[0]}, {"two", &got[1]}, {"four", &got[2]}}, {"drawn1", "drawn2", "drawn4"});
  for (std::size_t i = 0; i < 3; ++i) {
    BOOST_TEST(same(got[i], again[i]), "scale " << i);
    const std::vector<std::int32_t> drawn = codes(got[i]);
    BOOST_TEST(std::set(drawn.begin(), drawn.end()).size() > 2);
  }
  // Step by step: finer scales may be anything.
  Tensor zeros1(DType::i32, {50, 1}), zeros2(DType::i32, {50, 2}), fours(DType::i32, {50, 4});
  std::ranges::fill(fours.values<std::int32_t>(), 3);
  const Tensor first = std::move(model.run({{"one", &zeros1}, {"two", &zeros2}, {"four", &fours}}, {"drawn1"}).front());
  BOOST_TEST(same(first, got[0]));
  const Tensor second = std::move(model.run({{"one", &first}, {"two", &zeros2}, {"four", &fours}}, {"drawn2"}).front());
  BOOST_TEST(same(second, got[1]));
}

// Copet et al. 2023, section 2.1: what is drawn at a position of a stream is known one position later to all streams.
BOOST_AUTO_TEST_CASE(streams_with_a_delay) {
  const std::string blocks = LOOM_SOURCE_DIR "/graphs/blocks/";
  const std::string text = R"yaml(version: 1
nodes:
  codes0:  {type: input, shape: [6], dtype: i32}
  codes1:  {type: input, shape: [6], dtype: i32}
  codes2:  {type: input, shape: [6], dtype: i32}
  nothing: {type: constant, shape: [8, 3], value: 0}
  stream:
    use: )yaml" + blocks + R"yaml(delayed-stream.yaml
    in: {codes: "codes${index}", streams: nothing}
    vars: {length: 6, levels: 3, level: "${index}"}
    chain: [streams]
    repeat: 3
  delayed: {type: cast, in: stream, to: i32}
  e:       {type: embedding, in: delayed, count: 5, dim: 2}
  joined:  {type: reshape, in: e, shape: [8, 6]}
  before:  {type: shift, in: joined, axis: 1, by: 1}
  hidden:  {type: conv, in: before, filters: 12, kernel: 4, padding: causal}
  scores:  {type: reshape, in: hidden, shape: [8, 3, 4]}
  logits:  {type: linear, in: scores, units: 4, init: {weight: {type: normal, std: 3}}}
  drawn:   {type: categorical_sampler, in: logits}
  raised:  {type: expr, in: {d: drawn}, y: "d + 1"}
  there:   {type: constant, shape: [8, 3], value: [1, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 0, 0, 1]}
  told:    {type: multiply, in: [raised, there]}
  next:    {type: cast, in: told, to: i32}
generate:
  sample: {autoregressive: {input: delayed, from: next}, show: delayed}
)yaml";
  Sampled fast(text), slow(text, false);
  const Tensor got = std::move(fast.sample(20, {"delayed"}).front());
  BOOST_TEST(same(got, slow.sample(20, {"delayed"}).front()));
  BOOST_TEST(moves(got));
  BOOST_TEST(same(got, fast.run({{"delayed", &got}}, {"next"}).front()));
  // The streams are those of three rows of codes, each with its delay.
  Tensor rows[3];
  for (std::size_t level = 0; level < 3; ++level) {
    rows[level] = Tensor(DType::i32, {20, 6});
    for (std::size_t n = 0; n < 20; ++n)
      for (std::size_t t = 0; t < 6; ++t)
        rows[level].values<std::int32_t>()[n * 6 + t] = codes(got)[(n * 8 + t + level) * 3 + level] - 1;
  }
  const Tensor written =
      std::move(fast.run({{"codes0", &rows[0]}, {"codes1", &rows[1]}, {"codes2", &rows[2]}}, {"delayed"}).front());
  BOOST_TEST(same(got, written));
}

BOOST_AUTO_TEST_SUITE_END()
}  // namespace loom

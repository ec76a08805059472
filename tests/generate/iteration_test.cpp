// Samplers that iterate, against a Gaussian target whose flow map and moments are known.
#include "generate/iteration.h"

#include <boost/test/unit_test.hpp>

#include "generate/entry.h"
#include "generate/gaussian_target.h"
#include "generate/inferred_entries.h"
#include "train/check_document.h"

namespace loom {
BOOST_AUTO_TEST_SUITE(iterated_samplers)

// Half the step: half the error of a method of order 1, a quarter at order 2.
void expect_order(const std::string& text, int order, const std::string& schedule, double from) {
  const double coarse = flow_error(drawn(text, 20, {{"steps", 24}}), schedule, from),
               fine = flow_error(drawn(text, 20, {{"steps", 48}}), schedule, from), rate = std::log2(coarse / fine);
  const bool exact = fine < 5e-6;  // as far as f32 goes
  BOOST_TEST((exact || std::abs(rate - order) < 0.35),
             text << ": order " << rate << ", errors " << coarse << ", " << fine);
}

BOOST_AUTO_TEST_CASE(solvers_have_their_orders) {
  const std::pair<const char*, int> solvers[] = {{"euler", 1}, {"midpoint", 2}, {"heun", 2}};
  for (const auto& [solver, order] : solvers) {
    const std::string keys = std::string("solver: ") + solver;
    expect_order(gaussian_sample("flow", "velocity", keys), order, "flow", 1);
    expect_order(gaussian_sample("cosine", "velocity", keys + ", from: 0.9"), order, "cosine", 0.9);
    expect_order(gaussian_sample("cosine", "data", keys + ", from: 0.6"), order, "cosine", 0.6);
  }
}

BOOST_AUTO_TEST_CASE(whatever_is_predicted_the_samples_are_the_same) {
  for (const char* solver : {"ddim", "ddpm", "ddim, eta: 0.5", "heun"}) {
    const std::string keys = std::string("from: 0.95, steps: 30, solver: ") + solver;
    const Tensor noise = drawn(gaussian_sample("cosine", "noise", keys), 8);
    for (const char* other : {"data", "v", "score", "velocity"}) {
      if (std::string(solver) == "heun" && std::string(other) == "velocity")
        continue;  // that is the flow over t itself
      const Tensor same = drawn(gaussian_sample("cosine", other, keys), 8);
      for (std::size_t i = 0; i < 16; ++i)
        BOOST_TEST(std::abs(noise.values()[i] - same.values()[i]) < 2e-4F, solver << " by " << other);
    }
  }
}

BOOST_AUTO_TEST_CASE(ddim_without_noise_is_the_flow) {
  const std::string text = gaussian_sample("cosine", "noise", "solver: ddim, from: 0.9");
  expect_order(text, 1, "cosine", 0.9);
  BOOST_TEST(same(drawn(text, 5), drawn(text, 5, {{"solver", "euler"}})));
  BOOST_TEST(flow_error(drawn(text, 20, {{"steps", 1000}}), "cosine", 0.9) < 5e-3);
  BOOST_TEST(!same(drawn(text, 5), drawn(text, 5, {{"eta", 0.5}})));
  BOOST_TEST(same(drawn(text, 5, {{"solver", "ddpm"}}), drawn(text, 5, {{"eta", 1.0}})));
}

// Karras et al. 2022, algorithm 1, in double precision.
double edm_reference(double x, int steps) {
  std::vector<double> times;
  for (int i = 0; i < steps; ++i)
    times.push_back(
        std::pow(std::pow(80, 1 / 7.0) + i / (steps - 1.0) * (std::pow(0.002, 1 / 7.0) - std::pow(80, 1 / 7.0)), 7));
  times.push_back(0);
  const auto slope = [](double at, double sigma) {
    const double denoised = kTargetMean + 0.25 * (at - kTargetMean) / (0.25 + sigma * sigma);
    return (at - denoised) / sigma;
  };
  for (int i = 0; i < steps; ++i) {
    const auto k = static_cast<std::size_t>(i);
    const double first = slope(x, times[k]), next = x + (times[k + 1] - times[k]) * first;
    x = times[k + 1] == 0 ? next : x + (times[k + 1] - times[k]) * (first + slope(next, times[k + 1])) / 2;
  }
  return x;
}

BOOST_AUTO_TEST_CASE(the_sampler_of_edm) {
  const Tensor samples = drawn(gaussian_sample("edm", "data", "solver: heun, grid: karras, steps: 18"), 30);
  for (std::int64_t n = 0; n < 30; ++n)
    for (std::size_t i = 0; i < 2; ++i)
      BOOST_TEST(std::abs(static_cast<double>(samples.values()[2 * static_cast<std::size_t>(n) + i]) -
                          edm_reference(80 * first_state(n)[i], 18)) < 1e-4);
  const std::string finer = gaussian_sample("edm", "data", "solver: heun, grid: karras, steps: 72");
  BOOST_TEST(flow_error(drawn(finer, 30), "edm", 80, 80) < 0.02);
}

BOOST_AUTO_TEST_CASE(draws_have_the_moments_of_the_target) {
  const std::vector<std::string> texts = {
      gaussian_sample("cosine", "noise", "solver: ddpm, steps: 200"),
      gaussian_sample("linear", "noise", "solver: ddim, steps: 200"),
      gaussian_sample("flow", "velocity", "solver: ddpm, steps: 200"),
      gaussian_sample("edm", "noise", "solver: ddim, eta: 1, grid: karras, steps: 200")};
  for (const std::string& text : texts) {
    const Moments moments = moments_of(drawn(text, 2000));
    BOOST_TEST(std::abs(moments.mean - kTargetMean) < 0.035, text << ": mean " << moments.mean);
    BOOST_TEST(std::abs(moments.deviation / kTargetDeviation - 1) < 0.05, text << ": deviation " << moments.deviation);
  }
}

BOOST_AUTO_TEST_CASE(langevin_reaches_its_stationary_density) {
  const std::string fixed = R"yaml(version: 1
nodes:
  x: {type: input, shape: [2]}
  score: {type: expr, in: {x: x}, y: "-(x - 1.5) / 0.25"}
generate:
  sample: {iterate: {state: x, by: score, predicts: score, solver: langevin, step_size: 0.05, steps: 200}, show: x}
)yaml";
  // The steps are those of a linear recursion, whose variance is s^2 / (1 - h / (2 s^2)) times the temperature.
  const double deviation = kTargetDeviation / std::sqrt(1 - 0.05 / 0.5);
  const Moments warm = moments_of(drawn(fixed, 4000)), cold = moments_of(drawn(fixed, 4000, {{"temperature", 0.25}}));
  BOOST_TEST(std::abs(warm.mean - kTargetMean) < 0.025);
  BOOST_TEST(std::abs(warm.deviation / deviation - 1) < 0.03);
  BOOST_TEST(std::abs(cold.deviation / deviation - 0.5) < 0.015);
  const Tensor still = drawn(fixed, 5, {{"temperature", 0.0}});
  for (const float value : still.values()) BOOST_TEST(std::abs(value - 1.5F) < 1e-4F);
  // Annealed, with a step that follows the noise (Song and Ermon 2019).
  const std::string annealed =
      gaussian_sample("edm", "score", "solver: langevin, step_size: 0.1, from: 5, to: 0.05, grid: karras, steps: 400");
  const Moments moments = moments_of(drawn(annealed, 2000));
  BOOST_TEST(std::abs(moments.mean - kTargetMean) < 0.05);
  BOOST_TEST(std::abs(moments.deviation / kTargetDeviation - 1) < 0.1);
}

BOOST_AUTO_TEST_CASE(guidance_goes_from_the_unconditional_to_the_conditional) {
  const auto text = [](const std::string& by, const std::string& keys) {
    return gaussian_nodes("flow") + R"yaml(  free: {type: expr, in: {x: x, t: t}, y: "0.3 * x - t"}
  both: {type: expr, in: {u: free, c: network.velocity}, y: "u + 3 * (c - u)"}
generate:
  sample: {iterate: {state: x, time: t, by: )yaml" +
           by + ", solver: heun, steps: 12" + keys + "}, show: x}\n";
  };
  const Tensor plain = drawn(text("network.velocity", ""), 9);
  const std::string guided = text("network.velocity", ", unconditional: free");
  BOOST_TEST(same(plain, drawn(guided, 9)));
  BOOST_TEST(same(plain, drawn(guided, 9, {{"guidance", 1.0}})));
  BOOST_TEST(same(drawn(text("free", ""), 9), drawn(guided, 9, {{"guidance", 0.0}})));
  const Tensor three = drawn(guided, 9, {{"guidance", 3.0}}), written = drawn(text("both", ""), 9);
  BOOST_TEST(!same(plain, three));
  for (std::size_t i = 0; i < 18; ++i) BOOST_TEST(std::abs(three.values()[i] - written.values()[i]) < 1e-4F);
}

// One state after the other: the second target has the first sample as its mean, and what is shown reads both.
BOOST_AUTO_TEST_CASE(several_iterations_feed_each_other) {
  const std::string text = R"yaml(version: 1
nodes:
  data:   {type: input, shape: [2]}
  first:  {type: linear, in: data, units: 2}
  t:      {type: uniform, shape: [1]}
  x:      {type: expr, in: {y: first, t: t}, y: "(1 - t) * y"}
  z:      {type: normal, shape: [2]}
  second: {type: expr, in: {x: first, t: t}, y: "x + t"}
  v:      {type: expr, in: {x: x, t: t}, y: "(t - 0.25 * (1 - t)) / (0.25 * (1 - t)^2 + t^2) * (x - 1.5 * (1 - t)) - 1.5"}
  w:      {type: expr, in: {x: second, y: first, t: t}, y: "(t - 0.04 * (1 - t)) / (0.04 * (1 - t)^2 + t^2) * (x - (1 - t) * y) - y"}
  both:   {type: expr, in: {y: first, z: z}, y: "z - y"}
generate:
  sample:
    iterate:
      - {state: x, time: t, by: v, into: first, solver: heun, steps: 200}
      - {state: second, time: t, by: w, into: z, solver: heun, steps: 200}
    show: both
)yaml";
  const Tensor samples = drawn(text, 6);
  for (std::int64_t n = 0; n < 6; ++n)
    for (std::size_t i = 0; i < 2; ++i)
      BOOST_TEST(std::abs(static_cast<double>(samples.values()[2 * static_cast<std::size_t>(n) + i]) -
                          0.2 * first_state(n, "second")[i]) < 2e-3);
}

Tensor drawn_in_parts(const std::string& text, std::int64_t batch, int threads) {
  const ModelSource source(DocumentText{text}, {});
  const GenerateEntry entry = sampling_entry(source, "sample");
  const Rewrite rewrite = with_draws(source.document(), entry, source.registry());
  const std::shared_ptr<const Graph> graph = rewrite.build();
  Executor executor(threads);
  Pass pass(source, executor,
            {.graph = graph,
             .weights = source.parameters(*graph),
             .feeds = {},
             .fetch = {graph->port(rewrite.resolved(entry.show))},
             .batch = batch,
             .entry = &entry,
             .rewrite = &rewrite});
  return std::move(pass.run_all({}, 23, 5).front());
}

BOOST_AUTO_TEST_CASE(batches_and_threads_change_no_bit) {
  const std::string text = gaussian_sample("cosine", "noise", "solver: ddpm, steps: 20");
  const Tensor whole = drawn_in_parts(text, 23, 1);
  BOOST_TEST(moves(whole));
  for (const std::int64_t batch : {1, 4, 7, 100}) BOOST_TEST(same(whole, drawn_in_parts(text, batch, 3)));
}

BOOST_AUTO_TEST_CASE(the_time_may_have_no_axis_or_be_left_out) {
  const std::string text = R"yaml(version: 1
nodes:
  x: {type: input, shape: [2]}
  t: {type: input, shape: []}
  v: {type: expr, in: {x: x}, y: "x"}
generate:
  sample: {iterate: {state: x, by: v, from: 0, to: 1, solver: heun, steps: 100}, show: x}
)yaml";
  const Tensor samples = drawn(text, 4);  // dx/dt = x
  for (std::int64_t n = 0; n < 4; ++n)
    BOOST_TEST(std::abs(static_cast<double>(samples.values()[2 * static_cast<std::size_t>(n)]) /
                            (std::exp(1.0) * first_state(n)[0]) -
                        1) < 1e-4);
}

BOOST_AUTO_TEST_CASE(keys_of_a_call) {
  const std::string text = gaussian_sample("flow", "velocity", "steps: 4");
  const auto refused = [&](const std::map<std::string, OptionValue>& keys) {
    return error_of([&] { drawn(text, 2, keys); });
  };
  BOOST_TEST(has(refused({{"steps", 0}}), "iterate.steps is out of range"));
  BOOST_TEST(has(refused({{"solver", "rk4"}}), "iterate.solver"));
  BOOST_TEST(has(refused({{"solver", "langevin"}}), "no step_size"));
  BOOST_TEST(has(refused({{"guidance", 2.0}}), "guidance needs what the network gives without its condition"));
  BOOST_TEST(has(refused({{"stepz", 2}}), "iterate has no option 'stepz'"));
  BOOST_TEST(has(refused({{"state", "y"}}), "iterate has no option 'state'"));
  const std::string bare =
      gaussian_nodes("flow") + "generate:\n  sample: {draw: {x: {type: standard_normal}}, show: x}\n";
  BOOST_TEST(has(error_of([&] { drawn(bare, 2, {{"steps", 3}}); }), "generate.sample does not iterate"));
  const std::string wild = R"yaml(version: 1
nodes:
  x: {type: input, shape: [2]}
  v: {type: expr, in: {x: x}, y: "-x * x * 1e6"}
generate:
  sample: {iterate: {state: x, by: v, steps: 40}, show: x}
)yaml";
  BOOST_TEST(has(error_of([&] { drawn(wild, 2); }), "the state 'x' is not finite after 40 steps"));
}

BOOST_AUTO_TEST_SUITE_END()
}  // namespace loom

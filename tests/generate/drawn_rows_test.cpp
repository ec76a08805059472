// A draw in the place of a port that has several rows per sample.
#include <cmath>

#include "generate/inferred_entries.h"

namespace loom {
BOOST_AUTO_TEST_SUITE(drawn_rows)

const std::string kSeveral = R"yaml(nodes:
  x:    {type: input, shape: [6]}
  q:    {type: gaussian_parameters, in: x, dim: 3}
  many: {type: repeat, in: q.mu, times: 4}
  wide: {type: repeat, in: q.logvar, times: 4}
  z:    {type: gaussian_sampler, in: {mu: many, logvar: wide}}
  out:  {type: linear, in: z, units: 6}
  mean: {type: rows_to_axis, in: out}
losses:
  rec: {expr: "sum(m^2)", in: {m: mean}}
)yaml";

BOOST_AUTO_TEST_CASE(have_the_rows_of_the_port) {
  for (const char* draw : {"{type: standard_normal}", "{type: uniform, low: -1, high: 1}", "{type: normal, shape: [3]}",
                           "{type: normal, in: {like: many}}", "{type: constant, value: 2}"}) {
    const std::string entry = std::string("{draw: {z: ") + draw + "}, show: mean}";
    const Tensor drawn = model_of(kSeveral, {{"sample", entry}}).sample(5, {.seed = 3});
    BOOST_TEST((drawn.shape() == Shape{5, 4, 6}), drawn.shape().text());
    const bool same_everywhere = std::string(draw).find("constant") != std::string::npos;
    BOOST_TEST(moves(drawn) != same_everywhere, draw);
    const float* rows = drawn.values().data();
    BOOST_TEST(std::equal(rows, rows + 6, rows + 6) == same_everywhere, draw);  // each row has a draw of its own
  }
}

BOOST_AUTO_TEST_CASE(threads_change_no_bit) {
  const std::string text = with(kSeveral, {{"sample", "{draw: {z: {type: standard_normal}}, show: mean}"}});
  const Tensor one = Model(DocumentText{text}, {.threads = 1}).sample(33, {.seed = 3});
  BOOST_TEST(same(one, Model(DocumentText{text}, {.threads = 3}).sample(33, {.seed = 3})));
}

// dx/dt = x from 0 to 1, of each row.
BOOST_AUTO_TEST_CASE(a_state_of_an_iterated_sampler_may_have_several) {
  const std::string flow = kSeveral + "  n: {expr: \"sum(z^2)\", in: {z: v}}\n";
  const std::size_t losses = flow.find("losses:");
  const std::string text = flow.substr(0, losses) + "  v: {type: activation, in: z, function: identity}\n" +
                           "  zs: {type: rows_to_axis, in: z}\n" + flow.substr(losses);
  const auto sampled = [&](int steps, std::int64_t count) {
    const std::string entry =
        "{iterate: {state: z, by: v, from: 0, to: 1, solver: heun, steps: " + std::to_string(steps) + "}, show: zs}";
    return model_of(text, {{"sample", entry}}).sample(count, {.seed = 3});
  };
  const Tensor coarse = sampled(1, 7), fine = sampled(200, 7);  // one step of heun: 1 + 1 + 1/2
  BOOST_TEST((fine.shape() == Shape{7, 4, 3}), fine.shape().text());
  BOOST_TEST(moves(fine));
  for (std::size_t i = 0; i < 84; ++i)
    BOOST_TEST(std::abs(static_cast<double>(fine.values()[i]) -
                        std::exp(1.0) / 2.5 * static_cast<double>(coarse.values()[i])) < 1e-3);
  BOOST_TEST(fine.values()[0] != fine.values()[3]);
}

BOOST_AUTO_TEST_SUITE_END()
}  // namespace loom

// A draw in the place of a port that has several rows per sample.
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

BOOST_AUTO_TEST_SUITE_END()
}  // namespace loom

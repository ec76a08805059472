#include "nodes/by_hand.h"
#include "nodes/node_checks.h"

using namespace loom::check;
using loom::Filled;
using loom::Shape;
using loom::Tensor;

namespace {

struct Form {
  Shape query, key;  // without channels
  std::int64_t channels, value_channels;
  int heads = 1;
  bool causal = false, strict = false;

  Shape shape(const Shape& positions, std::int64_t last) const {
    Shape shape = positions;
    shape.push_back(last);
    return shape;
  }
  Shape output() const { return shape(query, value_channels); }
  ByHand::Values options() const { return {{"heads", heads}, {"causal", causal}, {"strict", strict}}; }
  std::vector<Tensor> inputs() const {
    return several(random_tensor(shape(query, channels), 1), random_tensor(shape(key, channels), 2),
                   random_tensor(shape(key, value_channels), 3));
  }
  NodeTester tester() const {
    auto tester = node("attention");
    for (const auto& [name, value] : options()) tester.option(name, value);
    auto tensors = inputs();
    tester.input("query", std::move(tensors[0]))
        .input("key", std::move(tensors[1]))
        .input("value", std::move(tensors[2]));
    return tester;
  }
};

// Attention and its gradients as the formulas say it, in double precision, with the whole matrix of weights.
class Naive {
 public:
  Naive(const Form& form, const std::vector<Tensor>& inputs, const Tensor& diff_y)
      : form_(form),
        in_(inputs),
        samples_(form.query[0]),
        queries_(form.query.count_from(1)),
        keys_(form.key.count_from(1)) {
    for (std::size_t i = 0; i < 3; ++i) gradients.emplace_back(static_cast<std::size_t>(inputs[i].count()), 0.0);
    y.assign(static_cast<std::size_t>(form.output().count()), 0.0);
    for (std::int64_t n = 0; n < samples_; ++n)
      for (std::int64_t h = 0; h < form.heads; ++h)
        for (std::int64_t t = 0; t < queries_; ++t) row(n, h, t, diff_y);
  }
  std::vector<double> y;
  std::vector<std::vector<double>> gradients;

 private:
  static std::size_t at(std::int64_t n, std::int64_t positions, std::int64_t t, std::int64_t channels, std::int64_t c) {
    return static_cast<std::size_t>(((n * positions) + t) * channels + c);
  }
  double value(std::size_t input, std::size_t i) const { return static_cast<double>(in_[input].values()[i]); }

  void row(std::int64_t n, std::int64_t h, std::int64_t t, const Tensor& diff_y) {
    const std::int64_t d = form_.channels / form_.heads, e = form_.value_channels / form_.heads;
    const std::int64_t seen = form_.causal ? t + (form_.strict ? 0 : 1) : keys_;
    const double factor = 1 / std::sqrt(static_cast<double>(d));
    const auto q = [&](std::int64_t c) { return at(n, queries_, t, form_.channels, h * d + c); };
    const auto k = [&](std::int64_t s, std::int64_t c) { return at(n, keys_, s, form_.channels, h * d + c); };
    const auto v = [&](std::int64_t s, std::int64_t c) { return at(n, keys_, s, form_.value_channels, h * e + c); };
    const auto o = [&](std::int64_t c) { return at(n, queries_, t, form_.value_channels, h * e + c); };
    std::vector<double> weights(static_cast<std::size_t>(seen)), diff(weights.size());
    double total = 0, mean = 0;
    for (std::int64_t s = 0; s < seen; ++s) {
      double dot = 0;
      for (std::int64_t c = 0; c < d; ++c) dot += value(0, q(c)) * value(1, k(s, c));
      total += weights[static_cast<std::size_t>(s)] = std::exp(factor * dot);
    }
    for (std::int64_t s = 0; s < seen; ++s) {
      double& weight = weights[static_cast<std::size_t>(s)];
      weight /= total;
      for (std::int64_t c = 0; c < e; ++c) {
        const double above = static_cast<double>(diff_y.values()[o(c)]);
        y[o(c)] += weight * value(2, v(s, c));
        gradients[2][v(s, c)] += weight * above;
        diff[static_cast<std::size_t>(s)] += above * value(2, v(s, c));
      }
      mean += weight * diff[static_cast<std::size_t>(s)];
    }
    for (std::int64_t s = 0; s < seen; ++s) {
      const double slope = factor * weights[static_cast<std::size_t>(s)] * (diff[static_cast<std::size_t>(s)] - mean);
      for (std::int64_t c = 0; c < d; ++c) {
        gradients[0][q(c)] += slope * value(1, k(s, c));
        gradients[1][k(s, c)] += slope * value(0, q(c));
      }
    }
  }

  const Form& form_;
  const std::vector<Tensor>& in_;
  std::int64_t samples_, queries_, keys_;
};

void check_near(const Tensor& got, const std::vector<double>& expected, double tolerance, const std::string& what) {
  double worst = 0, most = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(static_cast<double>(got.values()[i]) - expected[i]);
    worst = std::isnan(difference) ? HUGE_VAL : std::max(worst, difference);
    most = std::max(most, std::abs(expected[i]));
  }
  BOOST_TEST(worst <= tolerance * most, what << ": off by " << worst << ", of at most " << most);
}

// Position by position from maps that hold nothing yet beyond what they should.
void check_advance(const Form& form, const std::vector<Filled>& fills) {
  const auto inputs = form.inputs();
  ByHand whole("attention", form.options(), inputs, {}, form.output());
  ByHand step("attention", form.options(), inputs, {}, form.output(), true);
  const Tensor expected = whole.forward(inputs), got = step.advance(inputs, fills);
  const std::vector<double> values(expected.values().begin(), expected.values().end());
  check_near(got, values, 1e-5, "one position at a time");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(attention)

BOOST_AUTO_TEST_CASE(equals_pytorch) { expect_golden("attention"); }

BOOST_AUTO_TEST_CASE(equals_the_formula_over_many_tiles) {
  for (const Form& form : {Form{{2, 300}, {2, 300}, 8, 12, 2, true}, Form{{1, 384}, {1, 384}, 32, 32, 1, true},
                           Form{{1, 385}, {1, 385}, 6, 4, 2, true, true}, Form{{1, 129}, {1, 255}, 40, 8, 2},
                           Form{{2, 17, 19}, {2, 17, 19}, 16, 16, 4, true}, Form{{2, 1}, {2, 257}, 8, 8, 1},
                           Form{{1, 1100}, {1, 1100}, 8, 4, 2, true}, Form{{1, 1153}, {1, 1153}, 4, 4, 1, true, true},
                           Form{{1, 130}, {1, 2050}, 4, 8, 1}}) {
    const auto inputs = form.inputs();
    const Tensor diff_y = random_tensor(form.output(), 4);
    const Naive naive(form, inputs, diff_y);
    auto tester = form.tester();
    Tensors above;
    above.emplace("y", diff_y.clone());
    const NodeResult result = tester.run(above);
    check_near(result.outputs.at("y"), naive.y, 1e-5, "y");
    check_near(result.diff_inputs.at("query"), naive.gradients[0], 1e-5, "diff_query");
    check_near(result.diff_inputs.at("key"), naive.gradients[1], 1e-5, "diff_key");
    check_near(result.diff_inputs.at("value"), naive.gradients[2], 1e-5, "diff_value");
  }
}

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  for (const Form& form : {Form{{3, 6}, {3, 9}, 4, 6, 2}, Form{{3, 3, 4}, {3, 3, 4}, 6, 4, 2, true},
                           Form{{3, 10}, {3, 10}, 4, 4, 1, true, true}, Form{{2, 140}, {2, 140}, 4, 4, 2, true}}) {
    auto tester = form.tester();
    expect_ok(tester.check());
  }
}

// Scores of hundreds: a softmax without its maximum would overflow, in a later tile more than in the first.
BOOST_AUTO_TEST_CASE(large_scores) {
  constexpr std::int64_t kPositions = 1300;
  Tensor query(loom::DType::f32, {1, 1, 1}), key(loom::DType::f32, {1, kPositions, 1});
  query.values()[0] = 100;
  for (std::int64_t s = 0; s < kPositions; ++s)
    key.values()[static_cast<std::size_t>(s)] = 0.1F * static_cast<float>(s);
  auto tester = node("attention");
  const NodeResult result =
      tester.input("query", std::move(query)).input("value", key.clone()).input("key", std::move(key)).run();
  // weights 1, e^-10, ... from the last key on
  const double share = std::exp(-10.0), last = static_cast<double>(0.1F * (kPositions - 1)),
               mean = last - 0.1 * share / (1 - share);
  BOOST_TEST(std::abs(static_cast<double>(result.outputs.at("y").values()[0]) - mean) < 1e-5);
}

// By a single bit; and every position that is allowed does count.
BOOST_AUTO_TEST_CASE(causal_without_a_blind_spot) {
  for (const bool strict : {false, true}) {
    const Form form{{1, 12, 13}, {1, 12, 13}, 4, 4, 2, true, strict};
    constexpr std::int64_t kPositions = 156;
    const auto inputs = form.inputs();
    ByHand whole("attention", form.options(), inputs, {}, form.output());
    const Tensor before = whole.forward(inputs);
    for (const std::int64_t changed : {0, 1, 77, 127, 128, 154, 155}) {
      for (const std::size_t input : {1, 2}) {
        auto other = form.inputs();
        other[input].view().data()[changed * 4 + 1] += 0.5F;
        other[input].view().data()[changed * 4 + 2] += 0.5F;
        const Tensor after = whole.forward(other);
        for (std::int64_t t = 0; t < kPositions; ++t) {
          const bool same =
              std::memcmp(before.view().data() + t * 4, after.view().data() + t * 4, 4 * sizeof(float)) == 0;
          // The first position that sees anything sees one key, whose weight is 1 whatever it is.
          const bool sees = t >= changed + (strict ? 1 : 0) && (input == 2 || t > (strict ? 1 : 0));
          BOOST_TEST(same == !sees, "position " << t << " after a change at " << changed << " of input " << input);
        }
      }
    }
    if (strict) {
      for (std::int64_t c = 0; c < 4; ++c) BOOST_TEST(before.values()[static_cast<std::size_t>(c)] == 0);
    }
  }
}

BOOST_AUTO_TEST_CASE(one_position_at_a_time) {
  const Filled through = Filled::through, before = Filled::before;
  check_advance({{3, 150}, {3, 150}, 8, 12, 2, true}, {through, through, through});
  check_advance({{2, 7, 9}, {2, 7, 9}, 34, 6, 2, true}, {through, through, through});
  check_advance({{2, 7, 9}, {2, 7, 9}, 8, 4, 1, true}, {through, before, through});
  check_advance({{2, 7, 9}, {2, 7, 9}, 8, 4, 1, true}, {Filled::rows_before, through, before});
  check_advance({{2, 7, 9}, {2, 7, 9}, 16, 64, 2, true, true}, {through, before, before});
  check_advance({{2, 20}, {2, 20}, 8, 4, 4, true, true}, {through, through, before});
  check_advance({{1, 20}, {1, 20}, 3, 5, 1}, {through, Filled::whole, Filled::whole});
}

// Keys that are no positions of the map come as they are.
BOOST_AUTO_TEST_CASE(one_position_at_a_time_over_other_positions) {
  const Form form{{2, 6}, {2, 4}, 4, 6, 2};
  auto inputs = form.inputs();
  ByHand whole("attention", form.options(), inputs, {}, form.output());
  ByHand step("attention", form.options(), inputs, {}, form.output(), true);
  const Tensor expected = whole.forward(inputs);
  const Tensor query = positions_first(inputs[0]);
  const Tensor got = step.advance_maps(several(query.clone(), inputs[1].clone(), inputs[2].clone()),
                                       {Filled::through, Filled::whole, Filled::whole});
  check_near(got, {expected.values().begin(), expected.values().end()}, 1e-5, "over other positions");
}

BOOST_AUTO_TEST_CASE(how_far_the_output_is_filled) {
  const Filled through = Filled::through, before = Filled::before, rows = Filled::rows_before, whole = Filled::whole;
  const auto filled = [](const Form& form, Filled query, Filled key, Filled value) {
    const auto inputs = form.inputs();
    const ByHand step("attention", form.options(), inputs, {}, form.output(), true);
    return step.node().filled(std::vector<Filled>{query, key, value}, 0);
  };
  const Form plain{{1, 4, 4}, {1, 4, 4}, 4, 4}, causal{{1, 4, 4}, {1, 4, 4}, 4, 4, 1, true};
  const Form strict{{1, 4, 4}, {1, 4, 4}, 4, 4, 1, true, true};
  BOOST_TEST((filled(causal, through, through, through) == through));
  BOOST_TEST((filled(causal, through, through, before) == before));
  BOOST_TEST((filled(causal, rows, before, before) == rows));
  BOOST_TEST((filled(strict, through, before, before) == through));
  BOOST_TEST((filled(strict, through, rows, before) == rows));
  BOOST_TEST((filled(strict, before, before, before) == before));
  BOOST_TEST((filled(plain, through, whole, whole) == through));
  BOOST_CHECK_EXCEPTION(filled(plain, through, through, through), loom::Error, [](const loom::Error& e) {
    return e.code() == loom::ErrorCode::not_supported &&
           std::string(e.what()).find("causal: true") != std::string::npos;
  });
}

// What is reserved for twice the positions is no more than twice as much.
BOOST_AUTO_TEST_CASE(memory_grows_linearly) {
  const auto bytes = [](std::int64_t positions, bool incremental) {
    const Form form{{2, positions}, {2, positions}, 64, 64, 4, true};
    const ByHand hand("attention", form.options(), form.inputs(), {}, form.output(), incremental, !incremental);
    return hand.needs.scratch_bytes + hand.needs.saved_bytes;
  };
  for (const bool incremental : {false, true}) {
    std::size_t last = bytes(256, incremental);
    for (const std::int64_t positions : {512, 1024, 2048}) {
      const std::size_t now = bytes(positions, incremental);
      BOOST_TEST(now <= 2 * last, positions << " positions take " << now << " bytes, half of them " << last);
      last = now;
    }
    BOOST_TEST(last > 0U);
  }
  BOOST_TEST(bytes(2048, false) < 2048U * 2048U * sizeof(float) / 16);  // of one head's matrix
}

BOOST_AUTO_TEST_CASE(reports_bad_shapes_and_options) {
  const auto error = [](const Form& form, const std::string& text) {
    auto tester = form.tester();
    expect_error(tester, text);
  };
  error({{2, 4}, {2, 4}, 6, 8, 4}, "a multiple of 4 channels");
  error({{2, 4}, {2, 4}, 8, 6, 4}, "6 channels, 4 heads");
  error({{2, 4}, {2, 5}, 4, 4, 1, true}, "the same positions");
  error({{2, 4}, {2, 4}, 4, 4, 1, false, true}, "strict without causal");
  error({{2}, {2}, 4, 4}, "no positions");
  auto other = node("attention");
  expect_error(other.random_input("query", {2, 3, 4}).random_input("key", {2, 3, 5}).random_input("value", {2, 3, 4}),
               "C is [5] here and [4]");
}

BOOST_AUTO_TEST_SUITE_END()

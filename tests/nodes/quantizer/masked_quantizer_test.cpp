// A quantizer with a mask: positions that are not there are quantized and count nowhere.
#include <limits>

#include "nodes/node_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

constexpr std::int64_t kDim = 3, kCodes = 5;

NodeTester quantizer(Tensor x, Tensor mask, const std::map<std::string, OptionValue>& options = {}) {
  NodeTester tester = node("vector_quantizer");
  tester.option("codes", kCodes).option("decay", 0.5).state("codebook", random_tensor({kCodes, kDim}, 3));
  for (const auto& [name, value] : options) tester.option(name, value);
  tester.input("x", std::move(x));
  if (mask.shape().rank() > 0) tester.input("mask", std::move(mask));
  return tester;
}

Tensor mask_of(const Shape& shape, std::vector<float> values) { return tensor_of(shape, values); }

// Positions 0, 2 and 3 of six are there; the others hold `value`.
Tensor with_gaps(float value) {
  Tensor x = random_tensor({1, 6, kDim}, 7);
  for (const std::int64_t position : {1, 4, 5}) std::fill_n(x.values().data() + position * kDim, kDim, value);
  return x;
}
Tensor first_mask() { return mask_of({1, 6}, {1, 0, 1, 1, 0, 0}); }

void expect_same_states(const NodeResult& got, const NodeResult& expected) {
  for (const auto& [name, state] : expected.states) {
    Report report;
    compare(report, name, got.states.at(name), state, 1e-6);
    expect_ok(report);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(masked_quantizer)

BOOST_AUTO_TEST_CASE(statistics_and_losses_are_those_of_what_is_there) {
  const Tensor x = with_gaps(0);
  Tensor there(DType::f32, {1, 3, kDim});
  for (const auto& [to, from] : {std::pair{0, 0}, {1, 2}, {2, 3}})
    std::copy_n(x.values().data() + from * kDim, kDim, there.values().data() + to * kDim);
  const NodeResult expected = quantizer(std::move(there), {}).run();
  for (const float value : {0.0F, 100.0F, std::numeric_limits<float>::quiet_NaN()}) {
    const NodeResult got = quantizer(with_gaps(value), first_mask()).run();
    expect_same_states(got, expected);
    for (const char* loss : {"loss", "codebook_loss", "commitment_loss"})
      BOOST_TEST(std::abs(got.outputs.at(loss).values()[0] - expected.outputs.at(loss).values()[0]) < 1e-5);
  }
}

BOOST_AUTO_TEST_CASE(a_sample_without_any_position_has_no_loss) {
  Tensor x = random_tensor({2, 4, kDim}, 7);
  NodeTester tester = quantizer(std::move(x), mask_of({2}, {0, 1}));
  Tensors above;
  above.emplace("loss", tensor_of({2}, std::vector<float>{1, 1}));
  const NodeResult result = tester.run(above);
  BOOST_TEST(result.outputs.at("loss").values()[0] == 0);
  BOOST_TEST(result.outputs.at("loss").values()[1] > 0);
  const auto diff = result.diff_inputs.at("x").values();
  for (std::size_t i = 0; i < diff.size(); ++i) BOOST_TEST((diff[i] == 0) == (i < 4 * kDim));
}

// The gradients are those of stopped terms, which PyTorch checks (mask_loss, mask_ema in the golden file).
BOOST_AUTO_TEST_CASE(shards_change_nothing) {
  for (const char* update : {"ema", "loss"}) {
    NodeTester tester = node("vector_quantizer");
    tester.option("codes", 5).option("update", update).random_input("x", {4, 6, kDim});
    tester.input("mask", mask_of({4, 6}, {1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0, 1}));
    expect_ok(tester.check_shards());
    expect_ok(tester.check_repeatable());
  }
  NodeTester restarts = node("vector_quantizer");
  restarts.option("codes", 9).option("restart_after", 1).option("init", "data").random_input("x", {4, 6, kDim});
  restarts.input("mask", mask_of({4, 6}, {1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0, 1}));
  expect_ok(restarts.check_shards());
}

// Codes are taken from the data where they are first needed and where nothing uses them.
BOOST_AUTO_TEST_CASE(no_code_becomes_what_is_not_there) {
  for (const std::map<std::string, OptionValue>& options :
       {std::map<std::string, OptionValue>{{"init", "data"}}, {{"restart_after", 1}}}) {
    const NodeResult result = quantizer(with_gaps(100), first_mask(), options).run();
    const auto codebook = result.states.at("codebook").values();
    BOOST_TEST(std::ranges::max(codebook) < 50);
    const Tensor x = with_gaps(100);
    int taken = 0;
    for (std::int64_t k = 0; k < kCodes; ++k) {
      for (const std::int64_t position : {0, 2, 3})
        taken += std::equal(codebook.begin() + k * kDim, codebook.begin() + (k + 1) * kDim,
                            x.values().begin() + position * kDim);
    }
    BOOST_TEST(taken > 0);
  }
}

BOOST_AUTO_TEST_CASE(a_batch_without_any_position_changes_no_state) {
  const std::map<std::string, OptionValue> options = {{"init", "data"}, {"restart_after", 1}};
  NodeTester tester = quantizer(random_tensor({2, 3, kDim}, 7), mask_of({2}, {0, 0}), options);
  const NodeResult result = tester.run();
  const Tensor before = random_tensor({kCodes, kDim}, 3);
  BOOST_TEST(std::ranges::equal(result.states.at("codebook").values(), before.values()));
  BOOST_TEST(result.states.at("batches").values()[0] == 0);
}

BOOST_AUTO_TEST_CASE(reports_other_shapes) {
  NodeTester tester = quantizer(random_tensor({2, 3, kDim}, 7), random_tensor({2, 3, kDim}, 8));
  expect_error(tester, "the input 'mask' has neither the shape of the values of 'x'");
}

BOOST_AUTO_TEST_SUITE_END()

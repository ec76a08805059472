// learned_positions and sinusoidal_positions.
#include "nodes/by_hand.h"
#include "nodes/node_checks.h"

using namespace loom::check;
using loom::Filled;
using loom::Tensor;

namespace {

// Position by position equals the whole map, bit for bit: the same sums.
void check_advance(const std::string& type, const ByHand::Values& options, const loom::Shape& shape,
                   const std::vector<Tensor>& parameters) {
  const auto inputs = several(random_tensor(shape, 1));
  ByHand whole(type, options, inputs, parameters, shape), step(type, options, inputs, parameters, shape, true);
  const Tensor expected = whole.forward(inputs);
  for (const Filled fill : {Filled::through, Filled::before}) {
    const Tensor got = step.advance(inputs, {fill});
    BOOST_TEST(std::ranges::equal(got.values(), expected.values()));
  }
  if (shape.rank() == 4)
    BOOST_TEST(std::ranges::equal(step.advance(inputs, {Filled::rows_before}).values(), expected.values()));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(positions)

BOOST_AUTO_TEST_CASE(equal_pytorch) {
  expect_golden("learned_positions");
  expect_golden("sinusoidal_positions");
}

BOOST_AUTO_TEST_CASE(gradients_and_shards) {
  auto sequence = node("learned_positions");
  expect_ok(sequence.random_input("x", {4, 5, 3}).check());
  auto image = node("learned_positions");
  expect_ok(image.option("over", "raster").random_input("x", {4, 5, 3, 2}).check());
  auto waves = node("sinusoidal_positions");
  expect_ok(waves.random_input("x", {4, 5, 3, 8}).check());
}

BOOST_AUTO_TEST_CASE(one_position_at_a_time) {
  check_advance("learned_positions", {}, {3, 7, 5}, several(random_tensor({7, 5}, 2), Tensor(), Tensor()));
  check_advance("learned_positions", {{"over", "raster"}}, {3, 4, 7, 5},
                several(Tensor(), random_tensor({4, 5}, 2), random_tensor({7, 5}, 3)));
  check_advance("sinusoidal_positions", {}, {3, 7, 6}, {});
  check_advance("sinusoidal_positions", {}, {3, 4, 7, 8}, {});
}

BOOST_AUTO_TEST_CASE(waves_of_the_first_position) {
  auto tester = node("sinusoidal_positions");
  const NodeResult result = tester.input("x", Tensor(loom::DType::f32, {1, 2, 4})).run();
  const auto y = result.outputs.at("y").values();
  const std::vector<double> expected{0, 1, 0, 1, std::sin(1.0), std::cos(1.0), std::sin(0.01), std::cos(0.01)};
  for (std::size_t i = 0; i < expected.size(); ++i)
    BOOST_TEST(std::abs(static_cast<double>(y[i]) - expected[i]) < 1e-7);
}

BOOST_AUTO_TEST_CASE(report_shapes_without_positions) {
  auto image = node("learned_positions");
  expect_error(image.random_input("x", {2, 3, 4, 5}), "over: raster");
  auto sequence = node("learned_positions");
  expect_error(sequence.option("over", "raster").random_input("x", {2, 3, 4}), "[N, H, W, C]");
  auto odd = node("sinusoidal_positions");
  expect_error(odd.random_input("x", {2, 3, 5}), "a multiple of 2");
  auto uneven = node("sinusoidal_positions");
  expect_error(uneven.random_input("x", {2, 3, 3, 6}), "a multiple of 4");
  auto flat = node("sinusoidal_positions");
  expect_error(flat.random_input("x", {2, 6}), "a sequence or of an image");
}

BOOST_AUTO_TEST_SUITE_END()

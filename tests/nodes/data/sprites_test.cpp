// Sprites: every combination once, whole shapes inside the image, reproducible subsets and splits.
#include <chrono>
#include <set>

#include "nodes/data/data_checks.h"

using namespace loom;
using namespace loom::check;

BOOST_AUTO_TEST_SUITE(sprites)

BOOST_AUTO_TEST_CASE(all_is_every_combination_in_order) {
  const DataSource source = open_data("sprites", {{"split", "all"}, {"size", 32}});
  BOOST_TEST(source.size() == 737280);
  BOOST_TEST((Item(source, 0).integers(1) == std::vector<std::int32_t>{0, 0, 0, 0, 0}));
  BOOST_TEST((Item(source, 1).integers(1) == std::vector<std::int32_t>{0, 0, 0, 0, 1}));
  BOOST_TEST((Item(source, 32 * 32 * 40 * 6 + 33).integers(1) == std::vector<std::int32_t>{1, 0, 0, 1, 1}));
  BOOST_TEST((Item(source, 737279).integers(1) == std::vector<std::int32_t>{2, 5, 39, 31, 31}));
}

// A square has 1/16 of the area at scale 1: zoom times the side is zoom^2 times the area, and no edge is cut.
BOOST_AUTO_TEST_CASE(zoom_makes_shapes_larger_and_keeps_them_inside) {
  const std::int64_t size = 64;
  for (const double zoom : {1.0, 1.5, 2.5}) {
    const DataSource source = open_data("sprites", {{"split", "all"}, {"size", size}, {"zoom", zoom}});
    for (const std::int64_t item : {std::int64_t{245759}, std::int64_t{491519}, std::int64_t{737279}}) {  // largest
      const Item shown(source, item);
      const auto pixels = shown.columns[0].values();
      double area = 0, edge = 0;
      for (std::int64_t i = 0; i < size * size; ++i) {
        const std::int64_t row = i / size, column = i % size;
        area += pixels[static_cast<std::size_t>(i)];
        if (row == 0 || column == 0 || row == size - 1 || column == size - 1)
          edge += pixels[static_cast<std::size_t>(i)];
      }
      BOOST_TEST(edge == 0);
      if (item == 245759) BOOST_TEST(area == zoom * zoom * size * size / 16, boost::test_tools::tolerance(0.02));
    }
  }
  BOOST_TEST(open_data("sprites", {{"zoom", 2.0}}).hash() != open_data("sprites", {}).hash());
  BOOST_TEST(open_data("sprites", {{"zoom", 1.0}}).hash() == open_data("sprites", {}).hash());
}

BOOST_AUTO_TEST_CASE(a_shape_lies_inside_and_moves_with_its_factors) {
  const DataSource source = open_data("sprites", {{"split", "all"}});
  const std::int64_t size = 64;
  for (std::int64_t item : {std::int64_t{0}, std::int64_t{31}, std::int64_t{737279}, std::int64_t{491519},
                            std::int64_t{300000}, std::int64_t{245760}}) {
    const Item shape(source, item);
    const std::vector<float> pixels = shape.floats();
    double sum = 0, x = 0, y = 0;
    for (std::int64_t i = 0; i < size * size; ++i) {
      const float value = pixels[static_cast<std::size_t>(i)];
      BOOST_REQUIRE(value >= 0 && value <= 1);
      const bool edge = i % size == 0 || i % size == size - 1 || i / size == 0 || i / size == size - 1;
      if (edge) BOOST_REQUIRE(value == 0);
      sum += value;
      x += value * (static_cast<double>(i % size) + 0.5);
      y += value * (static_cast<double>(i / size) + 0.5);
    }
    const std::vector<std::int32_t> factors = shape.integers(1);
    // The centre of mass; a heart's lies 0.29 of its radius (8.6 pixels at scale 1) beside the point it turns around.
    const double tolerance = factors[0] == 2 ? 2.6 : 0.1;
    BOOST_TEST(std::hypot(x / sum - 64 * (0.2 + 0.6 * factors[3] / 31.0),
                          y / sum - 64 * (0.2 + 0.6 * factors[4] / 31.0)) < tolerance);
    BOOST_TEST(sum > 30);
  }
}

BOOST_AUTO_TEST_CASE(areas_are_those_of_the_shapes) {
  const DataSource source = open_data("sprites", {{"split", "all"}, {"size", 128}});
  const std::int64_t largest = 5 * 40 * 1024 + 3 * 1024 + 16 * 32 + 16;  // scale 1, turned, in the middle
  const double side = 128 * 128;
  const double expected[] = {0.25 * 0.25 * side, 3.14159265 * 0.17 * 0.1 * side};
  for (std::int64_t shape = 0; shape < 2; ++shape) {
    double sum = 0;
    for (float value : Item(source, shape * 6 * 40 * 1024 + largest).floats()) sum += value;
    BOOST_TEST(std::abs(sum / expected[shape] - 1) < 0.01);
  }
}

BOOST_AUTO_TEST_CASE(train_and_test_share_no_item) {
  std::set<std::vector<std::int32_t>> seen;
  for (const char* split : {"train", "test"}) {
    const DataSource source = open_data("sprites", {{"size", 8}, {"count", 1003}, {"split", split}, {"seed", 5}});
    BOOST_TEST(source.size() == (std::string(split) == "test" ? 100 : 903));
    for (std::int64_t i = 0; i < source.size(); ++i) seen.insert(Item(source, i).integers(1));
  }
  BOOST_TEST(seen.size() == 1003U);
}

BOOST_AUTO_TEST_CASE(the_hash_tells_recipes_apart) {
  std::set<std::string> hashes;
  for (const OptionList& options : std::vector<OptionList>{
           {}, {{"size", 32}}, {{"count", 10}}, {{"count", 10}, {"seed", 2}}, {{"split", "test"}}}) {
    hashes.insert(open_data("sprites", options).hash());
    BOOST_TEST(open_data("sprites", options).hash() == open_data("sprites", options).hash());
  }
  BOOST_TEST(hashes.size() == 5U);
}

BOOST_AUTO_TEST_CASE(speed) {
  const DataSource source = open_data("sprites", {});
  Tensor x(DType::f32, {64, 64, 1}), factors(DType::i32, {5});
  const TensorView views[] = {x, factors};
  const auto start = std::chrono::steady_clock::now();
  constexpr int count = 3000;
  for (int i = 0; i < count; ++i) source.read(i, 0, views);
  const double micros =
      std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count() / count;
  BOOST_TEST_MESSAGE("sprites: " << micros << " us an image of 64 x 64");
  BOOST_WARN(micros < 30);
}

BOOST_AUTO_TEST_SUITE_END()

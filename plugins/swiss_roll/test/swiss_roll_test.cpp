// swiss_roll: the checks of every data set, and points against their formula.
#include <loom/check.h>
#include <loom/dataset.h>

#include <algorithm>
#include <cmath>

using namespace loom::check;

namespace {

loom::Options options(double noise, const char* split, int seed = 1) {
  loom::Options options;
  options.set("count", 200);
  options.set("noise", noise);
  options.set("holdout", 10);
  options.set("seed", seed);
  options.set("split", split);
  return options;
}

struct Point {
  loom::Tensor x = tensor_of({3}, std::vector<float>(3)), place = tensor_of({2}, std::vector<float>(2));
  Point(const loom::Dataset& data, std::int64_t index) {
    const std::vector<loom::TensorView> out = {x.view(), place.view()};
    data.read(index, out);
  }
};

}  // namespace

int main(int argc, char** argv) {
  PluginTest test(argc, argv);
  test.check("swiss_roll");
  const auto type = test.registry().dataset("swiss_roll");

  // Without noise a point is on the surface, at its place.
  const auto all = type->create(options(0, "all"));
  double lowest = 1, highest = 0;
  for (std::int64_t i = 0; i < all->size(); ++i) {
    const Point point(*all, i);
    const double u = point.place.values()[0], v = point.place.values()[1], t = 1.5 * 3.14159265358979 * (1 + 2 * u);
    test.expect_values("a point", point.x,
                       {static_cast<float>(t * std::cos(t) / 7.5), static_cast<float>(2 * v - 1),
                        static_cast<float>(t * std::sin(t) / 7.5)},
                       1e-5);
    lowest = std::min({lowest, u, v});
    highest = std::max({highest, u, v});
  }
  test.expect(lowest >= 0 && lowest < 0.1 && highest <= 1 && highest > 0.9, "the places fill the strip");

  // Noise moves points by its scale and does not change their places.
  const auto noisy = type->create(options(0.1, "all"));
  double squares = 0;
  for (std::int64_t i = 0; i < all->size(); ++i) {
    const Point clean(*all, i), moved(*noisy, i);
    test.expect(clean.place.values()[0] == moved.place.values()[0], "the same place");
    for (std::size_t k = 0; k < 3; ++k)
      squares += std::pow(static_cast<double>(moved.x.values()[k] - clean.x.values()[k]), 2) / 600;
  }
  test.expect(std::abs(std::sqrt(squares) - 0.1) < 0.01, "noise has its standard deviation");

  const auto train = type->create(options(0, "train")), held_out = type->create(options(0, "test"));
  test.expect(train->size() == 180 && held_out->size() == 20, "each point is of train or of test");
  test.expect(train->hash() != held_out->hash(), "other items, another hash");
  test.expect(type->create(options(0, "all", 2))->hash() != all->hash(), "another seed, another hash");
  return test.finish();
}

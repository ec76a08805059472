// The Swiss roll: a rolled-up strip, a surface of 2 dimensions in 3 whose true coordinates are known.
//   x = (t cos t, h, t sin t) / 7.5 + noise,   t = 3 pi / 2 (1 + 2 u),  h = 15 v - 7.5 before the division;  u, v uniform
// Tenenbaum, de Silva and Langford 2000, A Global Geometric Framework for Nonlinear Dimensionality Reduction.
#include <loom/dataset.h>

#include <cmath>
#include <numbers>

namespace {

class SwissRoll final : public loom::Dataset {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Procedural points on a rolled-up strip, with their place on the strip");
    c.source("Tenenbaum, de Silva and Langford 2000");
    c.output("x", "[N, 3]", "the point");
    c.output("place", "[N, 2]", "where it is on the strip: along and across, each from 0 to 1");
    c.option("count", 10000, loom::integer().at_least(2).at_most(100000000), "number of points");
    c.option("noise", 0.02, loom::at_least(0), "standard deviation of the noise in each coordinate");
    c.option("holdout", 10, loom::integer().at_least(2), "one of this many points is held out for test");
    c.option("seed", 1, loom::integer().at_least(0), "seed of the points");
    loom::declare_split(c, "test is every holdout-th point of a pseudo-random order");
  }

  explicit SwissRoll(const loom::Options& options)
      : count_(options.integer("count")),
        seed_(options.integer("seed")),
        noise_(static_cast<float>(options.number("noise"))),
        split_name_(options.text("split")),
        split_(split_name_, count_, options.integer("holdout"), static_cast<std::uint64_t>(seed_)) {}

  std::int64_t size() const override { return split_.size(); }
  std::vector<loom::Column> columns() const override {
    loom::Column x{"x", loom::DType::f32, {3}}, place{"place", loom::DType::f32, {2}, 0, 1, loom::ColumnRole::factor};
    x.features = {"left", "along the axis", "up"};
    place.features = {"along", "across"};
    return {x, place};
  }

  // Called from many threads at once: a point depends only on the seed and its index in the whole data.
  void read(std::int64_t index, std::span<const loom::TensorView> out) const override {
    const auto item = static_cast<std::uint32_t>(split_.item(index));
    const auto x = out[0].values(), place = out[1].values();
    const loom::RandomStream stream(static_cast<std::uint64_t>(seed_), loom::stream_of("swiss roll"), 0);
    stream.uniform(item, place);
    stream.normal(item, x, 1);  // 1: numbers other than those of place
    const float t = 1.5F * std::numbers::pi_v<float> * (1 + 2 * place[0]);
    const float point[] = {t * std::cos(t) / 7.5F, 2 * place[1] - 1, t * std::sin(t) / 7.5F};
    for (std::size_t i = 0; i < 3; ++i) x[i] = point[i] + noise_ * x[i];
  }

  loom::Origin origin(std::int64_t index) const override { return {"", split_.item(index)}; }

  // Equal hashes mean equal data: everything that a point depends on, and a number for the recipe.
  std::string hash() const override {
    loom::ContentHash hash;
    hash.add("swiss_roll, recipe 1");
    for (const std::int64_t value : {count_, seed_, size()}) hash.add(value);
    hash.add(std::as_bytes(std::span(&noise_, 1)));
    hash.add(split_name_);
    return hash.text();
  }

 private:
  std::int64_t count_, seed_;
  float noise_;
  std::string split_name_;
  loom::Split split_;
};

}  // namespace

LOOM_DATASET(SwissRoll, "swiss_roll")

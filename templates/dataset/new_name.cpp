// Procedural gratings with known factors: sine waves of several orientations, frequencies and phases.
//   x[row, column] = 1/2 + 1/2 sin(2 pi frequency (u cos(angle) + v sin(angle)) + phase),   u, v in [0, 1)
#include <loom/dataset.h>

#include <array>
#include <cmath>
#include <numbers>

namespace {

constexpr std::array<std::int64_t, 3> kFactors = {12, 4, 16};  // orientation, frequency, phase
constexpr std::int64_t kItems = 12 * 4 * 16;

class NewName final : public loom::Dataset {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Procedural gratings with known factors: 12 orientations, 4 frequencies, 16 phases");
    c.output("x", "[N, size, size, 1]", "the image in [0, 1]");
    c.output("factors", "[N, 3]", "orientation, frequency, phase").dtype(loom::DType::i32);
    c.option("size", 16, loom::integer().at_least(4).at_most(1024), "side of the image", "pixels");
    c.option("seed", 1, loom::integer().at_least(0), "seed of the split");
    loom::declare_split(c, "test is every 10th item of a pseudo-random order");
  }

  explicit NewName(const loom::Options& options)
      : side_(options.integer("size")),
        seed_(options.integer("seed")),
        split_name_(options.text("split")),
        split_(split_name_, kItems, 10, static_cast<std::uint64_t>(seed_)) {}

  std::int64_t size() const override { return split_.size(); }
  std::vector<loom::Column> columns() const override {
    return {{"x", loom::DType::f32, {side_, side_, 1}}, {"factors", loom::DType::i32, {3}}};
  }
  std::vector<std::int64_t> factor_sizes() const override { return {kFactors.begin(), kFactors.end()}; }

  // Called from many threads at once: an item depends only on its index.
  void read(std::int64_t index, std::span<const loom::TensorView> out) const override {
    std::int64_t item = split_.item(index);
    std::array<std::int64_t, 3> factors{};
    for (std::size_t f = kFactors.size(); f-- > 0; item /= kFactors[f]) factors[f] = item % kFactors[f];
    for (std::size_t f = 0; f < factors.size(); ++f)
      out[1].data<std::int32_t>()[f] = static_cast<std::int32_t>(factors[f]);

    const double pi = std::numbers::pi;
    const double angle = pi * static_cast<double>(factors[0]) / 12, frequency = static_cast<double>(factors[1]) + 1;
    const double phase = 2 * pi * static_cast<double>(factors[2]) / 16;
    const double along = 2 * pi * frequency * std::cos(angle), across = 2 * pi * frequency * std::sin(angle);
    float* pixel = out[0].data();
    for (std::int64_t row = 0; row < side_; ++row) {
      for (std::int64_t column = 0; column < side_; ++column) {
        const double u = static_cast<double>(column) / static_cast<double>(side_);
        const double v = static_cast<double>(row) / static_cast<double>(side_);
        *pixel++ = static_cast<float>(0.5 + 0.5 * std::sin(along * u + across * v + phase));
      }
    }
  }

  // Equal hashes mean equal data: the hash includes everything that an item depends on, and a number for the recipe.
  std::string hash() const override {
    loom::ContentHash hash;
    hash.add("new.name, recipe 1");
    for (const std::int64_t value : {side_, seed_}) hash.add(value);
    hash.add(split_name_);
    return hash.text();
  }

 private:
  std::int64_t side_, seed_;
  std::string split_name_;
  loom::Split split_;
};

}  // namespace

LOOM_DATASET(NewName, "new.name")

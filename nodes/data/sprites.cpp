// Procedural sprites with known factors of variation, after dSprites (Matthey et al. 2017): a white shape on black, one
// item for every combination of shape, scale, rotation and position.
#include <array>
#include <cmath>
#include <numbers>

#include "loom/dataset.h"
#include "loom/random.h"

namespace {

using loom::TensorView;

constexpr std::array<std::int64_t, 5> kFactors = {3, 6, 40, 32, 32};  // shape, scale, rotation, x, y
constexpr std::int64_t kCombinations = 3 * 6 * 40 * 32 * 32;
constexpr int kSub = 4;           // samples of a pixel along each axis
constexpr float kRadius = 0.18F;  // largest distance of a shape from its centre, as a share of the image's side
constexpr float kFirst = 0.2F;    // the range of centres is kFirst to 1 - kFirst: every shape stays inside the image
constexpr float kEdge = 0.02F;    // of a larger shape, the same: its radius and this

// The interiors of the shapes at scale 1, relative to their centre, as shares of the image's side.
struct Square {
  static bool inside(float u, float v) { return (std::abs(u) <= 0.125F) & (std::abs(v) <= 0.125F); }
};
struct Ellipse {
  static bool inside(float u, float v) { return u * u * (1 / (0.17F * 0.17F)) + v * v * (1 / (0.1F * 0.1F)) <= 1; }
};
struct Heart {  // (x^2 + y^2 - 1)^3 <= x^2 y^3
  static bool inside(float u, float v) {
    const float x = u * (1 / 0.135F), y = -v * (1 / 0.135F);
    const float t = x * x + y * y - 1;
    return t * t * t <= x * x * y * y * y;
  }
};

struct Pose {
  float scale, angle, x, y;
};

// Each pixel is the share of its kSub x kSub points inside the shape; only the shape's bounding box is visited.
template <class Figure>
void draw(const Pose& pose, std::int64_t size, float* pixels) {
  const auto side = static_cast<float>(size);
  const float reach = kRadius * pose.scale * side;  // scale includes the zoom
  const float centre_x = pose.x * side, centre_y = pose.y * side;
  const auto first = [&](float centre) { return std::max<std::int64_t>(0, static_cast<std::int64_t>(centre - reach)); };
  const auto end = [&](float centre) { return std::min(size, static_cast<std::int64_t>(centre + reach) + 1); };
  const std::int64_t left = first(centre_x), columns = end(centre_x) - left;
  const float unit = 1 / (side * pose.scale);  // a pixel in the shape's own units
  const float cosine = std::cos(pose.angle) * unit, sine = std::sin(pose.angle) * unit;
  for (std::int64_t row = first(centre_y); row < end(centre_y); ++row) {
    float* line = pixels + row * size + left;
    for (int sub = 0; sub < kSub * kSub; ++sub) {
      const float dy = static_cast<float>(row) + (static_cast<float>(sub / kSub) + 0.5F) / kSub - centre_y;
      const float dx = static_cast<float>(left) + (static_cast<float>(sub % kSub) + 0.5F) / kSub - centre_x;
      const float u = cosine * dx + sine * dy, v = cosine * dy - sine * dx;
      for (int column = 0; column < static_cast<int>(columns); ++column) {
        const auto step = static_cast<float>(column);
        line[column] += Figure::inside(u + cosine * step, v - sine * step) ? 1.0F / (kSub * kSub) : 0.0F;
      }
    }
  }
}

class Sprites final : public loom::Dataset {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Procedural sprites with known factors: 3 shapes, 6 scales, 40 rotations, 32 x 32 positions");
    c.source("after dSprites, Matthey et al. 2017, github.com/deepmind/dsprites-dataset");
    c.output("x", "[N, size, size, 1]", "the image in [0, 1], anti-aliased");
    c.output("factors", "[N, 5]", "shape, scale, rotation, x, y").dtype(loom::DType::i32);
    c.option("size", 64, loom::integer().at_least(8).at_most(1024), "side of the image", "pixels");
    c.option("zoom", 1.0, loom::number().at_least(0.5).at_most(2.5),
             "shapes are so many times as large, and stay inside the image: their centres move less");
    c.option("count", 0, loom::integer().at_least(0).at_most(kCombinations),
             "a pseudo-random subset of this many items; 0: every combination, in the order of the factors");
    c.option("seed", 1, loom::integer().at_least(0), "seed of the subset and of the split");
    loom::declare_split(c, "test is every 10th item of a pseudo-random order");
  }

  explicit Sprites(const loom::Options& options)
      : pixels_(options.integer("size")),
        zoom_(static_cast<float>(options.number("zoom"))),
        first_(std::max(kFirst, kRadius * zoom_ + kEdge)),
        count_(options.integer("count")),
        seed_(static_cast<std::uint64_t>(options.integer("seed"))),
        split_name_(options.text("split")),
        split_(split_name_, count_ > 0 ? count_ : kCombinations, 10, seed_),
        subset_key_(loom::RandomStream(seed_, loom::stream_of("subset"), 0).value(0)) {}

  std::int64_t size() const override { return split_.size(); }
  std::vector<loom::Column> columns() const override {
    return {{"x", loom::DType::f32, {pixels_, pixels_, 1}, 0, 1},
            {"factors", loom::DType::i32, {5}, 0, 39, loom::ColumnRole::factor}};
  }
  std::vector<std::int64_t> factor_sizes() const override { return {kFactors.begin(), kFactors.end()}; }

  void read(std::int64_t index, std::span<const TensorView> out) const override {
    std::int64_t item = split_.item(index);
    if (count_ > 0)
      item =
          static_cast<std::int64_t>(loom::permuted_index(static_cast<std::uint64_t>(item), kCombinations, subset_key_));
    std::array<std::int32_t, 5> factors{};
    for (std::size_t f = kFactors.size(); f-- > 0; item /= kFactors[f])
      factors[f] = static_cast<std::int32_t>(item % kFactors[f]);
    std::ranges::copy(factors, out[1].data<std::int32_t>());
    std::ranges::fill(out[0].values(), 0.0F);

    const auto share = [&](std::size_t f) {
      return static_cast<float>(factors[f]) / static_cast<float>(kFactors[f] - 1);
    };
    const Pose pose = {zoom_ * (0.5F + 0.5F * share(1)),
                       2 * std::numbers::pi_v<float> * static_cast<float>(factors[2]) / 40,
                       first_ + (1 - 2 * first_) * share(3), first_ + (1 - 2 * first_) * share(4)};
    float* image = out[0].data();
    if (factors[0] == 0)
      draw<Square>(pose, pixels_, image);
    else if (factors[0] == 1)
      draw<Ellipse>(pose, pixels_, image);
    else
      draw<Heart>(pose, pixels_, image);
  }

  std::string hash() const override {
    loom::ContentHash hash;
    hash.add("sprites, recipe 1");
    for (std::int64_t value : {pixels_, count_, static_cast<std::int64_t>(seed_)}) hash.add(value);
    hash.add(split_name_);
    if (zoom_ != 1) hash.add(std::to_string(zoom_));
    return hash.text();
  }

 private:
  std::int64_t pixels_;
  float zoom_, first_;  // first_: the least coordinate of a centre
  std::int64_t count_;
  std::uint64_t seed_;
  std::string split_name_;
  loom::Split split_;
  std::uint64_t subset_key_;
};
LOOM_DATASET(Sprites, "sprites")

}  // namespace

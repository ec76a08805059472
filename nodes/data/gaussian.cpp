// Draws from a Gaussian of known covariance: x = U diag(sqrt(l)) e with e ~ N(0, I) and U a random rotation. The linear
// VAE and probabilistic PCA have closed forms on it, so it tells whether training reaches the optimum.
#include <array>
#include <cmath>

#include "loom/dataset.h"
#include "loom/random.h"

namespace {

// Gram-Schmidt on Gaussian columns: uniform over the orthogonal matrices. Row-major, columns are the eigenvectors.
std::vector<double> random_rotation(std::int64_t n, std::uint64_t seed) {
  const auto size = static_cast<std::size_t>(n);
  const loom::RandomStream stream(seed, loom::stream_of("rotation"), 0);
  std::vector<double> rows(size * size);  // orthonormal rows; transposed at the end
  std::vector<float> draw(size);
  const auto row = [&](std::size_t r) { return std::span(rows).subspan(r * size, size); };
  for (std::size_t r = 0; r < size; ++r) {
    stream.normal(static_cast<std::uint32_t>(r), draw);
    std::ranges::copy(draw, row(r).begin());
    for (int pass = 0; pass < 2; ++pass) {  // twice is enough for full accuracy (Kahan)
      for (std::size_t earlier = 0; earlier < r; ++earlier) {
        double dot = 0;
        for (std::size_t i = 0; i < size; ++i) dot += row(r)[i] * row(earlier)[i];
        for (std::size_t i = 0; i < size; ++i) row(r)[i] -= dot * row(earlier)[i];
      }
    }
    double square = 0;
    for (double value : row(r)) square += value * value;
    for (double& value : row(r)) value /= std::sqrt(square);
  }
  std::vector<double> columns(size * size);
  for (std::size_t r = 0; r < size; ++r) {
    for (std::size_t i = 0; i < size; ++i) columns[i * size + r] = row(r)[i];
  }
  return columns;
}

// 4, 2, 1, ... down to 0.001: some directions have a large variance and some a small one.
std::vector<double> halving(std::int64_t count) {
  std::vector<double> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = i < 12 ? std::ldexp(4.0, -static_cast<int>(i)) : 0.001;
  return values;
}

class Gaussian final : public loom::Dataset {
 public:
  static void declare(loom::Contract& c) {
    c.summary("Draws from a Gaussian with mean 0 and a covariance of given eigenvalues");
    c.source("Tipping and Bishop 1999, Probabilistic Principal Component Analysis: the optimum is known");
    c.output("x", "[N, features]", "the draw");
    c.option("features", 8, loom::integer().at_least(1).at_most(4096), "number of features");
    c.option("eigenvalues", loom::OptionValue{}, loom::number_list().at_least(0),
             "eigenvalues of the covariance, one per feature; by default they halve, starting at 4");
    c.option("count", 10000, loom::integer().at_least(1), "number of draws");
    c.option("seed", 1, loom::integer().at_least(0), "seed of the rotation, the draws and the split");
    loom::declare_split(c, "test is every 10th item of a pseudo-random order");
  }

  explicit Gaussian(const loom::Options& options)
      : features_(options.integer("features")),
        seed_(static_cast<std::uint64_t>(options.integer("seed"))),
        split_(options.text("split"), options.integer("count"), 10, seed_) {
    const std::vector<double> eigenvalues =
        options.has("eigenvalues") ? options.numbers("eigenvalues") : halving(features_);
    if (static_cast<std::int64_t>(eigenvalues.size()) != features_) {
      throw loom::Error(loom::ErrorCode::data_specification,
                        fmt::format("[gaussian] {} eigenvalues for {} features", eigenvalues.size(), features_));
    }
    const std::vector<double> rotation = random_rotation(features_, seed_);
    for (std::size_t i = 0; i < rotation.size(); ++i) {
      factor_.push_back(
          static_cast<float>(rotation[i] * std::sqrt(eigenvalues[i % static_cast<std::size_t>(features_)])));
    }
    hash_.add("gaussian, recipe 1");
    for (double value : eigenvalues) hash_.add(fmt::format("{}", value));
    for (std::int64_t value : {features_, options.integer("count"), options.integer("seed")}) hash_.add(value);
    hash_.add(options.text("split"));
  }

  std::int64_t size() const override { return split_.size(); }
  std::vector<loom::Column> columns() const override { return {{"x", loom::DType::f32, {features_}}}; }
  std::string hash() const override { return hash_.text(); }

  void read(std::int64_t index, std::span<const loom::TensorView> out) const override {
    static const std::uint32_t stream_number = loom::stream_of("gaussian");
    const loom::RandomStream stream(seed_, stream_number, 0);
    const std::span<float> x = out[0].values();
    std::ranges::fill(x, 0.0F);
    std::array<float, 256> draw;  // in pieces, so that no memory is allocated for any number of features
    for (std::size_t first = 0; first < x.size(); first += draw.size()) {
      const std::size_t count = std::min(draw.size(), x.size() - first);
      stream.normal(static_cast<std::uint32_t>(split_.item(index)), std::span(draw).first(count),
                    static_cast<std::uint32_t>(first / draw.size()));
      for (std::size_t i = 0; i < x.size(); ++i) {
        const float* row = factor_.data() + i * x.size() + first;
        for (std::size_t j = 0; j < count; ++j) x[i] += row[j] * draw[j];
      }
    }
  }

 private:
  std::int64_t features_;
  std::uint64_t seed_;
  loom::Split split_;
  std::vector<float> factor_;  // [features, features]: U diag(sqrt(l))
  loom::ContentHash hash_;
};
LOOM_DATASET(Gaussian, "gaussian")

}  // namespace

#include "measure/random_forest.h"

#include <algorithm>
#include <cmath>

#include "loom/random.h"

namespace loom::measure {
namespace {

constexpr std::size_t kBins = 255;

// The distinct values at kBins quantiles: a value's bin is the number of cuts below it.
std::vector<float> cuts_of(const std::vector<float>& feature, std::span<const std::uint32_t> items) {
  std::vector<float> sorted;
  for (const std::uint32_t n : items) sorted.push_back(feature[n]);
  std::ranges::sort(sorted);
  std::vector<float> cuts;
  for (std::size_t k = 1; k < kBins; ++k) {
    const std::size_t place = k * sorted.size() / kBins;
    if (place == 0 || sorted[place - 1] == sorted.back()) continue;
    const float below = sorted[place - 1], above = *std::ranges::upper_bound(sorted, below);
    const float cut = below + (above - below) / 2;
    if (cuts.empty() || cut > cuts.back()) cuts.push_back(cut);
  }
  return cuts;
}

}  // namespace

struct Forest::Grower {
  const std::vector<std::int32_t>& classes;
  std::size_t class_count;
  ForestOptions options;
  std::vector<std::vector<float>> cuts;
  std::vector<std::vector<std::uint8_t>> bins;  // [feature][item]
  std::vector<double>& importance;
  std::vector<double> histogram, left, total;

  struct Split {
    int feature = -1;
    std::size_t bin = 0;  // bins up to this one go left
    double gain = 0;      // decrease of count x Gini impurity
  };

  // count x (1 - sum of squared shares) = count - squares / count.
  static double impurity(double count, double squares) { return count > 0 ? count - squares / count : 0; }

  Split best_split(std::span<const std::uint32_t> items) {
    const auto count = static_cast<double>(items.size());
    double squares = 0;
    for (const double c : total) squares += c * c;
    Split best;
    for (std::size_t d = 0; d < bins.size(); ++d) {
      const std::size_t width = cuts[d].size() + 1;
      if (width < 2) continue;
      histogram.assign(width * class_count, 0);
      for (const std::uint32_t n : items) ++histogram[bins[d][n] * class_count + static_cast<std::size_t>(classes[n])];
      left.assign(class_count, 0);
      double left_count = 0, left_squares = 0, right_squares = squares;
      for (std::size_t b = 0; b + 1 < width; ++b) {
        for (std::size_t k = 0; k < class_count; ++k) {
          const double moved = histogram[b * class_count + k];
          if (moved == 0) continue;
          const double right = total[k] - left[k];
          left_squares += moved * (2 * left[k] + moved);
          right_squares -= moved * (2 * right - moved);
          left[k] += moved;
          left_count += moved;
        }
        if (left_count < options.least_items || count - left_count < options.least_items) continue;
        const double gain =
            impurity(count, squares) - impurity(left_count, left_squares) - impurity(count - left_count, right_squares);
        if (gain > best.gain + 1e-9) best = {static_cast<int>(d), b, gain};
      }
    }
    return best;
  }

  std::int32_t grow(Tree& tree, std::span<std::uint32_t> items, int depth) {
    const auto index = static_cast<std::int32_t>(tree.size());
    tree.emplace_back();
    total.assign(class_count, 0);
    for (const std::uint32_t n : items) ++total[static_cast<std::size_t>(classes[n])];
    tree.back().majority = static_cast<std::int32_t>(std::ranges::max_element(total) - total.begin());
    const bool pure = total[static_cast<std::size_t>(tree.back().majority)] == static_cast<double>(items.size());
    if (pure || depth >= options.depth) return index;
    const Split split = best_split(items);
    if (split.feature < 0) return index;
    const auto d = static_cast<std::size_t>(split.feature);
    importance[d] += split.gain;
    const auto middle =
        std::stable_partition(items.begin(), items.end(), [&](std::uint32_t n) { return bins[d][n] <= split.bin; });
    const auto cut = static_cast<std::size_t>(middle - items.begin());
    const std::int32_t to_left = grow(tree, items.first(cut), depth + 1);
    const std::int32_t to_right = grow(tree, items.subspan(cut), depth + 1);
    Node& node = tree[static_cast<std::size_t>(index)];
    node.feature = split.feature;
    node.threshold = cuts[d][split.bin];
    node.left = to_left;
    node.right = to_right;
    return index;
  }
};

Forest::Forest(const std::vector<std::vector<float>>& features, const std::vector<std::int32_t>& classes,
               std::int32_t class_count, std::span<const std::uint32_t> items, const ForestOptions& options)
    : importance_(features.size()), class_count_(class_count) {
  Grower grower{classes, static_cast<std::size_t>(class_count), options, {}, {}, importance_, {}, {}, {}};
  for (const std::vector<float>& feature : features) {
    const std::vector<float>& cuts = grower.cuts.emplace_back(cuts_of(feature, items));
    auto& bins = grower.bins.emplace_back(feature.size());
    for (std::size_t n = 0; n < feature.size(); ++n)
      bins[n] = static_cast<std::uint8_t>(std::ranges::lower_bound(cuts, feature[n]) - cuts.begin());
  }
  std::vector<float> draws(items.size());
  std::vector<std::uint32_t> bag(items.size());
  for (int t = 0; t < options.trees; ++t) {
    RandomStream(options.seed, stream_of("measure/random_forest"), 0).uniform(static_cast<std::uint32_t>(t), draws);
    for (std::size_t i = 0; i < bag.size(); ++i) {  // drawn with replacement
      const auto place = static_cast<std::size_t>(static_cast<double>(draws[i]) * static_cast<double>(items.size()));
      bag[i] = items[std::min(items.size() - 1, place)];
    }
    grower.grow(trees_.emplace_back(), bag, 0);
  }
  double sum = 0;
  for (const double one : importance_) sum += one;
  if (sum <= 0) return;
  for (double& one : importance_) one /= sum;
}

std::int32_t Forest::predict(const std::vector<std::vector<float>>& features, std::size_t item) const {
  std::vector<int> votes(static_cast<std::size_t>(class_count_));
  for (const Tree& tree : trees_) {
    std::size_t at = 0;
    while (tree[at].feature >= 0) {
      const bool left = features[static_cast<std::size_t>(tree[at].feature)][item] <= tree[at].threshold;
      at = static_cast<std::size_t>(left ? tree[at].left : tree[at].right);
    }
    ++votes[static_cast<std::size_t>(tree[at].majority)];
  }
  return static_cast<std::int32_t>(std::ranges::max_element(votes) - votes.begin());
}

}  // namespace loom::measure

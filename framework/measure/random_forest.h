// A random forest of classification trees over a few numeric features (Breiman 2001), with Gini importances. Features
// are divided at quantiles of the training items into at most 255 bins. Internal to framework/measure.
//
// Thread safety: a Forest is immutable after it is grown. The same arguments give the same bits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace loom::measure {

struct ForestOptions {
  int trees = 10;
  int depth = 16;       // largest depth
  int least_items = 2;  // fewest items of a leaf
  std::uint64_t seed = 1;
};

class Forest {
 public:
  // features[d][n] and classes[n] in [0, class_count); `items` are the training items.
  Forest(const std::vector<std::vector<float>>& features, const std::vector<std::int32_t>& classes,
         std::int32_t class_count, std::span<const std::uint32_t> items, const ForestOptions& options);

  // The class that most trees vote for; the lowest of several.
  std::int32_t predict(const std::vector<std::vector<float>>& features, std::size_t item) const;
  // The decrease of the Gini impurity by each feature's splits, weighted by their items. The sum is 1, or all are 0.
  const std::vector<double>& importance() const { return importance_; }

 private:
  struct Node {
    int feature = -1;     // -1: a leaf
    float threshold = 0;  // left if the feature is at most this
    std::int32_t left = 0, right = 0;
    std::int32_t majority = 0;
  };
  using Tree = std::vector<Node>;
  struct Grower;

  std::vector<Tree> trees_;
  std::vector<double> importance_;
  std::int32_t class_count_;
};

}  // namespace loom::measure

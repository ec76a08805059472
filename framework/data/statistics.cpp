// Means, deviations and most frequent classes of the columns of a data set (preparation.h).
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "data/preparation.h"

namespace loom {
namespace {

constexpr std::int64_t kChunk = 256;        // items that one task sums: the same for any number of threads
constexpr std::int64_t kChunksAtOnce = 64;  // so that the sums take little memory for any number of items

// Count, mean and sum of squared differences from the mean of each feature (Welford 1962; merged as Chan et al. 1979).
struct Moments {
  std::vector<double> count, mean, squares;
  std::map<std::int32_t, std::int64_t> classes;

  explicit Moments(std::size_t features) : count(features), mean(features), squares(features) {}
  void add(const TensorView& values) {
    if (values.dtype() == DType::i32) {
      for (const std::int32_t value : values.values<std::int32_t>()) {
        if (value >= 0) ++classes[value];
      }
      return;
    }
    const std::span<const float> all = values.values();
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (std::isnan(all[i])) continue;
      const std::size_t f = i % mean.size();
      const double value = static_cast<double>(all[i]), difference = value - mean[f];
      mean[f] += difference / ++count[f];
      squares[f] += difference * (value - mean[f]);
    }
  }
  void add(const Moments& other) {
    for (std::size_t f = 0; f < mean.size(); ++f) {
      const double both = count[f] + other.count[f];
      if (both == 0) continue;
      const double difference = other.mean[f] - mean[f];
      mean[f] += difference * other.count[f] / both;
      squares[f] += other.squares[f] + difference * difference * count[f] * other.count[f] / both;
      count[f] = both;
    }
    for (const auto& [value, times] : other.classes) classes[value] += times;
  }
  ColumnStatistics statistics() const {
    ColumnStatistics result{mean, {}, 0};
    for (std::size_t f = 0; f < mean.size(); ++f) {
      const double deviation = count[f] > 0 ? std::sqrt(squares[f] / count[f]) : 0;
      result.deviation.push_back(deviation > 0 ? deviation : 1);
    }
    const auto most = std::ranges::max_element(classes, {}, [](const auto& one) { return one.second; });
    if (most != classes.end()) result.mode = most->first;
    return result;
  }
};

std::vector<Moments> empty_moments(const std::vector<Column>& columns, std::span<const std::size_t> of) {
  std::vector<Moments> moments;
  for (const std::size_t c : of) {
    const Shape& event = columns[c].event;
    moments.emplace_back(event.rank() == 0 ? 1 : static_cast<std::size_t>(event.back()));
  }
  return moments;
}

}  // namespace

std::vector<ColumnStatistics> measure_columns(const Dataset& data, std::span<const std::int64_t> items,
                                              std::int64_t count, std::span<const std::size_t> of) {
  const std::vector<Column> columns = data.columns();
  std::vector<Moments> total = empty_moments(columns, of);
  const auto measure_chunk = [&](std::int64_t chunk) {
    std::vector<Moments> moments = empty_moments(columns, of);
    std::vector<Tensor> memory;
    for (const Column& column : columns) memory.emplace_back(column.dtype, column.event);
    const std::vector<TensorView> item(memory.begin(), memory.end());
    for (std::int64_t i = chunk * kChunk; i < std::min(count, (chunk + 1) * kChunk); ++i) {
      data.read(items.empty() ? i : items[static_cast<std::size_t>(i)], item);
      for (std::size_t k = 0; k < of.size(); ++k) moments[k].add(item[of[k]]);
    }
    return moments;
  };
  const std::int64_t chunks = (count + kChunk - 1) / kChunk;
  for (std::int64_t first = 0; first < chunks; first += kChunksAtOnce) {
    std::vector<std::vector<Moments>> part(static_cast<std::size_t>(std::min(kChunksAtOnce, chunks - first)));
    tbb::parallel_for(std::size_t{0}, part.size(),
                      [&](std::size_t i) { part[i] = measure_chunk(first + static_cast<std::int64_t>(i)); });
    for (const auto& moments : part) {
      for (std::size_t k = 0; k < of.size(); ++k) total[k].add(moments[k]);
    }
  }
  std::vector<ColumnStatistics> result;
  for (const Moments& moments : total) result.push_back(moments.statistics());
  return result;
}

}  // namespace loom

#include "generate/rates.h"

#include <algorithm>

namespace loom {
namespace {

constexpr double kMostBytes = 256.0 * (1 << 20);

std::vector<double> mean_rates(const Tensor& nats, std::size_t width) {
  const auto values = nats.values();
  if (nats.shape()[0] == 0 || values.size() % width != 0) return {};
  std::vector<double> rates(width);
  for (std::size_t i = 0; i < values.size(); ++i) rates[i % width] += static_cast<double>(values[i]);
  for (double& rate : rates) rate /= static_cast<double>(nats.shape()[0]);
  return rates;
}

}  // namespace

std::vector<std::vector<double>> rates_of(const measure::Subject& subject, const measure::Items& items,
                                          std::span<const Posterior> posteriors) {
  std::vector<std::vector<double>> rates(posteriors.size());
  const std::int64_t count = std::min(items.count, items.source->size());
  std::vector<Port> ports;
  std::vector<std::size_t> places;
  double bytes = 0;
  const auto measure_group = [&] {
    const std::vector<Tensor> nats = measure::encode(subject, items, ports);
    for (std::size_t i = 0; i < ports.size(); ++i)
      rates[places[i]] = mean_rates(nats[i], static_cast<std::size_t>(posteriors[places[i]].dimensions));
    ports.clear();
    places.clear();
    bytes = 0;
  };
  for (std::size_t p = 0; count > 0 && p < posteriors.size(); ++p) {
    const Port port = posteriors[p].per_dimension;
    if (!port.valid()) continue;
    const double more = 4.0 * static_cast<double>(subject.graph->shape(port).at_batch(count).count());
    if (!ports.empty() && bytes + more > kMostBytes) measure_group();
    ports.push_back(port);
    places.push_back(p);
    bytes += more;
  }
  if (!ports.empty()) measure_group();
  return rates;
}

}  // namespace loom

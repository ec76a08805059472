#include "report/traversal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "generate/latent.h"
#include "generate/rates.h"
#include "generate/walk.h"
#include "io/atomic_file.h"
#include "report/pictures.h"

namespace loom::report {
namespace {

constexpr std::int64_t kRows = 10, kColumns = 9, kRatedItems = 1000;
constexpr std::size_t kMostTraversals = 8;
constexpr double kRange = 3;  // standard deviations of N(0, I)

std::string path_of(const RunFolder& run, const std::string& latent, bool only_one) {
  if (only_one) return run.path() + "/traversal.png";
  std::string name = latent;
  std::ranges::replace(name, '/', '-');
  return fmt::format("{}/traversal-{}.png", run.path(), name);
}

struct Rated {
  Posterior posterior;
  std::vector<double> rates;  // of each dimension, nats
  double rate = 0;            // their sum; 0 where it is not a number
};

std::vector<Rated> rated_posteriors(const ModelSource& model, Executor& executor) {
  const std::shared_ptr<const Graph> graph = build_checked(model.document().nodes, model.registry());
  std::vector<Posterior> posteriors = find_posteriors(*graph, resolve_losses(model.document(), *graph));
  std::erase_if(posteriors, [](const Posterior& posterior) { return !posterior.per_dimension.valid(); });
  if (posteriors.empty()) return {};
  const std::unique_ptr<ParameterStore> store = model.parameters(*graph);
  const measure::Items items = {
      .source = model.open(model.data(""), "test"), .count = kRatedItems, .seed = model.seed()};
  const std::vector<std::vector<double>> rates = rates_of({graph, *store, executor}, items, posteriors);
  std::vector<Rated> rated;
  for (std::size_t i = 0; i < posteriors.size(); ++i) {
    if (rates[i].empty()) continue;
    const double rate = std::accumulate(rates[i].begin(), rates[i].end(), 0.0);
    rated.push_back({posteriors[i], rates[i], std::isfinite(rate) ? rate : 0});
  }
  return rated;
}

// Leaves those with the highest rates, in their order; the names of the others.
std::vector<std::string> leave_out(std::vector<Rated>& rated) {
  if (rated.size() <= kMostTraversals) return {};
  std::vector<double> rates;
  for (const Rated& one : rated) rates.push_back(one.rate);
  std::ranges::sort(rates, std::greater<>());
  const double least = rates[kMostTraversals - 1];
  const auto above = std::ranges::count_if(rates, [&](double rate) { return rate > least; });
  std::int64_t equal = static_cast<std::int64_t>(kMostTraversals) - above;  // that stay
  std::vector<std::string> names;
  std::erase_if(rated, [&](const Rated& one) {
    if (one.rate > least || (one.rate == least && equal-- > 0)) return false;
    names.push_back(one.posterior.name);
    return true;
  });
  return names;
}

}  // namespace

Traversals write_traversals(const ModelSource& model, const RunFolder& run, Executor& executor) {
  std::vector<Rated> rated = rated_posteriors(model, executor);
  const bool only_one = rated.size() == 1;
  Traversals traversals;
  traversals.left_out = leave_out(rated);
  for (const Rated& one : rated) {
    LatentSpace space(model, executor, one.posterior.name, model.seed());
    space.open_data(model.data(""), "test");
    const std::vector<std::int64_t> dimensions = dimensions_by_rate(one.rates, one.posterior.dimensions, kRows);
    const std::vector<float> centre(static_cast<std::size_t>(space.values()), 0.0F);
    const Tensor shown = space.decode(traversal(centre, one.posterior.dimensions, dimensions, kRange, kColumns), 0);
    const auto png = samples_png(model, shown, kColumns);
    if (!png) continue;
    Traversal& written =
        traversals.written.emplace_back(path_of(run, one.posterior.name, only_one), one.posterior.name);
    for (const std::int64_t dimension : dimensions)
      written.rows.push_back(fmt::format("{}: {:.2f} nats", dimension, one.rates[static_cast<std::size_t>(dimension)]));
    write_text_file(written.path, *png);
  }
  return traversals;
}

}  // namespace loom::report

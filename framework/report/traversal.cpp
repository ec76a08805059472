#include "report/traversal.h"

#include <fmt/format.h>

#include <algorithm>

#include "generate/latent.h"
#include "generate/walk.h"
#include "io/atomic_file.h"
#include "report/pictures.h"

namespace loom::report {
namespace {

constexpr std::int64_t kRows = 10, kColumns = 9, kRatedItems = 1000;
constexpr double kRange = 3;  // standard deviations of N(0, I)

std::string path_of(const RunFolder& run, const std::string& latent, bool only_one) {
  if (only_one) return run.path() + "/traversal.png";
  std::string name = latent;
  std::ranges::replace(name, '/', '-');
  return fmt::format("{}/traversal-{}.png", run.path(), name);
}

}  // namespace

std::vector<Traversal> write_traversals(const ModelSource& model, const RunFolder& run, Executor& executor) {
  const std::shared_ptr<const Graph> graph = build_checked(model.document().nodes, model.registry());
  std::vector<Posterior> posteriors = find_posteriors(*graph, resolve_losses(model.document(), *graph));
  std::erase_if(posteriors, [](const Posterior& posterior) { return !posterior.per_dimension.valid(); });
  std::vector<Traversal> written;
  for (const Posterior& posterior : posteriors) {
    LatentSpace space(model, executor, posterior.name, model.seed());
    space.open_data(model.data(""), "test");
    const std::vector<double> rates = space.rates(kRatedItems);
    if (rates.empty()) continue;
    const std::vector<std::int64_t> dimensions = dimensions_by_rate(rates, posterior.dimensions, kRows);
    const std::vector<float> centre(static_cast<std::size_t>(space.values()), 0.0F);
    const Tensor shown = space.decode(traversal(centre, posterior.dimensions, dimensions, kRange, kColumns), 0);
    const auto png = samples_png(model, shown, kColumns);
    if (!png) continue;
    Traversal& one = written.emplace_back(path_of(run, posterior.name, posteriors.size() == 1), posterior.name);
    for (const std::int64_t dimension : dimensions)
      one.rows.push_back(fmt::format("{}: {:.2f} nats", dimension, rates[static_cast<std::size_t>(dimension)]));
    write_text_file(one.path, *png);
  }
  return written;
}

}  // namespace loom::report

#include "generate/latent.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "generate/entry.h"
#include "generate/pass.h"
#include "generate/rates.h"
#include "generate/sampling.h"
#include "generate/units.h"
#include "loom/error.h"
#include "run/program.h"
#include "train/feeds.h"

namespace loom {

Posterior require_posterior(const ModelSource& model, const Graph& graph, const std::string& name) {
  const auto found = find_posteriors(graph, resolve_losses(model.document(), graph));
  if (name.empty() && !found.empty()) return found.front();
  Diagnostic finding;
  finding.code = ErrorCode::not_supported;
  finding.where = {model.document().file, 0, 0};
  std::vector<std::string> names;
  for (const Posterior& posterior : found) {
    if (posterior.name == name) return posterior;
    names.push_back(posterior.name);
  }
  finding.message = name.empty() ? "the graph has no latent variable: no sampler with an input mu, and no bottleneck"
                                 : fmt::format("the graph has no posterior '{}'", name);
  if (!names.empty()) finding.expected = fmt::format("one of {}", fmt::join(names, ", "));
  finding.suggestion = nearest_name(name, names);
  throw Error(std::move(finding));
}

LatentSpace::LatentSpace(const ModelSource& model, Executor& executor, const std::string& name, std::uint64_t seed,
                         DrawOptions draws)
    : model_(model),
      executor_(executor),
      graph_(build_checked(model.document().nodes, model.registry())),
      store_(model.parameters(*graph_)),
      posterior_(require_posterior(model, *graph_, name)),
      latent_(posterior_.drawn.valid() ? posterior_.drawn : posterior_.mu),
      seed_(seed),
      draws_(std::move(draws)) {}

void LatentSpace::open_data(const DataEntry& data, const std::string& split) { source_ = model_.open(data, split); }

Tensor LatentSpace::column(const ColumnRequest& request, std::int64_t item, std::int64_t rows) const {
  if (item < 0 || item >= items())
    throw Error(ErrorCode::usage, fmt::format("item {} of {}: items count from 0", item, items()));
  Batches batches(source_, {request}, 1, seed_, false, 1);
  batches.seek(item);
  const TensorView one = batches.next().columns[0];
  Shape shape = one.shape();
  shape[0] = rows;
  Tensor all(one.dtype(), shape);
  for (std::int64_t row = 0; row < rows; ++row) std::memcpy(all.view().rows(row, 1).raw(), one.raw(), one.bytes());
  return all;
}

std::vector<float> LatentSpace::mean(std::int64_t item) const {
  const std::vector<Port> wanted = {posterior_.mu};
  const FeedPlan feeds = plan_feeds(*graph_, wanted, false, source_->columns());
  std::vector<Tensor> columns;
  for (const ColumnRequest& request : feeds.requests) columns.push_back(column(request, item, 1));
  ProgramRequest request;
  request.feeds = feeds.ports;
  request.fetch = wanted;
  Program program(graph_, *store_, executor_, std::move(request));
  const std::vector<TensorView> views(columns.begin(), columns.end());
  program.run({.feeds = views, .weights = {}, .samples = 1, .seed = seed_, .step = 0});
  const auto mean = program.fetched(0).values();
  return {mean.begin(), mean.end()};
}

std::vector<double> LatentSpace::rates(std::int64_t most) const {
  return rates_of({graph_, *store_, executor_}, {.source = source_, .count = most, .seed = seed_}, {&posterior_, 1})
      .front();
}

Tensor LatentSpace::decode(const std::vector<float>& latents, std::optional<std::int64_t> item) const {
  const std::int64_t rows = static_cast<std::int64_t>(latents.size()) / values();
  const bool data = item.has_value() && source_ != nullptr;
  const GenerateEntry entry = latent_entry(model_, {.latent = graph_->name_of(latent_), .data = data, .draws = draws_});
  Rewrite rewrite = with_draws(model_.document(), entry, model_.registry());
  set_options(rewrite, entry, draws_.options);
  const std::shared_ptr<const Graph> graph = rewrite.build();
  const Port show = graph->port(rewrite.resolved(entry.show)),
             latent = graph->port(graph_->name_of(latent_), ErrorCode::bad_feed);
  std::vector<Port> wanted = {show}, given = {latent};
  for (const IterationEntry& iteration : entry.iterations) {
    for (const Reference& port : iteration.computed()) wanted.push_back(graph->port(rewrite.resolved(port)));
    for (const Reference& port : iteration.filled_unread()) given.push_back(graph->port(rewrite.resolved(port)));
  }
  for (const AutoregressionEntry& filled : entry.autoregressions) {
    wanted.push_back(graph->port(rewrite.resolved(filled.from)));
    given.push_back(graph->port(rewrite.resolved(filled.input)));
  }
  FeedPlan feeds;
  if (item && source_) feeds = plan_feeds(*graph, wanted, false, source_->columns(), given);
  std::vector<Tensor> columns;
  for (const ColumnRequest& request : feeds.requests) columns.push_back(column(request, *item, rows));
  Tensor& z = columns.emplace_back(DType::f32, graph->shape(latent).at_batch(rows));
  std::ranges::copy(latents, z.values().begin());
  feeds.ports.push_back(latent);
  Pass pass(model_, executor_,
            {.graph = graph,
             .weights = model_.parameters(*graph),
             .feeds = feeds.ports,
             .fetch = {show},
             .batch = rows,
             .entry = &entry,
             .rewrite = &rewrite});
  const std::vector<TensorView> views(columns.begin(), columns.end());
  pass.run(views, rows, seed_, 0);
  Tensor shown(graph->dtype(show), graph->shape(show).at_batch(rows));
  std::memcpy(shown.view().raw(), pass.fetched(0).raw(), shown.view().bytes());
  to_data_units(model_, *graph, show, shown);
  return shown;
}

}  // namespace loom

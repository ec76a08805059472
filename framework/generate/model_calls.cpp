// The calls of loom::Model: the ports that each of them feeds and fetches.
#include <numeric>

#include "generate/encodings.h"
#include "generate/latent.h"
#include "generate/model_impl.h"
#include "generate/sampling.h"
#include "generate/units.h"
#include "generate/walk.h"
#include "loom/error.h"

namespace loom {
namespace {

// x, for the first input, and the other feeds. x is in the units of the data; `scaled` holds what the graph reads.
Feeds with_input(const ModelSource& source, const Graph& graph, const TensorView& x, const Feeds& beside,
                 Tensor& scaled) {
  const std::string input = first_input(graph);
  if (!x.empty()) scaled = to_model_units(source, input, x);
  Feeds feeds{{input, scaled.view().empty() ? x : scaled.view()}};
  feeds.insert(feeds.end(), beside.begin(), beside.end());
  return feeds;
}

void require_at_least(std::int64_t least, const char* what, std::int64_t got) {
  if (got < least) throw Error(ErrorCode::usage, fmt::format("{}: {} is less than {}", what, got, least));
}

// The way of an entry: its draws replace their ports, and the port that it shows is fetched.
void make_entry_way(const ModelSource& source, const GenerateEntry& entry, Way& way) {
  if (!way.rewrite) way.rewrite.emplace(with_draws(source.document(), entry, source.registry()));
  way.graph = way.rewrite->build();
  way.entry = &entry;
  for (const auto& [column, port] : entry.shows) {
    way.fetch.push_back(way.graph->port(way.rewrite->resolved(port)));
    way.columns.push_back(column);
  }
  if (entry.shows.empty()) way.fetch = {way.graph->port(way.rewrite->resolved(entry.show))};
  way.shows = true;
}

// From the values of a posterior's latent variable to the shown port.
ModelCall decoding(const ModelSource& source, const std::shared_ptr<const Graph>& graph, const std::string& latent,
                   const TensorView& values, const Feeds& beside, std::uint64_t seed) {
  const Posterior posterior = require_posterior(source, *graph, latent);
  const Port z = posterior.drawn.valid() ? posterior.drawn : posterior.mu;
  Feeds feeds{{graph->name_of(z), values}};
  feeds.insert(feeds.end(), beside.begin(), beside.end());
  return {.key = "decode by the posterior",
          .feeds = feeds_of(feeds),
          .make =
              [&source, graph](Way& way, std::vector<Feed>& given) {
                way.graph = graph;
                way.fetch = {decoded_port(source.document(), *graph)};
                way.shows = true;
                find_ports(*graph, given);
              },
          .seed = seed,
          .at_once = true};
}

// Rows of one latent variable as a view for its port.
TensorView rows_of(std::vector<float>& values, const Graph& graph, const Posterior& posterior) {
  const std::int64_t each = posterior.positions * posterior.dimensions;
  Shape shape{static_cast<std::int64_t>(values.size()) / each};
  const Shape event = graph.shape(posterior.mu).event();  // named: extents() refers to it
  for (const std::int64_t extent : event.extents()) shape.push_back(extent);
  return {DType::f32, shape, values.data()};
}

}  // namespace

std::vector<Tensor> Model::run(const Feeds& feeds, const std::vector<std::string>& fetch,
                               const RunOptions& options) const {
  if (fetch.empty()) throw Error(ErrorCode::usage, "no port is fetched");
  std::string key = "run";
  for (const std::string& name : fetch) key += " " + name;
  return impl_->run({.key = key,
                     .feeds = feeds_of(feeds),
                     .make =
                         [&](Way& way, std::vector<Feed>& given) {
                           const ModelSource& from = impl_->source;
                           Rewrite rewrite(from.document().nodes, from.registry());
                           way.graph = place_feeds(rewrite, given);
                           for (const std::string& name : fetch)
                             way.fetch.push_back(way.graph->port(name, ErrorCode::bad_fetch));
                         },
                     .seed = options.seed,
                     .step = options.step,
                     .at_once = true});
}

Tensor Model::sample(std::int64_t count, const SampleOptions& options) const {
  return std::move(sample_columns(count, options).front().second);
}

std::vector<std::pair<std::string, Tensor>> Model::sample_columns(std::int64_t count,
                                                                  const SampleOptions& options) const {
  require_at_least(1, "samples", count);
  const GenerateEntry& entry = require_generate(impl_->source.document(), options.name);
  require_not_fed(entry);
  std::string key = "sample " + options.name;
  for (const auto& [name, value] : options.options) key += fmt::format(" {}={}", name, value.text());
  const auto make = [&](Way& way, std::vector<Feed>&) {
    way.rewrite.emplace(with_draws(impl_->source.document(), entry, impl_->source.registry()));
    set_options(*way.rewrite, entry, options.options);
    make_entry_way(impl_->source, entry, way);
  };
  std::vector<Tensor> values = impl_->run({.key = key,
                                           .feeds = {},
                                           .make = make,
                                           .seed = options.seed ^ kDrawSeed,
                                           .samples = count,
                                           .incremental = options.incremental});
  std::vector<std::pair<std::string, Tensor>> columns;
  for (std::size_t i = 0; i < values.size(); ++i)
    columns.emplace_back(entry.shows.empty() ? "" : entry.shows[i].first, std::move(values[i]));
  return columns;
}

Tensor Model::encode(const TensorView& x, const EncodeOptions& options) const {
  Tensor scaled;
  const auto make = [&](Way& way, std::vector<Feed>& feeds) {
    const std::vector<std::string> names(options.port.empty() ? 0 : 1, options.port);
    const Encodings found = require_encodings(impl_->source, names);
    way.graph = found.graph;
    way.fetch = {found.ports.front()};
    find_ports(*way.graph, feeds);
  };
  return std::move(impl_
                       ->run({.key = "encode " + options.port,
                              .feeds = feeds_of(with_input(impl_->source, *impl_->graph, x, options.beside, scaled)),
                              .make = make,
                              .seed = options.seed ^ kDrawSeed})
                       .front());
}

Tensor Model::decode(const TensorView& latents, const DecodeOptions& options) const {
  const GenerateEntry* entry = find_generate(impl_->source.document(), options.name);
  if (entry == nullptr || entry->feeds.empty())
    return std::move(
        impl_->run(decoding(impl_->source, impl_->graph, "", latents, options.beside, options.seed)).front());
  const Reference& fed = entry->feeds.front();
  Feeds values{{fed.port.empty() ? fed.node : fed.node + "." + fed.port, latents}};
  values.insert(values.end(), options.beside.begin(), options.beside.end());
  const auto make = [&](Way& way, std::vector<Feed>& feeds) {
    make_entry_way(impl_->source, *entry, way);
    find_ports(*way.graph, feeds);
    feeds.front().port = way.graph->port(way.rewrite->resolved(fed));
  };
  return std::move(impl_
                       ->run({.key = "decode " + options.name,
                              .feeds = feeds_of(values),
                              .make = make,
                              .seed = options.seed ^ kDrawSeed})
                       .front());
}

Tensor Model::reconstruct(const TensorView& x, const ReconstructOptions& options) const {
  Tensor scaled;
  const GenerateEntry& entry = require_generate(impl_->source.document(), options.name);
  require_not_fed(entry);
  const auto make = [&](Way& way, std::vector<Feed>& feeds) {
    make_entry_way(impl_->source, entry, way);
    find_ports(*way.graph, feeds);
  };
  return std::move(impl_
                       ->run({.key = "reconstruct " + options.name,
                              .feeds = feeds_of(with_input(impl_->source, *impl_->graph, x, options.beside, scaled)),
                              .make = make,
                              .seed = options.seed ^ kDrawSeed})
                       .front());
}

Tensor Model::traverse(const TraverseOptions& options) const {
  require_at_least(1, "steps", options.steps);
  const Posterior posterior = require_posterior(impl_->source, *impl_->graph, options.latent);
  std::vector<std::int64_t> dimensions = options.dimensions;
  if (dimensions.empty()) {
    dimensions.resize(static_cast<std::size_t>(posterior.dimensions));
    std::iota(dimensions.begin(), dimensions.end(), 0);
  }
  for (const std::int64_t dimension : dimensions) {
    if (dimension < 0 || dimension >= posterior.dimensions)
      throw Error(ErrorCode::usage, fmt::format("dimension {} of {} latent dimensions; dimensions count from 0",
                                                dimension, posterior.dimensions));
  }
  std::vector<float> centre(static_cast<std::size_t>(posterior.positions * posterior.dimensions), 0.0F);
  if (!options.centre.empty()) {
    const auto given = options.centre.values();
    if (given.size() != centre.size())
      throw Error(ErrorCode::bad_feed,
                  fmt::format("the centre has {} values, a latent {}", given.size(), centre.size()));
    centre.assign(given.begin(), given.end());
  }
  std::vector<float> latents = traversal(centre, posterior.dimensions, dimensions, options.range, options.steps);
  return std::move(impl_
                       ->run(decoding(impl_->source, impl_->graph, options.latent,
                                      rows_of(latents, *impl_->graph, posterior), {}, options.seed))
                       .front());
}

Tensor Model::interpolate(const TensorView& from, const TensorView& to, const InterpolateOptions& options) const {
  require_at_least(2, "steps", options.steps);
  const Posterior posterior = require_posterior(impl_->source, *impl_->graph, options.latent);
  const auto each = posterior.positions * posterior.dimensions;
  if (from.count() != to.count() || from.count() == 0 || from.count() % each != 0)
    throw Error(ErrorCode::bad_feed, fmt::format("latents {} and {} of {} values each cannot be combined",
                                                 from.shape().text(), to.shape().text(), each));
  std::vector<float> latents;
  for (std::int64_t n = 0; n < from.count() / each; ++n) {
    const auto row = [&](const TensorView& all) {
      return all.values().subspan(static_cast<std::size_t>(n * each), static_cast<std::size_t>(each));
    };
    add_interpolation(row(from), row(to), options.steps, options.spherical, latents);
  }
  return std::move(impl_
                       ->run(decoding(impl_->source, impl_->graph, options.latent,
                                      rows_of(latents, *impl_->graph, posterior), {}, options.seed))
                       .front());
}

std::vector<double> Model::log_density(const TensorView& x, const DensityOptions& options) const {
  Tensor scaled;
  require_at_least(1, "draws", options.draws);
  return impl_->density(feeds_of(with_input(impl_->source, *impl_->graph, x, options.beside, scaled)), options);
}

}  // namespace loom

// The calls of loom::Model: the ports that each of them feeds and fetches.
#include <algorithm>
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

// The way of an entry: its draws replace their ports, and the ports that it shows are fetched.
void make_entry_way(const ModelSource& source, GenerateEntry entry, const DrawOptions& draws, Way& way) {
  way.rewrite.emplace(with_draws(source.document(), entry, source.registry()));
  set_options(*way.rewrite, entry, draws.options);
  way.graph = way.rewrite->build();
  for (const auto& [column, port] : entry.shows) {
    way.fetch.push_back(way.graph->port(way.rewrite->resolved(port)));
    way.columns.push_back(column);
  }
  if (entry.shows.empty()) way.fetch = {way.graph->port(way.rewrite->resolved(entry.show))};
  way.shows = true;
  way.entry = std::move(entry);
}

std::string key_of(const std::string& call, const DrawOptions& draws) {
  std::string key = call + " " + draws.likelihood;
  for (const auto& [name, value] : draws.options) key += fmt::format(" {}={}", name, value.text());
  for (const auto& [name, value] : draws.iterate) key += fmt::format(" iterate.{}={}", name, value.text());
  return key;
}

// From the values of a posterior's latent variable to the shown port.
ModelCall decoding(const ModelSource& source, const Graph& graph, const std::string& latent, const TensorView& values,
                   std::uint64_t seed, const DrawOptions& draws) {
  const Posterior posterior = require_posterior(source, graph, latent);
  const std::string z = graph.name_of(posterior.drawn.valid() ? posterior.drawn : posterior.mu);
  return {.key = key_of("walk through " + z, draws),
          .feeds = feeds_of({{z, values}}),
          .make =
              [&source, &draws, z](Way& way, std::vector<Feed>& given) {
                make_entry_way(source, latent_entry(source, {.latent = z, .draws = draws}), draws, way);
                way.fetch.resize(1);
                way.columns.clear();
                find_ports(*way.graph, given);
              },
          .seed = seed,
          .at_once = true};
}

// Latent values for the first port that the entry is fed with; the others are given by their names.
Feeds feeds_of_entry(const GenerateEntry& entry, const TensorView& latents, const Feeds& beside) {
  Feeds values{{entry.feeds.front().text(), latents}};
  for (std::size_t i = 1; i < entry.feeds.size(); ++i) {
    const std::string name = entry.feeds[i].text();
    const auto is_given = [&](const auto& feed) { return feed.first == name; };
    if (std::ranges::none_of(beside, is_given))
      throw Error(ErrorCode::bad_feed, fmt::format("decoding takes values for '{}', too", name), "give them beside");
  }
  values.insert(values.end(), beside.begin(), beside.end());
  return values;
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
  const ModelSource& source = impl_->source;
  const GenerateEntry entry = sampling_entry(source, options.name, options.draws);
  std::vector<Tensor> values =
      impl_->run({.key = key_of("sample " + options.name, options.draws),
                  .feeds = {},
                  .make = [&](Way& way, std::vector<Feed>&) { make_entry_way(source, entry, options.draws, way); },
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
  const ModelSource& source = impl_->source;
  std::vector<std::string> given;
  for (const auto& [name, values] : options.beside) given.push_back(name);
  const GenerateEntry entry = decoding_entry(source, options.name, options.draws, std::move(given));
  const auto make = [&](Way& way, std::vector<Feed>& feeds) {
    make_entry_way(source, entry, options.draws, way);
    find_ports(*way.graph, feeds);
    feeds.front().port = way.graph->port(way.rewrite->resolved(entry.feeds.front()));
  };
  return std::move(impl_
                       ->run({.key = key_of("decode " + options.name, options.draws),
                              .feeds = feeds_of(feeds_of_entry(entry, latents, options.beside)),
                              .make = make,
                              .seed = options.seed ^ kDrawSeed})
                       .front());
}

Tensor Model::reconstruct(const TensorView& x, const ReconstructOptions& options) const {
  Tensor scaled;
  const auto make = [&](Way& way, std::vector<Feed>& feeds) {
    make_entry_way(impl_->source, reconstruction_entry(impl_->source, options.name, options.draws), options.draws, way);
    find_ports(*way.graph, feeds);
  };
  return std::move(impl_
                       ->run({.key = key_of("reconstruct " + options.name, options.draws),
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
                       ->run(decoding(impl_->source, *impl_->graph, options.latent,
                                      rows_of(latents, *impl_->graph, posterior), options.seed, options.draws))
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
                       ->run(decoding(impl_->source, *impl_->graph, options.latent,
                                      rows_of(latents, *impl_->graph, posterior), options.seed, options.draws))
                       .front());
}

std::vector<double> Model::log_density(const TensorView& x, const DensityOptions& options) const {
  Tensor scaled;
  require_at_least(1, "draws", options.draws);
  return impl_->density(feeds_of(with_input(impl_->source, *impl_->graph, x, options.beside, scaled)), options);
}

}  // namespace loom

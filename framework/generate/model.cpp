#include "loom/model.h"

#include <algorithm>
#include <cstring>

#include "generate/encodings.h"
#include "generate/model_impl.h"
#include "generate/units.h"
#include "loom/error.h"
#include "train/feeds.h"
#include "train/masks.h"
#include "train/objectives.h"

namespace loom {
namespace {

constexpr std::size_t kWays = 16, kSizes = 4;  // kept at most: ways, and batch sizes of each

// Whether a store has every parameter and state of a graph.
bool holds(const ParameterStore& store, const Graph& graph) {
  const auto has = [&](const GraphParameter& parameter) {
    const int index = store.find(parameter.path);
    return index >= 0 && store.at(index).shape == parameter.shape;
  };
  return std::ranges::all_of(graph.nodes(), [&](const GraphNode& node) {
    return std::ranges::all_of(node.parameters, has) && std::ranges::all_of(node.states, has);
  });
}

// Each shown port in the unit of the column that it is named by, or that it describes.
void show_in_data_units(const ModelSource& source, const Way& way, std::vector<Tensor>& results) {
  for (std::size_t i = 0; i < results.size(); ++i) {
    const ColumnCard* card = way.columns.empty() ? described_column(source, *way.graph, way.fetch[i])
                             : source.card()     ? source.card()->find(way.columns[i])
                                                 : nullptr;
    if (card != nullptr) restore_units(*card, results[i]);
  }
}

}  // namespace

std::vector<Feed> feeds_of(const Feeds& values) {
  std::vector<Feed> feeds;
  for (const auto& [name, view] : values) {
    if (view.empty()) throw Error(ErrorCode::bad_feed, fmt::format("{}: no values are given", name));
    feeds.push_back({name, name, "", {}, {}, view});
  }
  return feeds;
}

void find_ports(const Graph& graph, std::vector<Feed>& feeds) {
  for (Feed& feed : feeds) feed.port = graph.port(feed.name, ErrorCode::bad_feed);
}

std::string first_input(const Graph& graph) {
  const std::vector<int> inputs = graph.inputs();
  if (inputs.empty()) throw Error(ErrorCode::usage, "the graph has no input");
  return graph.node(inputs.front()).path;
}

Model::Impl::Impl(ModelSource from, int wanted_threads)
    : source(std::move(from)),
      graph(build_checked(source.document().nodes, source.registry())),
      threads(Executor(wanted_threads).threads()),
      executor_(wanted_threads),
      weights_(source.parameters(*graph)) {}

std::shared_ptr<ParameterStore> Model::Impl::weights_of(const Graph& wanted) const {
  if (holds(*weights_, wanted)) return weights_;
  return source.parameters(wanted);  // its own draws have parameters
}

Way& Model::Impl::way_of(const std::string& key, ModelCall& call) {
  if (const auto found = ways_.find(key); found != ways_.end()) {
    for (std::size_t i = 0; i < call.feeds.size(); ++i) call.feeds[i].port = found->second.feeds[i];
    return found->second;
  }
  Way way;
  call.make(way, call.feeds);
  for (const Feed& feed : call.feeds) way.feeds.push_back(feed.port);
  way.ranges = accepted_ranges(*way.graph, way.fetch, false, way.feeds);
  if (ways_.size() >= kWays) ways_.clear();
  return ways_.emplace(key, std::move(way)).first->second;
}

std::vector<Tensor> Model::Impl::run(ModelCall call) {
  std::string key = fmt::format("{} {}", call.key, call.incremental);
  for (const Feed& feed : call.feeds) key += fmt::format("\n{} {}", feed.name, feed.view().shape().event().text());
  const std::lock_guard lock(mutex_);
  Way& way = way_of(key, call);
  std::vector<TensorView> views;
  const std::int64_t fed = fit_feeds(*way.graph, call.feeds, views);
  check_values(call.feeds, views, way.ranges);
  const std::int64_t samples = call.samples > 0 ? call.samples : fed;
  const std::int64_t batch = call.at_once ? samples : std::min(kSamplesAtOnce, samples);
  if (way.passes.size() >= kSizes && !way.passes.contains(batch)) way.passes.clear();
  std::unique_ptr<Pass>& pass = way.passes[batch];
  if (!pass) {
    pass = std::make_unique<Pass>(source, executor_,
                                  PassRequest{.graph = way.graph,
                                              .weights = weights_of(*way.graph),
                                              .feeds = way.feeds,
                                              .fetch = way.fetch,
                                              .batch = batch,
                                              .entry = way.entry ? &*way.entry : nullptr,
                                              .rewrite = way.rewrite ? &*way.rewrite : nullptr,
                                              .incremental = call.incremental});
  }
  std::vector<Tensor> results;
  if (!call.at_once) {
    results = pass->run_all(views, samples, call.seed);
    if (way.shows) show_in_data_units(source, way, results);
    return results;
  }
  pass->run(views, samples, call.seed, call.step);
  for (std::size_t i = 0; i < way.fetch.size(); ++i) {
    const TensorView value = pass->fetched(static_cast<int>(i));
    std::memcpy(results.emplace_back(value.dtype(), value.shape()).view().raw(), value.raw(), value.bytes());
  }
  if (way.shows) show_in_data_units(source, way, results);
  return results;
}

namespace {

// Values that are fed without a mask are all there.
void add_masks(const Graph& graph, std::int64_t samples, std::vector<Feed>& feeds, std::vector<TensorView>& views) {
  for (const int input : graph.inputs()) {
    const Port port{input, 0};
    if (std::ranges::find(feeds, port, &Feed::port) != feeds.end() || !is_mask_input(graph, input)) continue;
    Tensor ones(DType::f32, graph.shape(port).at_batch(samples));
    std::ranges::fill(ones.values(), 1.0F);
    views.push_back(ones.view());
    feeds.push_back({"", graph.node(input).path, "", std::move(ones), port});
  }
}

}  // namespace

std::vector<double> Model::Impl::density(std::vector<Feed> feeds, const DensityOptions& options) {
  find_ports(*graph, feeds);
  std::vector<TensorView> views;
  const std::int64_t samples = fit_feeds(*graph, feeds, views), batch = std::min(kSamplesAtOnce, samples);
  add_masks(*graph, samples, feeds, views);
  std::vector<std::string> names;
  for (const Feed& feed : feeds) names.push_back(feed.name);
  const std::lock_guard lock(mutex_);
  const std::pair key(names, batch);
  if (densities_.size() >= kSizes && !densities_.contains(key)) densities_.clear();
  std::unique_ptr<DensityPass>& pass = densities_[key];
  if (!pass) pass = std::make_unique<DensityPass>(source, weights_, executor_, names, batch);
  return pass->run(views, samples, options.draws, options.seed);
}

Model::Model(const std::string& path, const ModelOptions& options)
    : impl_(std::make_unique<Impl>(ModelSource(path, options), options.threads)) {}
Model::Model(const DocumentText& document, const ModelOptions& options)
    : impl_(std::make_unique<Impl>(ModelSource(document, options), options.threads)) {}
Model::~Model() = default;
Model::Model(Model&& other) noexcept = default;
Model& Model::operator=(Model&& other) noexcept = default;

const std::string& Model::name() const { return impl_->source.document().name; }
const std::string& Model::weights() const { return impl_->source.weights(); }
int Model::threads() const { return impl_->threads; }
const ModelSource& Model::source() const { return impl_->source; }
PortDescription Model::input() const { return port(first_input(*impl_->graph)); }
std::vector<std::string> Model::encodings() const { return find_encodings(impl_->source).names(); }

PortDescription Model::port(const std::string& name) const {
  const Port port = impl_->graph->port(name, ErrorCode::bad_fetch);
  return {name, impl_->graph->dtype(port), impl_->graph->shape(port)};
}

}  // namespace loom

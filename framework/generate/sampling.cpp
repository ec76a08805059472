#include "generate/sampling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "data/batches.h"
#include "loom/error.h"
#include "train/feeds.h"
#include "train/objectives.h"

namespace loom {
namespace {

void copy_rows(const TensorView& from, std::int64_t first, Tensor& to) {
  const TensorView target = to.view().rows(first, from.samples());
  std::memcpy(target.raw(), from.raw(), from.bytes());
}

// The original of a reconstruction: the target of the first likelihood if the shapes agree, otherwise the first input.
Port original_port(const Document& document, const Graph& graph, Port show) {
  for (const LossTerm& term : resolve_losses(document, graph)) {
    const GraphNode& node = graph.node(term.port.node);
    const int target = node.contract().input_index("target");
    if (term.role != Role::likelihood || target < 0) continue;
    const Port port = node.inputs[static_cast<std::size_t>(target)];
    if (port.valid() && graph.dtype(port) == graph.dtype(show)) return port;
  }
  const std::vector<int> inputs = graph.inputs();
  if (inputs.empty()) throw Error(ErrorCode::usage, "the graph has no input to reconstruct");
  return {inputs.front(), 0};
}

// The shown port, and the ports that the draws are computed from.
std::vector<Port> wanted_with(const Graph& graph, const Rewrite& rewrite, const GenerateEntry& entry,
                              std::vector<Port> wanted) {
  for (const AutoregressionEntry& item : entry.autoregressions)
    wanted.push_back(graph.port(rewrite.resolved(item.from)));
  return wanted;
}

}  // namespace

void set_options(Rewrite& rewrite, const GenerateEntry& entry, const std::map<std::string, OptionValue>& options) {
  for (const auto& [option, value] : options) {
    if (rewrite.set_option(option, value) > 0) continue;
    throw Error(ErrorCode::usage, fmt::format("no node of generate.{} has the option '{}'", entry.name, option));
  }
}

Tensor decode(const ModelSource& model, Executor& executor, const GenerateEntry& entry, const DecodeItems& items,
              const std::function<std::vector<Feed>(const Graph&, const std::vector<Port>&)>& read) {
  const Rewrite rewrite = with_draws(model.document(), entry, model.registry());
  const std::shared_ptr<const Graph> graph = rewrite.build();
  std::vector<Port> ports;
  for (const Reference& feed : entry.feeds) ports.push_back(graph->port(rewrite.resolved(feed)));
  std::vector<Feed> feeds = read(*graph, ports);
  std::vector<TensorView> values;
  const std::int64_t all = fit_feeds(*graph, feeds, values);
  const std::int64_t count = items.count > 0 ? std::min(items.count, all) : all;
  for (TensorView& value : values) value = value.rows(0, value.samples() / all * count);
  Pass pass(model, executor,
            {.graph = graph,
             .weights = model.parameters(*graph),
             .feeds = ports,
             .fetch = {graph->port(rewrite.resolved(entry.show))},
             .batch = std::min(kSamplesAtOnce, count),
             .entry = &entry,
             .rewrite = &rewrite,
             .incremental = items.incremental});
  return std::move(pass.run_all(values, count, items.seed ^ kDrawSeed).front());
}

Reconstructions reconstruct(const ModelSource& model, Executor& executor, const GenerateEntry& entry,
                            const DataEntry& data, const std::string& split, std::int64_t count, std::uint64_t seed) {
  require_not_fed(entry);
  const Rewrite rewrite = with_draws(model.document(), entry, model.registry());
  const std::shared_ptr<const Graph> graph = rewrite.build();
  const Port show = graph->port(rewrite.resolved(entry.show)), original = original_port(model.document(), *graph, show);
  const std::vector<Port> wanted = {show, original};
  const auto source = open_split(model.registry(), data, split);
  std::vector<Port> drawn;  // drawn by the model itself
  for (const AutoregressionEntry& item : entry.autoregressions)
    drawn.push_back(graph->port(rewrite.resolved(item.input)));
  FeedPlan feeds = plan_feeds(*graph, wanted_with(*graph, rewrite, entry, wanted), false, source->columns(), drawn);
  const std::int64_t batch_size = std::min(kSamplesAtOnce, count), total = std::min(count, source->size());
  Pass pass(model, executor,
            {.graph = graph,
             .weights = model.parameters(*graph),
             .feeds = feeds.ports,
             .fetch = wanted,
             .batch = batch_size,
             .entry = &entry,
             .rewrite = &rewrite});
  Batches batches(source, std::move(feeds.requests), batch_size, seed, false);
  Reconstructions pairs{Tensor(graph->dtype(original), graph->shape(original).at_batch(total)),
                        Tensor(graph->dtype(show), graph->shape(show).at_batch(total))};
  std::uint32_t step = 0;
  for (std::int64_t done = 0; done < total; ++step) {
    const Batches::View batch = batches.next();
    const std::int64_t samples = std::min(batch.samples, total - done);
    std::vector<TensorView> columns;
    for (const TensorView& column : batch.columns) columns.push_back(column.rows(0, samples));
    pass.run(columns, samples, seed ^ kDrawSeed, step);
    copy_rows(pass.fetched(0), done, pairs.reconstructions);
    copy_rows(pass.fetched(1), done, pairs.originals);
    done += samples;
  }
  return pairs;
}

}  // namespace loom

#include "generate/sampling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "data/batches.h"
#include "generate/units.h"
#include "loom/error.h"
#include "train/check_document.h"
#include "train/feeds.h"

namespace loom {
namespace {

void copy_rows(const TensorView& from, std::int64_t first, Tensor& to) {
  const TensorView target = to.view().rows(first, from.samples());
  std::memcpy(target.raw(), from.raw(), from.bytes());
}

// Masks of items as the values of `to` from row `first` on: of [rows, T], each is about all values of a position.
void spread_rows(const TensorView& masks, std::int64_t first, Tensor& to) {
  const std::span<float> out = to.view().rows(first, masks.samples()).values();
  const std::size_t each = out.size() / static_cast<std::size_t>(masks.count());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = masks.values()[i / each];
}

// The shown port, the ports that iterations and draws are computed from, and those that say what is given.
std::vector<Port> wanted_with(const Graph& graph, const Rewrite& rewrite, const GenerateEntry& entry,
                              std::vector<Port> wanted) {
  for (const IterationEntry& item : entry.iterations)
    for (const Reference& port : item.computed()) wanted.push_back(graph.port(rewrite.resolved(port)));
  for (const AutoregressionEntry& item : entry.autoregressions) {
    wanted.push_back(graph.port(rewrite.resolved(item.from)));
    if (!item.given_mask.node.empty()) wanted.push_back(graph.port(rewrite.resolved(item.given_mask)));
  }
  return wanted;
}

bool is_given(const AutoregressionEntry& item) { return item.given > 0 || !item.given_mask.node.empty(); }

}  // namespace

void set_options(Rewrite& rewrite, const GenerateEntry& entry, const std::map<std::string, OptionValue>& options) {
  for (const auto& [option, value] : options) {
    if (rewrite.set_option(option, value) > 0) continue;
    throw Error(ErrorCode::usage, fmt::format("no node of generate.{} has the option '{}'", entry.name, option));
  }
}

Tensor decode(const ModelSource& model, Executor& executor, const GenerateEntry& entry, const DecodeItems& items,
              const std::function<std::vector<Feed>(const Graph&, const std::vector<Port>&)>& read) {
  Diagnostics findings;
  check_fed_draws(entry, findings);
  findings.throw_if_any();
  Rewrite rewrite = with_draws(model.document(), entry, model.registry());
  set_options(rewrite, entry, items.options);
  const std::shared_ptr<const Graph> graph = rewrite.build();
  std::vector<Port> ports;
  const Port show = graph->port(rewrite.resolved(entry.show));
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
             .fetch = {show},
             .batch = std::min(kSamplesAtOnce, count),
             .entry = &entry,
             .rewrite = &rewrite,
             .incremental = items.incremental});
  Tensor shown = std::move(pass.run_all(values, count, items.seed ^ kDrawSeed).front());
  to_data_units(model, *graph, show, shown);
  return shown;
}

Reconstructions reconstruct(const ModelSource& model, Executor& executor, const GenerateEntry& entry,
                            const DataEntry& data, const std::string& split, std::int64_t count, std::uint64_t seed,
                            const std::map<std::string, OptionValue>& options) {
  Rewrite rewrite = with_draws(model.document(), entry, model.registry());
  set_options(rewrite, entry, options);
  const std::shared_ptr<const Graph> graph = rewrite.build();
  const Port show = graph->port(rewrite.resolved(entry.show));
  const auto [original, mask] = original_of(model.document(), *graph, show);
  std::vector<Port> wanted = {show, original};
  if (mask.valid()) wanted.push_back(mask);
  const auto source = model.open(data, split);
  std::vector<Port> drawn;  // drawn by the model itself
  for (const IterationEntry& item : entry.iterations)
    for (const Reference& port : item.filled_unread()) drawn.push_back(graph->port(rewrite.resolved(port)));
  for (const AutoregressionEntry& item : entry.autoregressions) {
    if (!is_given(item)) drawn.push_back(graph->port(rewrite.resolved(item.input)));
  }
  FeedPlan feeds = plan_feeds(*graph, wanted_with(*graph, rewrite, entry, wanted), false, source->columns(), drawn);
  const auto fed = static_cast<std::size_t>(std::ranges::find(feeds.ports, original) - feeds.ports.begin());
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
  if (mask.valid()) pairs.mask = Tensor(DType::f32, pairs.originals.shape());
  std::uint32_t step = 0;
  for (std::int64_t done = 0; done < total; ++step) {
    const Batches::View batch = batches.next();
    const std::int64_t samples = std::min(batch.samples, total - done);
    std::vector<TensorView> columns;
    for (const TensorView& column : batch.columns) columns.push_back(column.rows(0, samples));
    pass.run(columns, samples, seed ^ kDrawSeed, step);
    copy_rows(pass.fetched(0), done, pairs.reconstructions);
    // What is drawn in part is fetched as it was completed.
    copy_rows(fed < columns.size() ? columns[fed] : pass.fetched(1), done, pairs.originals);
    if (mask.valid()) spread_rows(pass.fetched(2), done, pairs.mask);
    done += samples;
  }
  to_data_units(model, *graph, show, pairs.reconstructions);
  to_data_units(model, *graph, original, pairs.originals);
  return pairs;
}

}  // namespace loom

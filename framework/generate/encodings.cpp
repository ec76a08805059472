#include "generate/encodings.h"

#include <algorithm>
#include <cstring>

#include "data/batches.h"
#include "generate/entry.h"
#include "generate/pass.h"
#include "generate/units.h"
#include "loom/error.h"
#include "train/feeds.h"
#include "train/posterior.h"

namespace loom {
namespace {

// The codes of a graph's quantizers.
std::vector<Port> quantizer_codes(const Graph& graph) {
  std::vector<Port> ports;
  for (int i = 0; i < graph.size(); ++i) {
    const Contract& contract = graph.node(i).contract();
    if (contract.role() != Role::quantizer) continue;
    if (const int codes = contract.output_index("codes"); codes >= 0) ports.push_back({i, codes});
  }
  return ports;
}

Error no_column(const DataSource& source, const std::string& name) {
  Diagnostic finding;
  finding.code = ErrorCode::data_specification;
  std::vector<std::string> names;
  for (const Column& column : source.columns()) names.push_back(column.name);
  finding.message = fmt::format("the data '{}' has no column '{}'", source.name(), name);
  finding.expected = "one of " + joined(names);
  finding.suggestion = nearest_name(name, names);
  return Error(std::move(finding));
}

Shape with_items(std::int64_t items, const Shape& event) {
  Shape shape{items};
  for (const std::int64_t extent : event.extents()) shape.push_back(extent);
  return shape;
}

}  // namespace

std::vector<std::string> Encodings::names() const {
  std::vector<std::string> names;
  for (const Port& port : ports) names.push_back(graph->name_of(port));
  return names;
}

Shape Encodings::event(std::size_t i) const {
  const Shape& shape = graph->shape(ports[i]);
  if (!shape.per_sample() || shape[0] == kBatch) return shape.event();
  Shape event{-shape[0]};
  for (int axis = 1; axis < shape.rank(); ++axis) event.push_back(shape[axis]);
  return event;
}

Encodings find_encodings(const ModelSource& model) {
  const GenerateEntry* entry = find_generate(model.document(), "encode");
  if (entry != nullptr && !entry->show.node.empty()) {
    const Rewrite rewrite = with_draws(model.document(), *entry, model.registry());
    const std::shared_ptr<const Graph> graph = rewrite.build();
    Encodings shown{graph, {}};
    for (const auto& [column, port] : entry->shows) shown.ports.push_back(graph->port(rewrite.resolved(port)));
    if (shown.ports.empty()) shown.ports.push_back(graph->port(rewrite.resolved(entry->show)));
    return shown;
  }
  Encodings found{build_checked(model.document().nodes, model.registry()), {}};
  found.ports = quantizer_codes(*found.graph);
  if (!found.ports.empty()) return found;
  for (const Posterior& posterior : find_posteriors(*found.graph, resolve_losses(model.document(), *found.graph)))
    found.ports.push_back(posterior.mu);
  return found;
}

Encodings require_encodings(const ModelSource& model, const std::vector<std::string>& names) {
  if (!names.empty()) {
    Encodings named{build_checked(model.document().nodes, model.registry()), {}};
    for (const std::string& name : names) {
      for (const std::string& one : named.graph->instances(name, ErrorCode::bad_fetch))
        named.ports.push_back(named.graph->port(one, ErrorCode::bad_fetch));
    }
    return named;
  }
  Encodings found = find_encodings(model);
  if (!found.ports.empty()) return found;
  throw Error(ErrorCode::usage, "the graph has neither a quantizer nor a posterior, so there are no codes",
              "name a port with --port, or write generate: {encode: {show: NODE}}");
}

std::map<std::string, std::string> encoded_names(const ModelSource& model) {
  const auto graph = build_checked(model.document().nodes, model.registry());
  std::map<std::string, std::string> names;
  for (const Posterior& posterior : find_posteriors(*graph, resolve_losses(model.document(), *graph)))
    if (posterior.drawn.valid()) names[graph->name_of(posterior.drawn)] = graph->name_of(posterior.mu);
  return names;
}

std::int64_t encode_items(const ModelSource& model, Executor& executor, const Encodings& encodings,
                          const EncodeItems& items, const std::function<void(std::int64_t items)>& begin,
                          const std::function<void(std::size_t i, const TensorView& rows)>& add) {
  const std::shared_ptr<const DataSource>& source = items.source;
  FeedPlan feeds = plan_feeds(*encodings.graph, encodings.ports, false, source->columns());
  const std::int64_t count = items.count > 0 ? std::min(items.count, source->size()) : source->size();
  const std::int64_t batch_size = std::min(kSamplesAtOnce, count);
  Pass pass(model, executor,
            {.graph = encodings.graph,
             .weights = model.parameters(*encodings.graph),
             .feeds = feeds.ports,
             .fetch = encodings.ports,
             .batch = batch_size});
  const std::size_t fed = feeds.requests.size();
  std::vector<const ColumnCard*> units;  // of the ports, then of the columns; null where there is none
  for (const Port port : encodings.ports) units.push_back(column_of_values(model, *encodings.graph, port));
  for (const std::string& name : items.columns) {
    const auto column = std::ranges::find(source->columns(), name, &Column::name);
    if (column == source->columns().end()) throw no_column(*source, name);
    feeds.requests.push_back({name, column->dtype, column->event, {}, {}, false});
    units.push_back(model.card() ? model.card()->find(name) : nullptr);
  }
  Batches batches(source, std::move(feeds.requests), batch_size, items.seed, false);
  begin(count);
  std::uint32_t step = 0;
  for (std::int64_t done = 0; done < count; ++step) {
    const Batches::View batch = batches.next();
    const std::int64_t samples = std::min(batch.samples, count - done);
    std::vector<TensorView> columns;
    for (const TensorView& column : batch.columns.first(fed)) columns.push_back(column.rows(0, samples));
    pass.run(columns, samples, items.seed ^ kDrawSeed, step, {}, done);
    const auto give = [&](std::size_t i, const TensorView& rows) {
      if (units[i] == nullptr) return add(i, rows);
      Tensor restored(rows.dtype(), rows.shape());  // ports may share memory, as an input and its reshape do
      std::memcpy(restored.view().raw(), rows.raw(), rows.bytes());
      restore_units(*units[i], restored.view());
      add(i, restored.view());
    };
    for (std::size_t i = 0; i < encodings.ports.size(); ++i) {
      const TensorView values = pass.fetched(static_cast<int>(i));
      give(i, {values.dtype(), with_items(samples, encodings.event(i)), values.raw()});
    }
    for (std::size_t i = fed; i < batch.columns.size(); ++i)
      give(encodings.ports.size() + i - fed, batch.columns[i].rows(0, samples));
    done += samples;
  }
  return count;
}

}  // namespace loom

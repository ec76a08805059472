#include "generate/units.h"

#include <algorithm>
#include <cstring>

#include "loom/error.h"
#include "train/objectives.h"

namespace loom {
namespace {

// By the input's path, its name inside a used graph, or as x: how columns feed inputs (train/feeds.h).
const ColumnCard* column_of(const DataCard& card, const std::string& input) {
  for (const std::string& name : {input, input.substr(input.rfind('/') + 1), std::string("x")}) {
    if (const ColumnCard* column = card.find(name)) return column;
  }
  return nullptr;
}

}  // namespace

Original original_of(const Document& document, const Graph& graph, Port show) {
  for (const LossTerm& term : resolve_losses(document, graph)) {
    const GraphNode& node = graph.node(term.port.node);
    const int target = node.contract().input_index("target");
    if (term.role != LossRole::likelihood || target < 0) continue;
    const Port port = node.inputs[static_cast<std::size_t>(target)];
    if (port.valid() && graph.dtype(port) == graph.dtype(show)) return {port, term.mask};
  }
  const std::vector<int> inputs = graph.inputs();
  if (inputs.empty()) throw Error(ErrorCode::usage, "the graph has no input to reconstruct");
  return {{inputs.front(), 0}};
}

const ColumnCard* described_column(const ModelSource& model, const Graph& graph, Port show) {
  if (!model.card() || graph.inputs().empty()) return nullptr;
  const Port original = original_of(model.document(), graph, show).port;
  const ColumnCard* card = column_of(*model.card(), graph.node(original.node).path);
  if (card == nullptr) return nullptr;
  // As many values as in the run; or, in a graph that is opened at another size, as the original has there.
  const std::int64_t count = graph.shape(show).event().count();
  const bool fits = count == card->column.event.count() || count == graph.shape(original).event().count();
  return fits ? card : nullptr;
}

const ColumnCard* column_of_values(const ModelSource& model, const Graph& graph, Port port) {
  if (!model.card()) return nullptr;
  Port described = graph.node(port.node).is_input() ? port : Port{};
  for (const LossTerm& term : resolve_losses(model.document(), graph)) {
    const GraphNode& node = graph.node(term.port.node);
    const int target = node.contract().input_index("target");
    if (described.valid() || term.role != LossRole::likelihood || target < 0) continue;
    for (const char* mean : {"mean", "x"}) {
      const int input = node.contract().input_index(mean);
      if (input >= 0 && node.inputs[static_cast<std::size_t>(input)] == port)
        described = node.inputs[static_cast<std::size_t>(target)];
    }
  }
  if (!described.valid() || !graph.node(described.node).is_input()) return nullptr;
  return column_of(*model.card(), graph.node(described.node).path);
}

void to_data_units(const ModelSource& model, const Graph& graph, Port show, const TensorView& values) {
  if (const ColumnCard* card = described_column(model, graph, show)) restore_units(*card, values);
}

Tensor to_model_units(const ModelSource& model, const std::string& input, const TensorView& values) {
  const ColumnCard* card = model.card() ? column_of(*model.card(), input) : nullptr;
  if (card == nullptr || card->mean.empty() || values.dtype() != DType::f32 ||
      values.per_sample() != card->column.event.count())
    return {};
  Tensor scaled(DType::f32, values.shape());
  std::memcpy(scaled.view().raw(), values.raw(), values.bytes());
  apply_units(*card, scaled.view());
  return scaled;
}

}  // namespace loom

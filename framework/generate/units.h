// Values in the units of the data: a run that was trained on normalised values shows and writes them as they were stored.
//
// Thread safety: functions of their arguments.
#pragma once

#include <string>

#include "generate/model_source.h"
#include "graph/graph.h"
#include "loom/tensor.h"

namespace loom {

// What a shown port describes: the target of the first likelihood where the types agree, otherwise the first input.
struct Original {
  Port port;
  Port mask = {};  // not valid: all values are there
};
// Throws Error(usage) where the graph has no input.
Original original_of(const Document& document, const Graph& graph, Port show);
// The column of the run's data card that a shown port describes: that of its original, or x; null where there is none, or
// where its items have another shape, beside their length or size.
const ColumnCard* described_column(const ModelSource& model, const Graph& graph, Port show);
// The column of the data that an encoded port has the values of: an input, or what a likelihood is given as the mean of its
// target. Null for any other port, such as a latent one, which has no unit.
const ColumnCard* column_of_values(const ModelSource& model, const Graph& graph, Port port);
// Puts values of a shown port into the unit of the column that it describes.
void to_data_units(const ModelSource& model, const Graph& graph, Port show, const TensorView& values);
// Values of an input, given in the unit of its column, as the graph reads them: empty where they already are.
Tensor to_model_units(const ModelSource& model, const std::string& input, const TensorView& values);

}  // namespace loom

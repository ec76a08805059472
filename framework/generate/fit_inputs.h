// A graph whose nodes work at every position (convolutions, causal blocks, attention) opens at the size of the data: longer
// recordings, larger pictures. Where an item of the data has other extents than the input that it feeds, in the same number
// of channels, the input takes those of the data; if the graph cannot be built so, or a parameter would have another shape,
// the document stays as it is, and whoever feeds it reports the shapes.
//
// Thread safety: a function of its arguments. Errors: those of the document's own graph.
#pragma once

#include <span>

#include "document/document.h"
#include "loom/dataset.h"
#include "loom/plugin.h"

namespace loom {

Document fit_inputs(Document document, const Registry& registry, std::span<const Column> columns);

}  // namespace loom

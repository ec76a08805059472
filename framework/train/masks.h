// Masks of the data and the nodes that take them. A column `mask` belongs to the column x and a column NAME_mask to the
// column NAME: 1 where a value is there, 0 where it is padding or missing (ColumnRole::mask in loom/dataset.h).
//
// bind_masks() makes what a document leaves out: where a node with an input `target` has an input `mask` that is not
// connected, and the target is an input of the graph that is fed by a column with a mask, an input node for the mask is
// added and connected. Between the two there may be nodes that only move values (reshape, flip, slice), which are
// applied to the mask as well, and nodes that work on each value (mu_law_encode), which are passed by. A mask that the
// document connects itself is left as it is, and so is a target that is computed otherwise.
//
// Thread safety: functions of values. Errors: none of their own; a document whose graph cannot be built is left as it
// is, since whoever builds it reports the errors.
#pragma once

#include <span>
#include <string>

#include "document/document.h"
#include "graph/graph.h"
#include "loom/dataset.h"

namespace loom {

void bind_masks(Document& document, std::span<const Column> columns, const Registry& registry);

// Whether an input of the graph is a mask by its name, and is read only as one. Data without such a column have no
// gaps, and every value of the mask is 1.
bool is_mask_input(const Graph& graph, int input);

}  // namespace loom

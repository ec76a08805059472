// Layers that halve an extent and layers that double it agree only where it is a multiple of what they halve it by: an
// encoder makes 100 pixels 50, 25 and 13, and its decoder makes 104 of them.
//
// Thread safety: a function of its arguments.
#pragma once

#include <string>
#include <vector>

#include "graph/graph_document.h"
#include "loom/plugin.h"

namespace loom {

// For a graph whose shapes contradict each other: which multiple the extents of its inputs must be so that they do not,
// and the nearest of them, as a sentence; "" if no multiple up to 256 helps. The last axis of an input, its channels, is left
// as it is.
std::string fitting_extents(const std::vector<NodeEntry>& entries, const Registry& registry);

}  // namespace loom

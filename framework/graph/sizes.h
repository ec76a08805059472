// ${shape(PORT, AXIS)} in the options of an entry: numbers that follow from the shapes of ports, once these are known. The
// document leaves such a text in the option, with the path of the port; the graph computes it while it infers shapes.
//
// Thread safety: functions of their arguments.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "graph/graph_document.h"
#include "loom/tensor.h"

namespace loom {

// A whole number is an integer.
OptionValue number_option(double value);

// Texts with ${...}: of what a document has resolved, only sizes are left.
bool has_sizes(const OptionValue& value);
bool has_sizes(const NodeEntry& entry);

// The ports that the options and initial values of an entry ask for, as often as they do.
std::vector<Reference> sizes_of(const NodeEntry& entry);

// Gives ports other names. An empty name leads nowhere, which is reported: the option then has no value.
using NewName = std::function<std::string(const Reference& port)>;
void rename_sizes(NodeEntry& entry, const NewName& name);

// The entry without values that are not known yet: an option that is a size is not set, and in a text stands 1.
NodeEntry without_sizes(NodeEntry entry);

// Computes them. `shape` is that of a port; none: an error that is reported, and the option has no value. Findings:
// bad_expression, shape_mismatch (there is no such axis). False if an option has no value.
using ShapeOf = std::function<std::optional<Shape>(const Reference& port)>;
bool resolve_sizes(NodeEntry& entry, const ShapeOf& shape, Diagnostics& diagnostics);

}  // namespace loom

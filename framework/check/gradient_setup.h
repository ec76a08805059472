// A node's gradient by one of its inputs as a node under test: what second derivatives are checked with.
//
// Internal to framework/check. Thread safety: a pure function.
#pragma once

#include <optional>

#include "check/node_setup.h"

namespace loom::check {

// Nothing where the node, with these options, has no second derivative, or a gradient by `input`.
std::optional<NodeSetup> gradient_setup(const NodeSetup& setup, int input);

}  // namespace loom::check

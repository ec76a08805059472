// The registry of the standard nodes and data sets, loaded from their plugin libraries once per process.
#pragma once

#include "graph/registry.h"

namespace loom::testing {

const Registry& standard_registry();

}  // namespace loom::testing

// What a node plugin includes: <loom/node.h>.
#pragma once

#include "graph/node.h"      // IWYU pragma: export
#include "graph/registry.h"  // IWYU pragma: export

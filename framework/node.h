// What a node plugin includes: <loom/node.h>. Data sets include <loom/dataset.h>.
#pragma once

#include "core/random.h"        // IWYU pragma: export
#include "core/vector_math.h"   // IWYU pragma: export
#include "graph/elementwise.h"  // IWYU pragma: export
#include "graph/node.h"         // IWYU pragma: export
#include "graph/registry.h"     // IWYU pragma: export

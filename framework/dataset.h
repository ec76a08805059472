// What a plugin with a data set includes: <loom/dataset.h>.
#pragma once

#include "core/error.h"         // IWYU pragma: export
#include "core/random.h"        // IWYU pragma: export
#include "data/content_hash.h"  // IWYU pragma: export
#include "data/dataset.h"       // IWYU pragma: export
#include "data/split.h"         // IWYU pragma: export

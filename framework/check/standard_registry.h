// The registry of the standard nodes and data sets, loaded from their plugin libraries once per process.
#pragma once

#include "loom/plugin.h"

namespace loom::check {

const Registry& standard_registry();

}  // namespace loom::check

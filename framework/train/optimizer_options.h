// The options of an optimizer, checked and completed. Internal to framework/train.
#pragma once

#include <map>
#include <string>

#include "document/document.h"
#include "loom/error.h"

namespace loom {

using OptimizerOptions = std::map<std::string, double>;  // flags are 0 or 1

// Every option of the entry's type; findings go to `diagnostics`, and the defaults stand in for what is wrong.
OptimizerOptions resolve_optimizer_options(const OptimizerEntry& entry, Diagnostics& diagnostics);

}  // namespace loom

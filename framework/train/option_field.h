// Values of options in the JSON of a run: its settings and its data card.
//
// Thread safety: a function of its argument. Errors: what a JsonField throws.
#pragma once

#include "io/json_fields.h"
#include "loom/options.h"

namespace loom {

OptionValue option_from(const JsonField& field);  // null is no value

}  // namespace loom

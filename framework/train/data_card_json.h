// The data card as JSON: RUN/data.json, and the field data_card of a checkpoint's metadata.
//
// Thread safety: functions of their arguments. Errors: checkpoint_corrupt, with the file and the field.
#pragma once

#include <string>

#include "data/card.h"

namespace loom {

std::string to_json(const DataCard& card);
// `file` is named in errors.
DataCard data_card_from_json(const std::string& text, const std::string& file);

}  // namespace loom

// Makes a training job's document from its origin: a file, the settings and plugins of the command line, and the
// swapped types.
//
// Thread safety: functions of their arguments and of files. Errors: those of load_document(), and bad_command of node
// changes.
#pragma once

#include <string>
#include <vector>

#include "plugin/registries.h"
#include "train/run_settings.h"

namespace loom {

// Libraries that were given by hand become part of the document by their names.
void name_plugins(Document& document, const std::vector<std::string>& given);

// The document; what --plugin loads becomes part of it by its name, so that a run says what it needs. Findings are left
// in `diagnostics`, beside what could be read.
Document load_source(const RunSource& source, Diagnostics& diagnostics);
RegistryRequest plugins_of(const RunSource& source, const Document& document);

}  // namespace loom

// The origin of a training job's document: a file, the settings and plugins of the command line, and the swapped types.
//
// Ownership: values. Thread safety: values; loading reads files. Errors: those of load_document(), and bad_command of
// node changes.
#pragma once

#include <string>
#include <vector>

#include "live/change.h"
#include "plugin/registries.h"
#include "train/run_folder.h"

namespace loom {

struct LiveSource {
  std::string graph;  // the file
  std::vector<Override> overrides;
  std::vector<NodeChange> nodes;
  std::vector<std::string> plugins;  // of --plugin
};

// Libraries that were given by hand become part of the document by their names.
void name_plugins(Document& document, const std::vector<std::string>& given);

// The document; what --plugin loads becomes part of it by its name, so that a run says what it needs. Findings are left
// in `diagnostics`, beside what could be read.
Document load_source(const LiveSource& source, Diagnostics& diagnostics);
RegistryRequest plugins_of(const LiveSource& source, const Document& document);

// The document as a run's folder keeps it. The command line's plugins are not kept: a run may come from elsewhere.
RunSource to_run_source(const LiveSource& source);
LiveSource from_run_source(const RunSource& source);

}  // namespace loom

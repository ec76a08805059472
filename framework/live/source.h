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

// The document. The plugins of --plugin become part of it by name, so that a run records what it needs. Errors are
// added to `diagnostics`, and the readable part of the document is returned.
Document load_source(const LiveSource& source, Diagnostics& diagnostics);
RegistryRequest plugins_of(const LiveSource& source, const Document& document);

// The document as a run's folder keeps it. The command line's plugins are not kept: a run may come from elsewhere.
RunSource to_run_source(const LiveSource& source);
LiveSource from_run_source(const RunSource& source);

}  // namespace loom

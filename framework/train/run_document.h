// The document of a run, if it changes during training.
//
// RUN/graph.yaml is the newest document. A change writes, in this order: the documents before and after it, under
// RUN/graphs by their hashes; a checkpoint, which names the hash of its document; graph.yaml. If the process is
// killed at any instant, the document of the newest checkpoint can therefore be found.
//
// Settings and the data card can change with it, while the run rests. graphs/change.json holds them from before the
// checkpoint until run.json and data.json are written; whether the newest checkpoint is the change's says which are valid.
//
// Thread safety: functions of files; one process writes (the one that holds the run's lock). Errors: write_failed,
// read_failed.
#pragma once

#include <optional>
#include <string>

#include "train/checkpoint.h"

namespace loom {

std::string document_hash(const std::string& text);  // "crc32:0123abcd"

// RUN/graphs/crc32-0123abcd.yaml, written where it is missing.
void keep_document(const std::string& run, const std::string& text);
// Whether RUN/graph.yaml is neither what the checkpoint was written with nor what a change of the running training put
// there: somebody has edited it.
bool is_edited(const std::string& run, const std::string& checkpoint);
// The kept document of the newest checkpoint where that is not graph.yaml; "" where it is, or where graph.yaml is none of
// those that a change has kept: somebody has edited it.
std::string document_of_newest_checkpoint(const std::string& run);

struct SettingsChange {
  CheckpointInfo checkpoint;   // that goes with it
  std::string settings, card;  // texts of run.json and data.json; card "": none
};
void begin_change(const std::string& run, const SettingsChange& change);
// The change that was begun and not ended, where its checkpoint was written.
std::optional<SettingsChange> interrupted_change(const std::string& run);
void end_change(const std::string& run);

}  // namespace loom

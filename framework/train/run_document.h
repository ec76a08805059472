// Which document a run is of, where it changed while the run trained.
//
// RUN/graph.yaml is the newest. A change writes, in this order: the documents before and after it, under RUN/graphs by
// their hashes; a checkpoint, which names its document's hash; graph.yaml. So whatever instant a kill comes at, the
// newest checkpoint finds the document that it belongs to.
//
// Thread safety: functions of files; one process writes (the one that holds the run's lock). Errors: write_failed,
// read_failed.
#pragma once

#include <string>

namespace loom {

std::string document_hash(const std::string& text);  // "crc32:0123abcd"

// RUN/graphs/crc32-0123abcd.yaml, written where it is missing.
void keep_document(const std::string& run, const std::string& text);
// The kept document of the newest checkpoint where that is not graph.yaml; else "".
std::string document_of_newest_checkpoint(const std::string& run);

}  // namespace loom

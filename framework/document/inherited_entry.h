// Entries of `generate` that a document has from its parents, and that its graph may have made impossible.
//
// Thread safety: functions of their arguments. Errors: none.
#pragma once

#include <fmt/format.h>

#include <string>

#include "document/document.h"

namespace loom {

// Whether another file than the document wrote it: one that the document changes, or --set, is its own.
inline bool is_of_parent(const std::string& file, const GenerateEntry& entry) {
  return entry.where.known() && entry.where.file != file && !entry.where.file.starts_with("--set");
}

inline std::string dropped_note(const GenerateEntry& entry, const std::string& reason) {
  return fmt::format("generate.{} of {} is dropped, since this graph changes what it needs: {}", entry.name,
                     entry.where.file, reason);
}

}  // namespace loom

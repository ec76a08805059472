// What `extends` leaves of a parent that fits the graph no more: options and inputs of an entry that has another type now,
// since entries are merged key by key; and entries of `generate` that the graph makes impossible, as a sample is where the
// decoder has come to read the data.
//
// Thread safety: a function of its arguments. Errors: none; unknown types are left to the graph's checks.
#pragma once

#include "document/document.h"
#include "loom/plugin.h"

namespace loom {

// Whether there is anything of a parent that might not fit.
bool has_inherited(const Document& document);
// Drops what does not fit, with a note for each entry, and renders the document again where any was dropped. An entry of
// `generate` that the document itself writes, or changes, stays and is an error of its own.
void drop_inherited(Document& document, const Registry& registry);

}  // namespace loom

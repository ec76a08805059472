// What an entry keeps of a parent's entry of another type: `extends` merges key by key, and the new type may not know
// the options and inputs of the old one.
//
// Thread safety: a function of its arguments. Errors: none; unknown types are left to the graph's checks.
#pragma once

#include "document/document.h"
#include "loom/plugin.h"

namespace loom {

// Whether any entry has options or inputs of a parent's entry of another type.
bool has_inherited(const Document& document);
// Drops those that the types do not know, with a note for each entry, and renders the document again where any were
// dropped.
void drop_inherited(Document& document, const Registry& registry);

}  // namespace loom

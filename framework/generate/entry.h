// Entries of a document's `generate:` section, found and resolved.
//
// Thread safety: functions of their arguments. Errors: usage, bad_fetch.
#pragma once

#include <string>

#include "document/rewrite.h"

namespace loom {

// The entry of this name; null where there is none.
const GenerateEntry* find_generate(const Document& document, const std::string& name);
// The same; throws Error(usage) that says how to write one.
const GenerateEntry& require_generate(const Document& document, const std::string& name);
// The same, where it is fed (`feed:`); throws Error(usage) where it is not.
const GenerateEntry& require_fed(const Document& document, const std::string& name);
// Throws Error(usage) where it is.
void require_not_fed(const GenerateEntry& entry);

}  // namespace loom

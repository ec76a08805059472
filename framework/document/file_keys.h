// The keys of a document and of a block, at the top of their files, as declarations: what schema, reference and the
// readers share.
//
// Thread safety: all functions may be called from many threads.
#pragma once

#include <string_view>

#include "document/section.h"
#include "loom/contract.h"

namespace loom {

const Contract& document_keys();
const Contract& block_keys();

// A key that a document has and a block does not: graph, extends, losses, train, ... A file with one is a document.
bool is_document_key(std::string_view key);
// Marks all keys of `keys` as known to the section, for a reader that needs only some of them.
void accept_keys(Section& section, const Contract& keys);

}  // namespace loom

// A resolved document as text: self-contained, and loading it gives the same Document.
#pragma once

#include <string>

#include "document/document.h"

namespace loom {

std::string render_document(const Document& document);

}  // namespace loom

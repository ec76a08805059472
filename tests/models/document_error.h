// What is wrong with the text of a document, for tests of its messages.
#pragma once

#include <string>

#include "check/standard_registry.h"
#include "loom/error.h"
#include "train/check_document.h"

namespace loom::check {

// What is wrong with a document; "": nothing.
inline std::string error_of(const std::string& text) {
  Diagnostics diagnostics;
  try {
    check_document(parse_document(text, "g.yaml", "."), standard_registry(), diagnostics);
    diagnostics.throw_if_any();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace loom::check

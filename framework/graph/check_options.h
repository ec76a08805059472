// Checks the option entries of a document against a contract.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "graph/graph_document.h"
#include "loom/contract.h"

namespace loom {

// Every declared option of `contract`, from its entry or its default. Diagnostics: unknown_option with the nearest
// name, missing_option, wrong_type, out_of_range. `what` names the owner of the options ("conv"), `where` its
// position.
Options check_options(const Contract& contract, const std::map<std::string, OptionEntry>& entries,
                      const Location& where, std::string_view what, Diagnostics& diagnostics);

}  // namespace loom

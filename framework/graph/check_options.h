// Checks the option entries of a document against a contract.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "graph/graph_document.h"
#include "loom/contract.h"

namespace loom {

// Every declared option of `contract`, from its entry or its default. Findings go to `diagnostics`: unknown_option with
// the nearest name, missing_option, wrong_type, out_of_range, unknown_word. `what` names the bearer ("conv"), `where`
// its place.
Options check_options(const Contract& contract, const std::map<std::string, OptionEntry>& entries,
                      const Location& where, std::string_view what, Diagnostics& diagnostics);

// `value` as `constraint` accepts it. If it does not: empty, and a diagnostic (wrong_type, out_of_range, unknown_word)
// about `what` ("train.batch").
OptionValue accept_value(const Constraint& constraint, const OptionValue& value, const Location& where,
                         const std::string& what, Diagnostics& diagnostics);

}  // namespace loom

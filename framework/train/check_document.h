// All checks of a document that need no data: `validate` reports them, and training starts with them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "document/document.h"
#include "graph/graph.h"
#include "loom/plugin.h"

namespace loom {

// The data entry, the graph, the objectives and each `generate:` entry. Null if the graph has diagnostics.
std::shared_ptr<const Graph> check_document(const Document& document, const Registry& registry,
                                            Diagnostics& diagnostics);

// An entry of a graph without errors: its own graph, and that all of it is said or follows from the losses. Throws the error
// that says what is not.
void require_complete(const Document& document, const GenerateEntry& entry, const Registry& registry);

// A port that an entry feeds and draws without saying what is given: what is fed would be thrown away. Training does not
// depend on it; validate and decode refuse it.
void check_fed_draws(const GenerateEntry& entry, Diagnostics& diagnostics);

// Loads and checks a document; throws one Error with everything wrong in it, in its text and in its graph.
Document load_checked(const std::string& path, const std::vector<Override>& overrides, const Registry& registry);

}  // namespace loom

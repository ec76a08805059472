// A JSON Schema (draft-07) of a document, and the tables of its keys, both made from the declarations of sections and
// of registered types.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "loom/plugin.h"

namespace loom {

// Of a document as it is written and as `render --json` prints it, and of the file of a block, with the types of this
// registry.
nlohmann::ordered_json document_schema(const Registry& registry);

// The sections that have a table: "train", "objectives", "losses", "generate", "iterate",
// "autoregressive".
std::vector<std::string> section_names();
// A Markdown table of the keys of a section: key, accepts, default, meaning. Throws Error(usage) for another name.
std::string section_table(const std::string& section);
// The words that the text options of a type understand.
std::string word_table(const Contract& contract);
// A Markdown table of the types of a kind ("optimizer", "schedule"): type, options. Throws Error(usage).
// The values that a metric declares.
std::string value_table(const Contract& contract);
std::string type_table(const Registry& registry, const std::string& kind);

}  // namespace loom

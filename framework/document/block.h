// The two ends of a block: its inputs, bound where it is used, and its outputs.
#pragma once

#include <vector>

#include "document/names.h"
#include "document/section.h"

namespace loom {

// The names under `inputs` of a block, or of the part of a scan (`of`); null: none. Findings: E102, E105.
std::vector<std::string> declared_inputs(const Value* declared, const char* of, Diagnostics& diagnostics);

// Binds the inputs that a block declares to the values of `in` of its use. Diagnostics: E105, E203, E205, E210.
void bind_block_inputs(const Value& block, const Value* in, const Member& use, Scope& scope, Diagnostics& diagnostics);

// Connects nodes of a used graph, those without a source of their own, to the values of `in` of its use; the others
// stay as they are. Findings: E105, E203.
void bind_graph_inputs(const Value& nodes, const Value* in, Scope& scope, Diagnostics& diagnostics);

// `output: a`, or `outputs: {y: a, codes: b}`; the first is the default. Findings: E104, E105.
std::vector<BlockOutput> read_block_outputs(Section& section, const Value& block);

}  // namespace loom

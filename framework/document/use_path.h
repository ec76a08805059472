// The target of `use` and of `weights` of a use: a block or a whole graph, another node or a file.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "document/names.h"
#include "document/section.h"
#include "document/value.h"

namespace loom {

// A relative path starts at the file that names it, which may be a parent of the scope's.
std::string path_from_here(const Value& path, const Scope& scope);
// The same; a folder stands for the graph.yaml in it.
std::string used_path(const Value& use, const Scope& scope);

// Whether a file is a whole graph: it has what a block cannot have.
bool is_whole_graph(const Value& root);

// `weights` of the use `name`, of a whole graph or not: a path, unless a node beside it is called so.
bool is_weight_path(const std::string& text, const std::string& name, bool graph, const Scope& scope);

// `rename` beside them, null where there is none: pairs of a name in the file and a node.
std::vector<std::pair<std::string, std::string>> read_rename(const Value* value, Diagnostics& diagnostics);
// Where there are no weights of a file.
void refuse_rename(const Value* value, Diagnostics& diagnostics);

// Whether a file can be used here. Reports a path that is no text, files that use each other in a cycle, and blocks that
// are nested too deeply.
bool may_use(const Value& use, const std::string& path, const Scope& outer, Diagnostics& diagnostics,
             const char* key = "use");

}  // namespace loom

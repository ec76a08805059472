// The meaning of the names in a document: nodes with the prefixes of their blocks, the inputs and outputs of blocks,
// the last instance of a repeat.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "document/value.h"
#include "graph/graph_document.h"
#include "loom/error.h"

namespace loom {

// The nodes of one file, behind a prefix, with the inputs of a block bound outside.
struct Scope {
  std::string mark;    // "@3:", its number: before the names of ports that mean those of this scope
  std::string prefix;  // "encoder/"
  std::string file, directory;
  std::map<std::string, std::string> inputs;  // a block's input: reference in the outer scope; "": wrong, and reported
  const Scope* outer = nullptr;
  std::vector<std::string> files;  // blocks being expanded, outermost first
  std::set<std::string> names;     // of its nodes
  const Value* nodes = nullptr;    // while they are expanded
};

struct BlockOutput {
  std::string name;
  std::string target;  // reference inside the block
  Location where;
  bool wrong = false;  // it leads nowhere; this is reported
};

class Names {
 public:
  Names(std::string file, std::string directory);

  Scope* top() { return scopes_.front().get(); }
  const Scope* top() const { return scopes_.front().get(); }
  // The scope of a block of file `path` that a node called `name` uses.
  Scope* inside(const Scope& outer, const std::string& name, const std::string& path);

  // The scope of a name with its mark, which is removed; null where there is none.
  const Scope* marked(std::string& name) const;

  // A repeat called `path` stands for its last instance, `last` in `scope`.
  void add_repeat(const std::string& path, std::string last, const Scope* scope);
  void add_instances(const std::string& path, std::int64_t count) { repeats_[path] = count; }
  const std::map<std::string, std::int64_t>& repeats() const { return repeats_; }  // and their instances
  // A block called `path` stands for its outputs; the first is the default.
  void add_block(const std::string& path, std::vector<BlockOutput> outputs, const Scope* scope);
  // A whole graph called `path` stands for none of its nodes. `name` within it stands for what it is connected to.
  void add_graph(const std::string& path, const Scope* scope);
  void add_connected(const std::string& name, const Scope* scope);

  // Reports block outputs that lead to none of `paths` (E206).
  void check_outputs(const std::set<std::string>& paths, Diagnostics& diagnostics);

  // "encoder.y" as `scope` understands it. A block without that output is reported (E203).
  Reference resolve(const std::string& text, const Location& where, const Scope* scope, Diagnostics& diagnostics,
                    int depth = 0) const;
  // The same for the ports whose sizes the options of an entry of `scope` ask for (graph/sizes.h).
  void resolve_sizes(NodeEntry& entry, const Scope* scope, Diagnostics& diagnostics) const;

 private:
  struct Alias {
    bool repeat = false;  // or another name of one thing
    std::vector<BlockOutput> outputs;
    const Scope* scope = nullptr;
    bool graph = false;
  };

  Reference no_output(const Reference& reference, const Alias& alias, Diagnostics& diagnostics) const;

  std::vector<std::unique_ptr<Scope>> scopes_;
  std::map<std::string, Alias> aliases_;
  std::map<std::string, std::int64_t> repeats_;
};

}  // namespace loom

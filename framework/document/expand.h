// From the `nodes:` of a document to flat entries: blocks and graphs used, repeats unrolled, references made absolute.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "document/document.h"
#include "document/expression.h"
#include "document/value.h"
#include "graph/graph_document.h"

namespace loom {

class Expander {
 public:
  Expander(std::string file, std::string directory, TextBudget& budget, Diagnostics& diagnostics);
  ~Expander();

  // Every node of a `nodes:` map, its expressions evaluated with `variables`.
  void add_nodes(const Value& nodes, const Variables& variables);
  // One node under a path of its own (a loss, a draw); keys in `apart` are read by the caller.
  void add_node(const std::string& path, const Member& member, const Variables& variables,
                const std::vector<std::string>& apart);
  // The mark of the top level's names in variables (Variables::scope).
  const std::string& scope() const;
  // A reference as the document's top level understands it: blocks and repeats stand for their outputs.
  Reference resolve(const std::string& text, const Location& where, Diagnostics& diagnostics);
  // The repeats so far, by path, and their instances.
  const std::map<std::string, std::int64_t>& repeats() const;
  // A limit is reached: what there is so far is a part, and nothing can be said about it.
  bool is_full() const;
  // The files that were read for it.
  const std::set<std::string>& files() const;
  // What `weights: PATH` of uses asks for; complete after finish().
  const std::vector<WeightSource>& weight_sources() const;
  // The plugins that used blocks and graphs ask for; complete after add_nodes().
  const std::vector<PluginEntry>& plugins() const;
  // The entries, with resolved references.
  std::vector<NodeEntry> finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace loom

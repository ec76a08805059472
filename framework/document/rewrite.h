// Changes to a document's entries before a graph is built from them: other sources for ports, and new inputs. Draws
// replace a posterior in this way, and files can be fed to any port.
//
// Ownership: owns its copy of the entries; keeps the graph that they describe, whose terms the changes use.
// Thread safety: one thread. Errors: those of the graph that is built from the result.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "document/document.h"
#include "graph/graph.h"

namespace loom {

// Every check of the graph layer; throws one Error with everything it found.
std::shared_ptr<const Graph> build_checked(const std::vector<NodeEntry>& entries, const Registry& registry);

class Rewrite {
 public:
  Rewrite(std::vector<NodeEntry> entries, const Registry& registry);

  const Graph& graph() const { return *graph_; }  // as it was before any change

  // A draw takes the place of a port: whoever read the port reads the draw's first output. An option `shape` of the
  // draw that is not set becomes the event shape of the port, and a draw without inputs has its rows per sample.
  void replace(const Reference& port, NodeEntry draw);
  // A node beside the others, which reads what its references lead to after the changes so far.
  void add(NodeEntry node);
  // Feeds an input port of a node, connected or not, from a new input node, whose path is returned.
  // Rows per sample are those of what it takes the place of, or of the node's other inputs.
  std::string feed_input(int node, int input, const Shape& event, DType dtype);
  // Sets an option of every node whose type has it; how many there are.
  int set_option(const std::string& option, const OptionValue& value);
  // Connects an input port that has no source.
  void connect(int node, int input, Port source);

  // Where a reference of the document leads after the changes.
  Reference resolved(const Reference& reference) const;
  const std::vector<NodeEntry>& entries() const { return entries_; }
  std::shared_ptr<const Graph> build() const { return build_checked(entries_, registry_); }

 private:
  Reference reference_to(Port port) const;
  std::int64_t rows_of(Port port) const;
  std::int64_t rows_of_input(int node, int input) const;
  void resolve_inputs(NodeEntry& node) const;
  void set_input(int node, int input, const Reference& source);

  const Registry& registry_;
  std::shared_ptr<const Graph> graph_;
  std::vector<NodeEntry> entries_;
  std::vector<std::pair<Port, std::string>> replaced_;  // port, path of its draw
};

// A document's entries with the draws of a `generate:` entry in the place of the ports they replace, and its own nodes
// beside them. Findings: wrong ports, and those of the graph before the change.
Rewrite with_draws(const Document& document, const GenerateEntry& entry, const Registry& registry);

}  // namespace loom

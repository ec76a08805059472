// Initial values of parameters, as a document chooses them: `init: {weight: {type: orthogonal, gain: 2}, bias: zeros}`.
// Without a rule a parameter starts as its node declares it.
//
// Each rule is declared once, with its options; reading, errors, tables and the schema follow. fan_in is the count of a
// parameter divided by its first extent, fan_out its first extent times the count of the axes behind the second, as in
// PyTorch. Values are a function of (seed, path of the parameter) alone.
// Thread safety: a rule is immutable.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graph/graph_document.h"
#include "loom/contract.h"
#include "loom/random.h"

namespace loom {

struct GraphNode;

// What a rule works on.
struct InitialCall {
  const Options& options;
  const Shape& shape;
  const RandomStream& stream;
  std::span<float> values;  // as the node declares them, to be replaced
};

struct InitialRule {
  std::string name;
  Contract contract;  // options of the rule, and `scale`
  void (*fill)(const InitialCall& call);
  bool from_data = false;  // the first batch scales what it fills (train/data_init.h)
};

// All rules, in the order of the documentation.
const std::vector<InitialRule>& initial_rules();

// A rule with its options.
struct InitialValues {
  const InitialRule* rule;
  Options options;

  void fill(const Shape& shape, const RandomStream& stream, std::span<float> values) const;
};

// Whether a value starts as the norms of the rows of another (Initializer).
inline bool is_norms(const Initializer& rule) { return rule.kind == Initializer::Kind::equal && rule.b == 2; }
// Whether a node divides this parameter by a norm, or by its largest singular value, before it uses it.
bool normalises(const GraphNode& node, const std::string& parameter);

// Gives the parameters of the nodes their rules. Findings: a parameter that the node does not have, one of another node
// (`weights`), unknown rules and options, a shape that the rule cannot fill.
void choose_initial_values(std::vector<GraphNode>& nodes, const std::vector<const NodeEntry*>& entries,
                           Diagnostics& diagnostics);

}  // namespace loom

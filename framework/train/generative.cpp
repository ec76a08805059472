#include "train/generative.h"

#include <algorithm>

#include "train/ancestry.h"
#include "train/evaluation_draws.h"
#include "train/related_node.h"

namespace loom {
namespace {

// Data is what is computed from inputs, without parameters and draws.
bool is_data_port(const Graph& graph, Port target) {
  const Ancestry ancestry(graph, target);
  return !ancestry.inputs().empty() && std::ranges::all_of(ancestry.nodes(), [&](int node) {
    return graph.node(node).parameters.empty() && graph.node(node).contract().role() != Role::sampler;
  });
}

bool declares_density(const Contract& contract) {
  return !contract.mean().empty() || contract.mean_by() || contract.drawn_by();
}

Shown shown(const Graph& graph, int node, const std::optional<RelatedNode>& related, const std::string& path) {
  if (!related) return {};
  const Port port = find_related(graph, node, *related);
  if (port.valid()) return {port, {}};
  return {{}, related_entry(graph, node, *related, path)};
}

// A prior node over z as a draw: itself, without z and what says which values of z count.
NodeEntry without_z(const NodeEntry& prior, const GraphNode& node) {
  NodeEntry draw = prior;
  std::erase_if(draw.inputs, [&](const InputEntry& input) {
    const std::string port = input.port.empty() ? node.contract().input_name(0) : input.port;
    return port == "z" || port == "mask";
  });
  for (InputEntry& input : draw.inputs)
    if (input.port.empty()) input.port = node.contract().input_name(0);
  draw.path.clear();
  if (!node.parameters.empty() || !node.states.empty()) draw.weights = node.path;
  draw.weights_where = draw.where;
  return draw;
}

bool same(const NodeEntry& a, const NodeEntry& b) {
  const auto option = [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.value == y.second.value;
  };
  const auto source = [](const Reference& x, const Reference& y) { return x.text() == y.text(); };
  const auto input = [&](const InputEntry& x, const InputEntry& y) {
    return x.port == y.port && std::ranges::equal(x.sources, y.sources, source);
  };
  return a.type == b.type && a.weights == b.weights && std::ranges::equal(a.inputs, b.inputs, input) &&
         std::ranges::equal(a.options, b.options, option);
}

// A copy of the node of a port, which may read what it takes the place of.
NodeEntry copied_draw(const Document& document, const Graph& graph, Port port) {
  const GraphNode& node = graph.node(port.node);
  NodeEntry draw = *std::ranges::find(document.nodes, node.path, &NodeEntry::path);
  if (!node.parameters.empty()) draw.weights = draw.path;
  draw.path.clear();
  return draw;
}

// The same without ports whose shapes it has: it gets that of the port in whose place it stands.
NodeEntry prior_draw(const Document& document, const Graph& graph, Port port) {
  NodeEntry draw = copied_draw(document, graph, port);
  const Contract& contract = graph.node(port.node).contract();
  std::erase_if(draw.inputs, [&](const InputEntry& input) {
    const int index = input.port.empty() ? 0 : contract.input_index(input.port);
    return index >= 0 && contract.input_at(index).is_shape_only;
  });
  return draw;
}

using Draws = std::map<Port, std::vector<NodeEntry>>;

void add(Draws& draws, Port port, NodeEntry entry) {
  std::vector<NodeEntry>& known = draws[port];
  if (std::ranges::none_of(known, [&](const NodeEntry& other) { return same(other, entry); }))
    known.push_back(std::move(entry));
}

}  // namespace

std::vector<Observation> find_observations(const Graph& graph, const std::vector<LossTerm>& terms,
                                           const Evidence& evidence) {
  std::vector<Observation> found;
  const auto observe = [&](const LossTerm& part, bool is_codes) {
    const bool says = part.mean.valid() || part.drawn.valid();
    if (part.target.valid() && (says || declares_density(graph.node(part.port.node).contract())))
      found.push_back({part.name, part.port.node, part.target, is_codes, part.mean, part.drawn});
  };
  for (const LossTerm& part : evidence.parts) {
    if (part.role == LossRole::prior) observe(part, true);
    if (part.role == LossRole::likelihood && part.target.valid() && is_data_port(graph, part.target))
      observe(part, false);
  }
  if (std::ranges::any_of(found, [](const Observation& one) { return !one.is_codes; })) return found;
  for (const LossTerm& term : terms) {
    const bool error = term.role != LossRole::likelihood && term.role != LossRole::prior && term.in_evaluation;
    if (error && term.target.valid() && is_data_port(graph, term.target)) observe(term, false);
  }
  return found;
}

Shown mean_of(const Graph& graph, const Observation& observation, const std::string& path) {
  if (observation.mean.valid()) return {observation.mean, {}};
  const GraphNode& node = graph.node(observation.node);
  const int input = node.contract().mean().empty() ? -1 : node.contract().input_index(node.contract().mean());
  if (input >= 0) return {node.inputs[static_cast<std::size_t>(input)], {}};
  return shown(graph, observation.node, node.contract().mean_by(), path);
}

Shown draw_of(const Graph& graph, const Observation& observation, const std::string& path) {
  if (observation.drawn.valid()) return {observation.drawn, {}};
  return shown(graph, observation.node, graph.node(observation.node).contract().drawn_by(), path);
}

NodeEntry drawing_entry(const Document& document, const Graph& graph, const Observation& observation) {
  const GraphNode& loss = graph.node(observation.node);
  if (!observation.drawn.valid())
    return loss.contract().drawn_by() ? related_entry(graph, observation.node, *loss.contract().drawn_by(), "")
                                      : NodeEntry{};
  return copied_draw(document, graph, observation.drawn);
}

Draws find_prior_draws(const Document& document, const Graph& graph, const Evidence& evidence) {
  Draws by_density, draws;
  for (const LossTerm& part : evidence.parts) {
    if (part.role != LossRole::divergence) continue;
    for (const int prior : Ancestry(graph, part.port).of_role(Role::prior)) {
      const GraphNode& node = graph.node(prior);
      const int z = node.contract().input_index("z");
      const auto entry = std::ranges::find(document.nodes, node.path, &NodeEntry::path);
      if (z < 0 || !node.inputs[static_cast<std::size_t>(z)].valid() || entry == document.nodes.end()) continue;
      add(by_density, node.inputs[static_cast<std::size_t>(z)], without_z(*entry, node));
    }
  }
  for (const LossTerm& part : evidence.parts) {
    const std::optional<RelatedNode>& related = graph.node(part.port.node).contract().drawn_by();
    if (part.role != LossRole::divergence || (!related && !part.drawn.valid())) continue;
    for (int i = 0; i < graph.size(); ++i) {
      if (graph.node(i).contract().role() == Role::sampler && reads_same(graph.node(i), graph.node(part.port.node)))
        add(draws, {i, 0},
            part.drawn.valid() ? prior_draw(document, graph, part.drawn)
                               : related_entry(graph, part.port.node, *related, ""));
    }
  }
  for (auto& [port, entries] : by_density) draws[port] = std::move(entries);
  return draws;
}

}  // namespace loom

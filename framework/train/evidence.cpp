#include "train/evidence.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "loom/error.h"
#include "run/incremental_plan.h"
#include "train/ancestry.h"
#include "train/feeds.h"

namespace loom {
namespace {

// What the parameters of a likelihood are computed from.
Ancestry of_parameters(const Graph& graph, const LossTerm& part) {
  Ancestry ancestry(graph);
  if (part.role_is_given) {
    ancestry.add(part.port);
    return ancestry;
  }
  const GraphNode& node = graph.node(part.port.node);
  for (const Port input : node.inputs)
    if (input.valid() && !(input == part.target) && !(input == part.mask)) ancestry.add(input);
  return ancestry;
}

bool depends_on_quantizer(const Graph& graph, Port port) {
  return port.valid() && !Ancestry(graph, port).of_role(Role::quantizer).empty();
}

// Data is what is computed without parameters.
bool is_data(const Graph& graph, Port target) {
  return target.valid() && std::ranges::all_of(Ancestry(graph, target).nodes(), [&](int node) {
           return graph.node(node).parameters.empty() && graph.node(node).contract().role() != Role::sampler;
         });
}

class Finder {
 public:
  Finder(const Graph& graph, const std::vector<LossTerm>& losses) : graph_(graph) {
    for (const LossTerm& loss : losses) {
      if (loss.in_evaluation) add(loss);
    }
  }

  Evidence found() {
    group();
    return std::move(evidence_);
  }

 private:
  void add(const LossTerm& loss) {
    if (loss.role_is_given) {
      if (loss.role == LossRole::likelihood || loss.role == LossRole::divergence || loss.role == LossRole::prior)
        add_part(loss);
      return;
    }
    std::vector<LossTerm> parts;
    std::set<std::pair<int, int>> seen;
    collect(loss, loss.port, parts, seen);
    for (LossTerm& part : parts) {
      if (parts.size() > 1 || !(part.port == loss.port)) part.name = loss.name + "/" + graph_.node(part.port.node).path;
      add_part(part);
    }
  }

  // The parts that the value is computed from, through values of one number for each item.
  void collect(const LossTerm& loss, Port port, std::vector<LossTerm>& parts,
               std::set<std::pair<int, int>>& seen) const {
    if (!seen.insert({port.node, port.index}).second || graph_.shape(port).rank() != 1) return;
    LossTerm part = loss_of_port(graph_, port);
    if (part.role == LossRole::likelihood || part.role == LossRole::divergence) {
      part.name = loss.name;
      parts.push_back(std::move(part));
      return;
    }
    for (const Port input : graph_.node(port.node).inputs)
      if (input.valid()) collect(loss, input, parts, seen);
  }

  // The same node over the same values is the same quantity.
  bool is_known(const LossTerm& part) const {
    return std::ranges::any_of(evidence_.parts, [&](const LossTerm& other) {
      if (other.port == part.port) return true;
      const GraphNode &a = graph_.node(other.port.node), &b = graph_.node(part.port.node);
      return !part.role_is_given && !other.role_is_given && a.type == b.type && a.inputs == b.inputs &&
             a.parameters.empty() && b.parameters.empty();
    });
  }

  void add_part(const LossTerm& part) {
    if (is_known(part)) return;
    evidence_.parts.push_back(part);
    LossTerm& added = evidence_.parts.back();
    if (added.role == LossRole::likelihood && !added.role_is_given && depends_on_quantizer(graph_, added.target))
      added.role = LossRole::prior;
  }

  void group();
  void describe(Bound& bound, const std::set<int>& latents, const std::set<int>& covered) const;
  bool is_causal(const LossTerm& part, const Ancestry& parameters) const;
  std::string uncovered(const std::set<int>& latents, const std::set<int>& covered) const;

  const Graph& graph_;
  Evidence evidence_;
};

std::set<int> latents_of(const Ancestry& ancestry) {
  std::set<int> latents;
  for (const Role role : {Role::sampler, Role::quantizer})
    for (const int node : ancestry.of_role(role)) latents.insert(node);
  return latents;
}

// The latent variables whose distribution a divergence sees whole, and those that it depends on otherwise.
struct Reach {
  std::set<int> covered, near;
};
Reach reach_of(const Graph& graph, const LossTerm& part) {
  Reach reach;
  if (part.role == LossRole::prior) {
    const std::vector<int> coded =
        Ancestry(graph, part.target.valid() ? part.target : part.port, Role::quantizer).of_role(Role::quantizer);
    reach.near = reach.covered = {coded.begin(), coded.end()};
    return reach;
  }
  // What a sampler that is a formula reads beside the parameters of its posterior: noise.
  const auto is_noise = [&](const Port& input) {
    const Ancestry source(graph, input);
    const auto learned = [&](int node) { return !graph.node(node).parameters.empty(); };
    return source.inputs().empty() && std::ranges::none_of(source.nodes(), learned);
  };
  const Ancestry ancestry(graph, part.port, Role::sampler);
  reach.near = latents_of(ancestry);
  for (int i = 0; i < graph.size(); ++i) {
    const GraphNode& node = graph.node(i);
    if (node.contract().role() != Role::sampler) continue;
    const auto reached = [&](const Port& input) { return input.valid() && ancestry.has(input); };
    const auto seen = [&](const Port& input) { return !input.valid() || reached(input) || is_noise(input); };
    if (std::ranges::all_of(node.inputs, seen) && std::ranges::any_of(node.inputs, reached)) reach.covered.insert(i);
  }
  reach.near.insert(reach.covered.begin(), reach.covered.end());
  return reach;
}

void Finder::group() {
  const std::vector<LossTerm>& parts = evidence_.parts;
  std::vector<std::set<int>> latents, covered;
  for (const LossTerm& part : parts) {
    if (part.role == LossRole::likelihood) {
      latents.push_back(latents_of(of_parameters(graph_, part)));
      covered.emplace_back();
      continue;
    }
    Reach reach = reach_of(graph_, part);
    latents.push_back(std::move(reach.near));
    covered.push_back(std::move(reach.covered));
  }
  // Parts that share a latent variable belong together. Parts without one stand alone.
  std::vector<std::size_t> group(parts.size());
  std::iota(group.begin(), group.end(), std::size_t{0});
  for (std::size_t a = 0; a < parts.size(); ++a) {
    for (std::size_t b = a + 1; b < parts.size(); ++b) {
      const auto shared = [&](int latent) { return latents[b].contains(latent); };
      if (group[a] == group[b] || std::ranges::none_of(latents[a], shared)) continue;
      std::ranges::replace(group, std::size_t{group[b]}, std::size_t{group[a]});
    }
  }
  for (std::size_t first = 0; first < parts.size(); ++first) {
    if (std::ranges::find(group, group[first]) - group.begin() != static_cast<std::ptrdiff_t>(first)) continue;
    Bound bound;
    std::set<int> needed, known;
    for (std::size_t i = first; i < parts.size(); ++i) {
      if (group[i] != group[first]) continue;
      const bool likelihood = parts[i].role == LossRole::likelihood;
      (likelihood ? bound.likelihoods : bound.divergences).push_back(static_cast<int>(i));
      if (likelihood) needed.insert(latents[i].begin(), latents[i].end());
      known.insert(covered[i].begin(), covered[i].end());
    }
    describe(bound, needed, known);
    evidence_.bounds.push_back(std::move(bound));
  }
}

std::string Finder::uncovered(const std::set<int>& latents, const std::set<int>& covered) const {
  for (const int latent : latents) {
    if (covered.contains(latent)) continue;
    const GraphNode& node = graph_.node(latent);
    return node.contract().role() == Role::quantizer
               ? fmt::format("the codes of '{}' have no prior among the losses", node.path)
               : fmt::format("no loss is the divergence of '{}'; role: divergence says which one is", node.path);
  }
  return "";
}

void Finder::describe(Bound& bound, const std::set<int>& latents, const std::set<int>& covered) const {
  const auto names_of = [&](const std::vector<int>& list) {
    std::vector<std::string> names;
    for (const int part : list) names.push_back(evidence_.parts[static_cast<std::size_t>(part)].name);
    return fmt::format("{}", fmt::join(names, "+"));
  };
  if (bound.likelihoods.empty()) {
    // A prior alone is the likelihood of the codes, which are its data.
    const bool prior = bound.divergences.size() == 1 &&
                       evidence_.parts[static_cast<std::size_t>(bound.divergences[0])].role == LossRole::prior;
    bound.name = names_of(bound.divergences);
    if (prior) {
      bound.kind = Bound::Kind::exact;
      bound.likelihoods.swap(bound.divergences);
    } else {
      bound.missing = fmt::format("no likelihood of the data depends on what '{}' is the divergence of", bound.name);
    }
    return;
  }
  bound.name = names_of(bound.likelihoods);
  std::set<std::pair<int, int>> targets;
  for (const int index : bound.likelihoods) {
    const LossTerm& part = evidence_.parts[static_cast<std::size_t>(index)];
    if (part.role_is_given) continue;
    if (part.target.valid() && !is_data(graph_, part.target)) {
      bound.missing = fmt::format("'{}' is a likelihood of features, not of the data", part.name);
      return;
    }
    if (part.target.valid() && !targets.insert({part.target.node, part.target.index}).second) {
      bound.missing = fmt::format("'{}' is the target of two likelihoods", graph_.name_of(part.target));
      return;
    }
  }
  bound.missing = uncovered(latents, covered);
  bound.kind = bound.missing.empty() ? Bound::Kind::bound : Bound::Kind::reconstruction;
  if (!bound.missing.empty() || !latents.empty()) return;
  for (const int index : bound.likelihoods) {
    const LossTerm& part = evidence_.parts[static_cast<std::size_t>(index)];
    if (is_causal(part, of_parameters(graph_, part))) continue;
    bound.kind = Bound::Kind::reconstruction;
    bound.missing = "nothing lies between the data and their likelihood: a deterministic autoencoder has no rate";
    return;
  }
  bound.kind = Bound::Kind::exact;
}

// Whether the parameters of the likelihood of a position depend on nothing of its target but the positions before.
bool Finder::is_causal(const LossTerm& part, const Ancestry& parameters) const {
  if (!part.target.valid()) return part.role_is_given;
  const std::set<int> data = Ancestry(graph_, part.target).inputs();
  const std::set<int> read = parameters.inputs();
  if (std::ranges::none_of(data, [&](int input) { return read.contains(input); })) return true;
  if (!parameters.has(part.target)) return false;
  std::vector<Port> given;  // conditions, such as a class
  for (const int input : read)
    if (!data.contains(input)) given.push_back({input, 0});
  for (const Port input : graph_.node(part.port.node).inputs) {
    if (!input.valid() || input == part.target || input == part.mask) continue;
    std::vector<Port> known = given;
    known.push_back(part.target);
    if (!needed_inputs(graph_, {&input, 1}, false, known).empty()) return false;  // it sees the data otherwise, too
    for (const int axes : {1, 2}) {
      if (graph_.shape(part.target).rank() <= axes) continue;
      const IncrementalPlan plan =
          plan_incremental(graph_, {.input = part.target, .from = input, .axes = axes, .feeds = given});
      if (plan.obstacle.empty()) return true;
    }
  }
  return false;
}

}  // namespace

const Bound* Evidence::only(Bound::Kind kind) const {
  const Bound* found = nullptr;
  for (const Bound& bound : bounds) {
    if (bound.likelihoods.empty()) continue;
    if (found != nullptr) return nullptr;
    found = &bound;
  }
  return found != nullptr && found->kind == kind ? found : nullptr;
}

void require_density(const Evidence& evidence) {
  if (evidence.only(Bound::Kind::bound) != nullptr || evidence.only(Bound::Kind::exact) != nullptr) return;
  const auto unfinished =
      std::ranges::find_if(evidence.bounds, [](const Bound& bound) { return !bound.missing.empty(); });
  throw Error(ErrorCode::not_supported, "the losses are no bound of -ln p(x) that could be estimated",
              unfinished != evidence.bounds.end() ? unfinished->missing
              : evidence.bounds.empty()           ? "no loss is a likelihood: role: likelihood says which one is"
                                                  : "there are several bounds");
}

Evidence find_evidence(const Graph& graph, const std::vector<LossTerm>& losses) {
  return Finder(graph, losses).found();
}

}  // namespace loom

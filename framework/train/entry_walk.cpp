#include "train/entry_walk.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/accepted_values.h"
#include "train/feeds.h"

namespace loom {

std::int64_t classes_of(const Graph& graph, int input) {
  if (graph.dtype({input, 0}) != DType::i32 || graph.shape({input, 0}).event().count() != 1) return 0;
  double most = std::numeric_limits<double>::infinity();
  for (const GraphNode& node : graph.nodes()) {
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      if (node.inputs[i] == Port{input, 0})
        most = std::min(most, accepted_values(graph, node, static_cast<int>(i)).maximum);
  }
  return std::isfinite(most) ? static_cast<std::int64_t>(most) + 1 : 0;
}

void EntryWalk::from(Port port) {
  open_.push_back(port);
  while (!open_.empty()) {
    const Port named = open_.back(), next = graph_.effective(named, false);
    open_.pop_back();
    if (!seen_.insert(named).second) continue;
    seen_.insert(next);
    if (!visit(named, next)) continue;
    for (const Port input : graph_.node(next.node).inputs)
      if (input.valid()) open_.push_back(input);
  }
}

// What will take the place of a port reads other ports, which are missing at the same time: half of a hierarchy may be a
// cycle.
void EntryWalk::follow(const NodeEntry& draw) {
  for (const InputEntry& input : draw.inputs)
    for (const Reference& source : input.sources)
      if (const Port port = graph_.find_port(source); port.valid()) open_.push_back(port);
}

// Whether what it is computed from is needed.
bool EntryWalk::visit(Port named, Port port) {
  if (is_known(named) || is_known(port)) {
    reached_known_ = true;
    return false;
  }
  for (const Port one : {named, port})
    if (visit_stated(in_model(one)) || visit_target(one)) return false;
  const Port own = in_model(port);
  const GraphNode& node = graph_.node(port.node);
  const Role role = node.contract().role();
  if (!own.valid()) return true;  // of the entry
  if (role == Role::input) {
    visit_input(own);
    return false;
  }
  if (role == Role::sampler || role == Role::quantizer) latents_.insert(own.node);
  if (context_.data) return role != Role::sampler && role != Role::quantizer;
  if (role == Role::quantizer && depends_on_data(port)) {
    const bool looks_up = port.index != node.contract().output_index("codes") && node.contract().looked_up_by();
    add(looks_up ? Missing::What::codes : Missing::What::codes_alone, own);
    return false;
  }
  if (!model_.prior_draws.contains(own) || !depends_on_data(port)) return true;
  add(Missing::What::latent, own);
  follow(model_.prior_draws.at(own).front());
  return false;
}

bool EntryWalk::visit_stated(Port port) {
  if (context_.like == nullptr || !port.valid()) return false;
  if (!context_.labels && model_.graph.node(port.node).is_input() && classes_of(model_.graph, port.node) > 0)
    return false;
  const auto leads_here = [&](const Reference& reference) { return model_.graph.find_port(reference) == port; };
  for (std::size_t i = 0; i < context_.like->autoregressions.size(); ++i) {
    if (!leads_here(context_.like->autoregressions[i].input)) continue;
    add(Missing::What::stated_in_turn, port, i);
    return true;
  }
  for (std::size_t i = 0; i < context_.like->iterations.size() && !context_.data; ++i) {
    if (!leads_here(context_.like->iterations[i].target())) continue;
    add(Missing::What::stated_iteration, port, i);
    return true;
  }
  for (std::size_t i = 0; i < context_.like->draws.size() && !context_.data; ++i) {
    if (!leads_here(context_.like->draws[i].first)) continue;
    add(Missing::What::stated, port, i);
    follow(context_.like->draws[i].second);
    return true;
  }
  return false;
}

bool EntryWalk::visit_target(Port here) {
  const Port port = in_model(here);
  if (!port.valid()) return false;
  const auto found = std::ranges::find(model_.observations, port, &Observation::target);
  if (found == model_.observations.end() || (context_.data && found->is_codes)) return false;
  std::vector<Port> known = given_;
  known.insert(known.end(), filled_.begin(), filled_.end());
  if (needed_inputs(graph_, {&here, 1}, false, known).empty()) return false;  // of values that are there
  add(Missing::What::target, port, static_cast<std::size_t>(found - model_.observations.begin()));
  return true;
}

void EntryWalk::visit_input(Port own) {
  const bool is_class = context_.labels && classes_of(model_.graph, own.node) > 0;
  if (is_class)
    add(Missing::What::label, own);
  else if (!context_.data)
    add(Missing::What::input, own);
}

void EntryWalk::add(Missing::What what, Port port, std::size_t place) {
  const auto same = [&](const Missing& other) { return other.port == port; };
  if (std::ranges::none_of(missing_, same)) missing_.push_back({what, port, place});
}

std::vector<Missing> EntryWalk::missing() const {
  std::vector<Missing> sorted = missing_;
  const auto key = [&](const Missing& one) { return std::pair(model_.graph.node(one.port.node).is_input(), one.port); };
  std::ranges::sort(sorted, {}, key);
  return sorted;
}

bool EntryWalk::reaches_target(std::size_t observation) const {
  return std::ranges::any_of(
      missing_, [&](const Missing& one) { return one.what == Missing::What::target && one.place == observation; });
}

bool EntryWalk::is_known(Port port) const {
  return std::ranges::find(given_, port) != given_.end() || std::ranges::find(filled_, port) != filled_.end();
}

Port EntryWalk::in_model(Port port) const {
  const int node = model_.graph.find(graph_.node(port.node).path);
  return node < 0 ? Port{} : Port{node, port.index};
}

bool EntryWalk::depends_on_data(Port port) const { return !needed_inputs(graph_, {&port, 1}, false, given_).empty(); }

}  // namespace loom

#include <fmt/format.h>

#include <algorithm>

#include "loom/error.h"
#include "loom/shape_inference.h"
#include "run/incremental_plan.h"
#include "train/ancestry.h"
#include "train/entry_builder.h"
#include "train/feeds.h"
#include "train/related_node.h"

namespace loom {
namespace {

constexpr int kMostAxes = 3;

// A prior over classes, whose draws are codes: known by its ports and options.
const NodeType* class_prior(const Registry& registry) {
  for (const std::string& name : registry.node_names()) {
    const auto type = registry.node(name);
    const Contract& contract = type->contract;
    const std::vector<std::string> options = contract.option_names();
    if (contract.role() == Role::prior && contract.inputs().empty() && contract.outputs().front().type == DType::i32 &&
        std::ranges::find(options, "classes") != options.end())
      return type.get();
  }
  return nullptr;
}

// Whether a node is causal along so many axes: those that its declaration names, of its first input. One that names others,
// such as a shift, follows the rest.
bool is_causal_along(const Graph& graph, const GraphNode& node, int axes) {
  const std::string& causal = node.contract().causal_axes();
  if (node.inputs.empty() || !node.inputs[0].valid()) return true;
  const std::vector<PatternItem> items = parse_pattern(node.contract().input_at(0).pattern);
  const bool run = std::ranges::any_of(
      items, [&](const PatternItem& item) { return item.kind == PatternItem::Kind::run && item.name == causal; });
  if (run) return graph.shape(node.inputs[0]).rank() - static_cast<int>(items.size()) + 1 == axes;
  const auto named = std::ranges::count_if(items, [&](const PatternItem& item) {
    return item.kind == PatternItem::Kind::letter &&
           (", " + causal + ",").find(", " + item.name + ",") != std::string::npos;
  });
  return named == 0 || named == axes;
}

// The axes of the positions of `input` that `from` draws one after the other; 0, and why not, where it does not.
int positions_of(const Graph& graph, Port input, Port from, const std::vector<Port>& known, std::string& obstacle) {
  std::vector<Port> given = known;
  given.push_back(input);
  std::vector<Port> feeds = known;
  for (const int other : needed_inputs(graph, {&from, 1}, false, given)) feeds.push_back({other, 0});
  for (int axes = 1; axes <= std::min(kMostAxes, graph.shape(input).rank() - 1); ++axes) {
    const IncrementalPlan plan =
        plan_incremental(graph, {.input = input, .from = from, .axes = axes, .feeds = feeds, .batch = 1});
    const auto other = std::ranges::find_if(plan.steps, [&](const IncrementalStep& step) {
      return !step.pointwise && !is_causal_along(graph, graph.node(step.node), axes);
    });
    if (plan.obstacle.empty() && other == plan.steps.end()) return axes;
    if (!plan.obstacle.empty()) obstacle = plan.obstacle;
  }
  return 0;
}

}  // namespace

EntryBuilder::View EntryBuilder::view(const GenerateEntry& entry) const {
  View seen{with_draws(model_.document, entry, registry_), nullptr, {}, {}};
  seen.graph = seen.rewrite.build();
  const auto port = [&](const Reference& reference) { return seen.graph->port(seen.rewrite.resolved(reference)); };
  for (const Reference& feed : entry.feeds) seen.given.push_back(port(feed));
  for (const Reference& left : left_) seen.given.push_back(port(left));
  for (const IterationEntry& iteration : entry.iterations)
    for (const Reference& filled : iteration.filled()) seen.given.push_back(port(filled));
  for (const AutoregressionEntry& filled : entry.autoregressions)
    if (filled.given == 0 && filled.given_mask.node.empty()) seen.filled.push_back(port(filled.input));
  for (const std::string& name : request_.given) seen.given.push_back(seen.graph->port(name, ErrorCode::bad_feed));
  return seen;
}

std::vector<Port> EntryBuilder::shown_ports(const View& seen) const {
  std::vector<Port> ports;
  for (const auto& [column, port] : entry_.shows) ports.push_back(seen.graph->port(seen.rewrite.resolved(port)));
  if (ports.empty()) ports.push_back(seen.graph->port(seen.rewrite.resolved(entry_.show)));
  for (const AutoregressionEntry& filled : entry_.autoregressions)
    ports.push_back(seen.graph->port(seen.rewrite.resolved(filled.from)));
  for (const IterationEntry& iteration : entry_.iterations)
    for (const Reference& port : iteration.computed()) ports.push_back(seen.graph->port(seen.rewrite.resolved(port)));
  return ports;
}

EntryWalk EntryBuilder::walk_from(const View& seen, const std::vector<Port>& ports) const {
  EntryWalk walk(model_, context_, *seen.graph, seen.given, seen.filled);
  for (const Port port : ports) walk.from(port);
  return walk;
}

// A draw may depend on further values, so that what is missing is found again after each.
void EntryBuilder::fill() {
  for (int round = 0; round <= 2 * graph_->size(); ++round) {
    const View seen = view(entry_);
    const std::vector<Missing> missing = walk_from(seen, shown_ports(seen)).missing();
    bool added = false;
    for (const Missing& one : missing) added = add(one) || added;
    if (added) continue;
    for (const Missing& one : missing)
      if (one.what == Missing::What::input) fail_input(one.port);
    const auto target = std::ranges::find(missing, Missing::What::target, &Missing::what);
    if (target == missing.end()) return;
    add_target(target->place, {});
  }
  throw Error(ErrorCode::internal, fmt::format("generate.{} would need draws without end", entry_.name));
}

// False for what waits until everything else is drawn.
bool EntryBuilder::add(const Missing& missing) {
  switch (missing.what) {
    case Missing::What::target:
    case Missing::What::input: return false;
    case Missing::What::codes_alone: fail_codes(missing.port);
    case Missing::What::latent: add_prior_draw(missing.port); break;
    case Missing::What::label: add_label(missing.port); break;
    case Missing::What::codes: {
      const RelatedNode& related = *graph_->node(missing.port.node).contract().looked_up_by();
      if (!may_draw_) fail_undrawn(missing.port);
      add_draw(missing.port, related_entry(*graph_, missing.port.node, related, ""));
      break;
    }
    case Missing::What::stated:
      if (!may_draw_) fail_undrawn(missing.port);
      add_draw(missing.port, context_.like->draws[missing.place].second);
      break;
    case Missing::What::stated_iteration: entry_.iterations.push_back(context_.like->iterations[missing.place]); break;
    case Missing::What::stated_in_turn: {
      if (!may_fill_) fail_undrawn(missing.port);
      const AutoregressionEntry& filled = context_.like->autoregressions[missing.place];
      const View seen = view(entry_);
      if (context_.data)
        check_filled(missing.port, walk_from(seen, {seen.graph->port(seen.rewrite.resolved(filled.from))}));
      entry_.autoregressions.push_back(filled);
      break;
    }
  }
  return true;
}

void EntryBuilder::add_draw(Port port, NodeEntry draw) {
  draw.path = own_path(std::to_string(entry_.draws.size()));
  entry_.draws.emplace_back(reference_to(*graph_, port), std::move(draw));
}

void EntryBuilder::add_prior_draw(Port port) {
  if (!may_draw_) fail_undrawn(port);
  if (!request_.priors) fail_input(port);
  const std::vector<NodeEntry>& draws = model_.prior_draws.at(port);
  if (draws.size() > 1)
    fail(fmt::format("the losses give '{}' several priors: {}, {}", name_of(port), draws[0].type, draws[1].type),
         fmt::format("write generate: {{{}: {{draw: {{{}: {{type: ...}}}}}}}}", entry_.name, name_of(port)));
  add_draw(port, draws.front());
}

// Classes in turn: pictures of them have one class a column.
void EntryBuilder::add_label(Port port) {
  if (!may_draw_) fail_undrawn(port);
  const NodeType* type = class_prior(registry_);
  if (type == nullptr) fail_input(port);
  NodeEntry draw;
  draw.type = type->name;
  draw.where = draw.type_where = graph_->node(port.node).where;
  draw.options["classes"] = {OptionValue(classes_of(*graph_, port.node)), draw.where};
  const std::vector<std::string> options = type->contract.option_names();
  if (std::ranges::find(options, "order") != options.end())
    draw.options["order"] = {OptionValue("in_turn"), draw.where};
  add_draw(port, std::move(draw));
}

// What the target depends on comes first: `before` are those that wait for it.
void EntryBuilder::add_target(std::size_t observation, std::set<std::size_t> before) {
  const Observation& observed = model_.observations[observation];
  const Shown draw = draw_of(*graph_, observed, own_path("drawn-" + std::to_string(observation)));
  if (!draw.exists()) return context_.data ? leave(observed) : fail_input(observed.target);
  GenerateEntry with = entry_;
  if (!draw.port.valid()) with.nodes.push_back(draw.added);
  const Reference drawn = draw.port.valid() ? reference_to(*graph_, draw.port) : Reference{draw.added.path, "", {}};
  const View seen = view(with);
  const EntryWalk walk = walk_from(seen, {seen.graph->port(seen.rewrite.resolved(drawn))});
  before.insert(observation);
  for (const Missing& one : walk.missing()) {
    if (one.what != Missing::What::target || one.place == observation) continue;
    if (before.contains(one.place))
      fail(fmt::format("'{}' and '{}' are each computed from the other", name_of(observed.target), name_of(one.port)),
           fmt::format("write generate: {{{}: {{autoregressive: [{{input: NODE, from: NODE}}, ...]}}}}", entry_.name));
    return add_target(one.place, std::move(before));
  }
  if (walk.reaches_target(observation))
    fill_target(observation, with, drawn, walk);
  else
    replace_target(observed, walk);
}

// Its distribution does not depend on it: a draw takes its place.
void EntryBuilder::replace_target(const Observation& observed, const EntryWalk& walk) {
  if (!may_draw_) fail_undrawn(observed.target);
  if (context_.data && is_needed_by_latents(observed.target, walk))
    fail(fmt::format("'{}' is shown as the data have it", name_of(observed.target)),
         fmt::format("write generate: {{{}: {{show: NODE}}}} with what is computed from the latent variables",
                     entry_.name));
  add_draw(observed.target, drawing_entry(model_.document, *graph_, observed));
}

// It is drawn position by position.
void EntryBuilder::fill_target(std::size_t observation, const GenerateEntry& with, const Reference& drawn,
                               const EntryWalk& walk) {
  const Observation& observed = model_.observations[observation];
  const View seen = view(with);
  std::vector<Port> known = seen.given;
  known.insert(known.end(), seen.filled.begin(), seen.filled.end());
  for (const int latent : walk.latents()) {  // of data: their path from the data is no part of the decoder
    const int node = seen.graph->find(graph_->node(latent).path);
    for (std::size_t port = 0; context_.data && port < seen.graph->node(node).outputs.size(); ++port)
      known.push_back({node, static_cast<int>(port)});
  }
  std::string obstacle;
  const Port input = seen.graph->port(seen.rewrite.resolved(reference_to(*graph_, observed.target)));
  const int axes = positions_of(*seen.graph, input, seen.graph->port(seen.rewrite.resolved(drawn)), known, obstacle);
  if (axes == 0) return context_.data ? leave(observed) : fail_unordered(observed, obstacle);
  if (!may_fill_) fail_undrawn(observed.target);
  if (context_.data) check_filled(observed.target, walk);
  entry_ = with;
  AutoregressionEntry filled;
  filled.input = reference_to(*graph_, observed.target);
  filled.from = drawn;
  filled.axes = axes;
  entry_.autoregressions.push_back(std::move(filled));
  if (show_is_stated_ || likelihood() == "mean") return;
  const auto place = std::ranges::find(observed_, observation);  // what was drawn is shown
  if (place == observed_.end()) return;
  const auto shown = static_cast<std::size_t>(place - observed_.begin());
  if (!entry_.shows.empty()) entry_.shows[shown].second = reference_to(*graph_, observed.target);
  if (shown == 0) entry_.show = reference_to(*graph_, observed.target);
}

// Data that are drawn anew need something that they are drawn from, which must not be computed from the draws.
void EntryBuilder::check_filled(Port port, const EntryWalk& walk) const {
  if (walk.latents().empty() && !walk.reached_known())
    fail(fmt::format("there is no latent variable and no code between the data and '{}'", name_of(port)),
         "a model of the data alone samples, and has nothing to reconstruct from");
  if (is_needed_by_latents(port, walk))
    fail(fmt::format("the latent variables are computed from '{}', which the decoder draws", name_of(port)),
         fmt::format("write generate: {{{}: {{show: NODE}}}} for what is computed from the data as they are",
                     entry_.name));
}

// What is shown is computed from it as it is.
void EntryBuilder::leave(const Observation& observed) { left_.push_back(reference_to(*graph_, observed.target)); }

bool EntryBuilder::is_needed_by_latents(Port target, const EntryWalk& walk) const {
  return std::ranges::any_of(walk.latents(), [&](int latent) {
    return Ancestry(*graph_, Port{latent, 0}).has(target);
  });
}

}  // namespace loom

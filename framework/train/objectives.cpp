#include "train/objectives.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "core/pattern.h"
#include "loom/error.h"
#include "train/check_patterns.h"
#include "train/evaluation_draws.h"
#include "train/gradient_paths.h"
#include "train/recomputed_nodes.h"

namespace loom {
namespace {

// The source of an input port; not valid where there is none.
Port source_of(const GraphNode& node, std::string_view port) {
  const int index = node.contract().input_index(port);
  const bool connected = index >= 0 && static_cast<std::size_t>(index) < node.inputs.size();
  return connected ? node.inputs[static_cast<std::size_t>(index)] : Port();
}

LossRole role_of(const std::string& word) {
  static const std::map<std::string, LossRole> kRoles = {{"likelihood", LossRole::likelihood},
                                                         {"divergence", LossRole::divergence},
                                                         {"prior", LossRole::prior},
                                                         {"regulariser", LossRole::regulariser},
                                                         {"adversarial", LossRole::adversarial}};
  const auto it = kRoles.find(word);
  return it == kRoles.end() ? LossRole::none : it->second;
}

// Of parameters and of states, which an objective with patterns has to name as well.
std::vector<std::string> parameter_paths(const ParameterStore& store) {
  std::vector<std::string> paths;
  for (const Parameter& item : store.items()) paths.push_back(item.path);
  return paths;
}

// Paths, and the folders and nodes above them: possible meanings of a pattern.
std::vector<std::string> pattern_candidates(const std::vector<std::string>& paths) {
  std::set<std::string> names;
  for (const std::string& path : paths) {
    names.insert(path);
    for (std::size_t i = 0; i < path.size(); ++i) {
      if (path[i] == '/') names.insert({path.substr(0, i), path.substr(0, i) + "/*"});
      if (path[i] == '.') names.insert(path.substr(0, i));
    }
  }
  return {names.begin(), names.end()};
}

// An objective that never updates is a mistake.
void check_span(const ObjectiveEntry& entry, std::int64_t steps, Diagnostics& diagnostics) {
  if (entry.stop == 0 || entry.from < entry.stop) return;
  Diagnostic& finding = diagnostics.add(ErrorCode::out_of_range, entry.where,
                                        fmt::format("objective '{}' stops before it begins", entry.name));
  finding.got = fmt::format("from: {}, stop: {}", entry.from, entry.stop);
  finding.expected = fmt::format("from < stop, of {} steps", steps);
}

void check_patience(const TrainEntry& train, const Selection& selection, Diagnostics& diagnostics) {
  if (train.early_stopping == 0 || selection.opponent.empty()) return;
  Diagnostic& finding = diagnostics.add(ErrorCode::missing_option, train.where,
                                        fmt::format("train.early_stopping: no evaluation is better than another, since "
                                                    "the loss '{}' of the first objective is adversarial",
                                                    selection.opponent));
  finding.expected = "train.monitor: a loss or a metric to wait for";
}

void check_parameters(const ObjectiveEntry& entry, const std::vector<std::string>& paths, Diagnostics& diagnostics) {
  check_patterns(
      {entry.parameters, entry.parameter_places, entry.where}, paths, pattern_candidates(paths),
      [&](const std::string& pattern, Diagnostic& finding) {
        finding.message = fmt::format("objective '{}': no parameter matches '{}'", entry.name, pattern);
        finding.expected = "a pattern over parameter paths, for example \"encoder/*\"";
      },
      diagnostics);
}

// Its name in messages.
std::string weight_of(const std::string& loss, const std::string& objective = "") {
  return fmt::format("the weight of '{}'", loss) + (objective.empty() ? "" : fmt::format(" in '{}'", objective));
}

void choose_terms(const Document& document, const std::vector<LossTerm>& terms, const ObjectiveEntry& entry,
                  const Registry& registry, Objective& objective, Diagnostics& diagnostics) {
  std::vector<std::string> names;
  for (const LossEntry& loss : document.losses) names.push_back(loss.name);
  const auto made = [&](const ScheduleEntry& weight, const std::string& what) {
    return make_schedule(registry, weight, what, std::numeric_limits<double>::lowest(), document.train.steps,
                         diagnostics);
  };
  const auto add = [&](const std::string& name, const ScheduleEntry& weight) {
    const auto it = std::ranges::find(names, name);
    if (it == names.end()) {
      Diagnostic& finding = diagnostics.add(ErrorCode::unknown_key, entry.where,
                                            fmt::format("objective '{}' names no loss: '{}'", entry.name, name));
      finding.got = name;
      finding.suggestion = nearest_name(name, names);
      return;
    }
    const auto index = static_cast<std::size_t>(it - names.begin());
    if (!terms[index].in_training) return;
    objective.terms.push_back(static_cast<int>(index));
    objective.weights.push_back(
        {made(document.losses[index].weight, weight_of(name)), made(weight, weight_of(name, entry.name))});
  };
  for (const auto& [name, weight] : entry.losses) add(name, weight);
  if (!entry.losses.empty()) return;
  for (const std::string& name : names) add(name, ScheduleEntry::constant(1));
}

std::vector<Port> ports_of(const TrainingPlan& plan, const Objective& objective) {
  std::vector<Port> ports;
  for (const int term : objective.terms) ports.push_back(plan.terms[static_cast<std::size_t>(term)].port);
  return ports;
}

void choose_parameters(const Graph& graph, const ParameterStore& store, const std::vector<Port>& terms,
                       const ObjectiveEntry& entry, Objective& objective) {
  const std::set<std::string> reached = reached_parameters(graph, terms);
  for (int i = 0; i < static_cast<int>(store.items().size()); ++i) {
    const Parameter& item = store.at(i);
    if (item.is_state || item.frozen || reached.count(item.path) == 0) continue;
    if (matches_any(entry.parameters, item.path)) objective.parameters.push_back(i);
  }
}

std::vector<std::string> unreached(const ParameterStore& store, const std::vector<Objective>& objectives) {
  std::set<int> used;
  for (const Objective& objective : objectives) used.insert(objective.parameters.begin(), objective.parameters.end());
  std::vector<std::string> paths;
  for (int i = 0; i < static_cast<int>(store.items().size()); ++i) {
    const Parameter& item = store.at(i);
    if (!item.is_state && !item.frozen && used.count(i) == 0) paths.push_back(item.path);
  }
  std::ranges::sort(paths);
  return paths;
}

}  // namespace

double Objective::weight(std::size_t term, std::int64_t step) const {
  double product = 1;
  for (const ScheduledValue& schedule : weights[term]) product *= schedule.value(step);
  return product;
}

LossTerm loss_of_port(const Graph& graph, Port port) {
  LossTerm term;
  term.port = port;
  const GraphNode& node = graph.node(port.node);
  const Role role = node.contract().role();
  const bool is_kl = port.index == node.contract().output_index("kl");
  if (role == Role::divergence && (port.index == 0 || is_kl)) term.role = LossRole::divergence;
  const bool is_nll = port.index == node.contract().output_index("nll");  // of a density that is also used otherwise
  if ((role == Role::likelihood && port.index == 0) || is_nll) term.role = LossRole::likelihood;
  term.target = source_of(node, "target");
  if (!term.target.valid()) term.target = source_of(node, "value");
  if (!term.target.valid()) return term;
  term.event_values = graph.shape(term.target).event().count();
  term.mask = source_of(node, "mask");
  return term;
}

std::vector<LossTerm> resolve_losses(const Document& document, const Graph& graph) {
  std::vector<LossTerm> terms;
  for (const LossEntry& loss : document.losses) {
    LossTerm term = loss_of_port(graph, graph.port(Reference{loss.node, loss.port, {}}));
    term.name = loss.name;
    term.role_is_given = !loss.role.empty();
    if (term.role_is_given) term.role = role_of(loss.role);
    if (!loss.mean.node.empty()) term.mean = graph.find_port(loss.mean);
    if (!loss.drawn.node.empty()) term.drawn = graph.find_port(loss.drawn);
    term.in_training = loss.when != When::evaluation;
    term.in_evaluation = loss.when != When::training;
    terms.push_back(std::move(term));
  }
  return terms;
}

namespace {

// What `drawn` of a divergence takes the place of: the draw from the posterior.
Port drawn_latent(const Graph& graph, Port loss) {
  const GraphNode* sampler = sampler_of(graph, graph.node(loss.node));
  return sampler == nullptr ? Port() : Port{static_cast<int>(sampler - graph.nodes().data()), 0};
}

// What a loss says of its target must be like it.
void check_density(const LossEntry& loss, const Graph& graph, const Reference& said, const char* key,
                   Diagnostics& diagnostics) {
  const LossTerm term = loss_of_port(graph, graph.port({loss.node, loss.port, {}}));
  const bool draws = std::string_view(key) == "drawn";
  const LossRole role = loss.role.empty() ? term.role : role_of(loss.role);
  const bool latent = draws && role == LossRole::divergence;
  const Port target = latent ? drawn_latent(graph, term.port) : term.target, port = graph.find_port(said);
  if (said.node.empty() || graph.find(said.node) < 0) return;  // the document layer reports it
  if (!port.valid()) {
    Diagnostic& finding =
        diagnostics.add(ErrorCode::unknown_port, said.where, fmt::format("there is no output '{}'", said.text()));
    finding.expected =
        fmt::format("one of {}", fmt::join(graph.node(graph.find(said.node)).contract().output_names(), ", "));
    return;
  }
  if (!target.valid()) {
    Diagnostic& finding =
        diagnostics.add(ErrorCode::missing_input, said.where,
                        fmt::format("the loss '{}' says its `{}`, but nothing is its target", loss.name, key));
    finding.expected = latent
                           ? "one node of the role sampler that reads the inputs of the divergence under the same names"
                           : "an input `target`, which the formula reads: in: {target: x}";
    return;
  }
  if (graph.shape(port) == graph.shape(target) && (!draws || graph.dtype(port) == graph.dtype(target))) return;
  Diagnostic& finding = diagnostics.add(ErrorCode::shape_mismatch, said.where,
                                        fmt::format("`{}` of the loss '{}' is not like its target", key, loss.name));
  finding.got = fmt::format("{} {}", graph.shape(port).text(), name_of(graph.dtype(port)));
  finding.expected = fmt::format("{} {}", graph.shape(target).text(), name_of(graph.dtype(target)));
}

// Reports ports that do not exist or do not have one value per sample; false: there are no terms for a plan.
bool check_losses(const Document& document, const Graph& graph, Diagnostics& diagnostics) {
  const std::size_t before = diagnostics.size();
  for (const LossEntry& loss : document.losses) {
    const int index = graph.find(loss.node);
    if (index < 0) continue;
    const GraphNode& node = graph.node(index);
    const Contract& contract = node.contract();
    const Port port = graph.find_port({loss.node, loss.port, {}});
    if (!port.valid()) {
      Diagnostic& finding =
          diagnostics.add(ErrorCode::unknown_port, loss.port_where.known() ? loss.port_where : loss.where,
                          fmt::format("[{}] the loss '{}' has no output '{}'", node.type->name, loss.name, loss.port));
      finding.expected = fmt::format("one of {}", fmt::join(contract.output_names(), ", "));
      finding.suggestion = nearest_name(loss.port, contract.output_names());
      continue;
    }
    check_density(loss, graph, loss.mean, "mean", diagnostics);
    check_density(loss, graph, loss.drawn, "drawn", diagnostics);
    const Shape& shape = graph.shape(port);
    if (shape.rank() == 1 && shape[0] == kBatch && graph.dtype(port) == DType::f32) continue;
    Diagnostic& finding = diagnostics.add(ErrorCode::bad_loss_shape, loss.where,
                                          fmt::format("[{}] '{}' cannot be a loss term", node.type->name, loss.name));
    finding.got = fmt::format("{} {}", shape.text(), name_of(graph.dtype(port)));
    finding.expected = "[N], nats per sample";
    finding.hint = "a loss node sums over the event and returns one value per sample";
  }
  return diagnostics.size() == before;
}

}  // namespace

namespace {

// The ports that the conditions of the last objective read, each once.
void choose_conditions(const Document& document, const Graph& graph, const ObjectiveEntry& entry, TrainingPlan& plan,
                       Diagnostics& diagnostics) {
  for (const ConditionEntry& condition : entry.only_if) {
    const auto loss = std::ranges::find(document.losses, condition.loss, &LossEntry::name);
    if (loss == document.losses.end()) continue;
    const Port own = plan.terms[static_cast<std::size_t>(loss - document.losses.begin())].port;
    const Contract& contract = graph.node(own.node).contract();
    const Port port{own.node, condition.port.empty() ? own.index : contract.output_index(condition.port)};
    const bool fits = port.index >= 0 && graph.shape(port) == Shape({kBatch}) && graph.dtype(port) == DType::f32;
    if (!fits) {
      Diagnostic& finding = diagnostics.add(
          port.index < 0 ? ErrorCode::unknown_port : ErrorCode::bad_loss_shape, condition.where,
          fmt::format("a condition needs one value per sample: '{}' of the loss '{}'", condition.port, condition.loss));
      finding.got = port.index < 0 ? "no such output" : graph.shape(port).text();
      finding.expected = fmt::format("one of {} that is [N]", fmt::join(contract.output_names(), ", "));
      finding.suggestion = port.index < 0 ? nearest_name(condition.port, contract.output_names()) : "";
      continue;
    }
    auto it = std::ranges::find(plan.monitors, port);
    if (it == plan.monitors.end()) it = plan.monitors.insert(it, port);
    plan.objectives.back().only_if.push_back(
        {static_cast<int>(it - plan.monitors.begin()), condition.above, condition.below});
  }
}

// Aggressive training of the encoder (He et al. 2019, Lagging Inference Networks and Posterior Collapse): the one
// objective becomes two with the same losses. The encoder is what a divergence reaches; the rest is updated only in
// every encoder_steps-th step.
void split_encoder(const Document& document, const Graph& graph, const ParameterStore& store, TrainingPlan& plan,
                   Diagnostics& diagnostics) {
  std::vector<Port> divergences;
  for (const LossTerm& term : plan.terms) {
    if (term.role == LossRole::divergence && term.in_training) divergences.push_back(term.port);
  }
  if (plan.objectives.size() != 1 || divergences.empty()) {
    Diagnostic& finding =
        diagnostics.add(ErrorCode::out_of_range, document.train.where, "encoder_steps cannot be used in this document");
    finding.got =
        divergences.empty() ? "no divergence among the losses" : fmt::format("{} objectives", plan.objectives.size());
    finding.expected = "a divergence, and no `objectives:`; with `objectives:`, use `every` instead";
    return;
  }
  const std::set<std::string> reached = reached_parameters(graph, divergences);
  Objective encoder = plan.objectives.front(), rest = plan.objectives.front();
  encoder.name = "encoder";
  rest.name = "decoder";
  rest.every = document.train.encoder_steps;
  rest.until = document.train.encoder_until;
  const auto is_encoder = [&](int i) { return reached.contains(store.at(i).path); };
  std::erase_if(encoder.parameters, [&](int i) { return !is_encoder(i); });
  std::erase_if(rest.parameters, is_encoder);
  plan.objectives = {std::move(encoder), std::move(rest)};
}

}  // namespace

void check_updates(const Document& document, const Registry& registry, Diagnostics& diagnostics) {
  const auto check = [&](const ScheduleEntry& entry, const std::string& what, double minimum) {
    make_schedule(registry, entry, what, minimum, document.train.steps, diagnostics);
  };
  constexpr double kLowest = std::numeric_limits<double>::lowest();
  for (const LossEntry& loss : document.losses) check(loss.weight, weight_of(loss.name), kLowest);
  for (const ObjectiveEntry& objective : document.objectives) {
    for (const auto& [name, weight] : objective.losses) check(weight, weight_of(name, objective.name), kLowest);
    make_optimizer(registry, objective.optimizer, diagnostics);
    check(objective.optimizer.learning_rate, "lr", 0);
  }
}

TrainingPlan plan_training(const Document& document, const Graph& graph, const ParameterStore& store,
                           const Registry& registry, Diagnostics& diagnostics) {
  TrainingPlan plan;
  plan.notes = document.notes;
  if (!check_losses(document, graph, diagnostics)) return plan;
  plan.terms = resolve_losses(document, graph);
  const auto entries = document.objectives.empty() ? std::vector<ObjectiveEntry>(1) : document.objectives;
  const std::vector<std::string> paths = parameter_paths(store);
  for (const ObjectiveEntry& entry : entries) {
    Objective& objective = plan.objectives.emplace_back();
    objective.name = entry.name;
    objective.every = std::max<std::int64_t>(1, entry.every);
    objective.until = entry.until;
    objective.from = entry.from;
    objective.stop = entry.stop;
    check_span(entry, document.train.steps, diagnostics);
    const std::size_t findings = diagnostics.size();
    objective.optimizer = make_optimizer(registry, entry.optimizer, diagnostics);
    objective.learning_rate =
        make_schedule(registry, entry.optimizer.learning_rate, "lr", 0, document.train.steps, diagnostics);
    check_parameters(entry, paths, diagnostics);
    choose_terms(document, plan.terms, entry, registry, objective, diagnostics);
    choose_conditions(document, graph, entry, plan, diagnostics);
    if (diagnostics.size() > findings) continue;
    choose_parameters(graph, store, ports_of(plan, objective), entry, objective);
    if (objective.terms.empty()) {
      diagnostics
          .add(ErrorCode::no_loss, entry.where.known() ? entry.where : Location{document.file, 0, 0},
               fmt::format("objective '{}' has no loss to minimize in training", objective.name))
          .expected = "a loss under `losses:` without `when: eval`";
    } else if (objective.parameters.empty() && !moves_states(entry, graph, ports_of(plan, objective))) {
      Diagnostic& finding =
          diagnostics.add(ErrorCode::no_parameters, entry.where.known() ? entry.where : Location{document.file, 0, 0},
                          fmt::format("objective '{}' has nothing to train", objective.name));
      finding.got = "losses that do not reach any parameter of this objective";
      finding.expected = "a gradient path from a loss to a parameter that is not frozen";
    }
  }
  if (document.train.encoder_steps > 1) split_encoder(document, graph, store, plan, diagnostics);
  plan.selection = select_best(document.train, plan);
  check_patience(document.train, plan.selection, diagnostics);
  plan.unreached = unreached(store, plan.objectives);
  plan.recompute = recomputed_nodes(graph, document.train.recompute);
  plan.still = still_nodes(document.objectives, graph);
  for (const int node : plan.still)
    plan.notes.push_back(fmt::format(
        "no objective may change '{}': its states stand still, unless `parameters` names it", graph.node(node).path));
  check_gradients(document, graph, store, plan, diagnostics);
  return plan;
}

}  // namespace loom

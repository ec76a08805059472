#include "train/check_iteration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "graph/noise_schedule.h"
#include "train/ancestry.h"

namespace loom {
namespace {

constexpr double kEdmFirst = 80, kEdmLast = 0.002;  // Karras et al. 2022, table 1
constexpr double kNearlyLast = 0.98, kLeastAlpha = 1e-6;

bool is_langevin(const IterationEntry& entry) { return entry.solver == "langevin"; }

// A key that only one value of another one reads.
void check_applies(const IterationEntry& entry, const char* key, bool given, bool applies, const char* where_it_does,
                   Diagnostics& diagnostics) {
  if (!given || applies) return;
  Diagnostic& finding =
      diagnostics.add(ErrorCode::out_of_range, entry.where,
                      fmt::format("iterate.{} has no effect with solver {}, grid {}", key, entry.solver, entry.grid));
  finding.expected = fmt::format("{} only with {}", key, where_it_does);
}

void check_bound(const IterationEntry& entry, bool good, const std::string& key, double got,
                 const std::string& expected, const std::string& hint, Diagnostics& diagnostics) {
  if (good) return;
  Diagnostic& finding =
      diagnostics.add(ErrorCode::out_of_range, entry.where, fmt::format("iterate.{} is out of range", key));
  finding.got = fmt::format("{:g}", got);
  finding.expected = expected;
  finding.hint = hint;
}

void check_times(const IterationEntry& entry, Diagnostics& diagnostics) {
  const auto [from, to, scale] = iteration_range(entry);
  if (entry.grid == "karras")
    check_bound(entry, to > 0, "to", to, "a time above 0 with the grid karras, whose last step leads to 0", "",
                diagnostics);
  if (follows_velocity(entry)) {
    check_bound(entry, from != to, "to", to, "another time than that of from", "", diagnostics);
    return;
  }
  const NoiseSchedule& schedule = noise_schedule(entry.schedule);
  check_bound(entry, from <= schedule.last, "from", from,
              fmt::format("a time from 0 to {:g}, those of the schedule {}", schedule.last, entry.schedule), "",
              diagnostics);
  check_bound(entry, is_langevin(entry) ? to <= from : to < from, "to", to,
              fmt::format("a time below {:g}, that of from: noise has the greater times", from), "", diagnostics);
  if (from > schedule.last) return;
  check_bound(entry, schedule.at(from).alpha > kLeastAlpha, "from", from, "a time at which alpha is not 0",
              fmt::format("from: {:g}", kNearlyLast), diagnostics);
}

void check_port_like(const Graph& graph, const IterationEntry& entry, const Reference& reference, const char* key,
                     Diagnostics& diagnostics) {
  if (reference.node.empty()) return;
  const Port state = graph.port(entry.state), port = graph.port(reference);
  if (graph.shape(port) == graph.shape(state) && graph.dtype(port) == graph.dtype(state)) return;
  Diagnostic& finding = diagnostics.add(ErrorCode::shape_mismatch, reference.where,
                                        fmt::format("`{}` of iterate does not fit the state", key));
  finding.got = fmt::format("{} {}", graph.shape(port).text(), name_of(graph.dtype(port)));
  finding.expected = fmt::format("{} {}", graph.shape(state).text(), name_of(graph.dtype(state)));
  finding.other = entry.state.where;
  finding.other_role = "the state";
}

// One value a sample.
void check_time_port(const Graph& graph, const Reference& time, Diagnostics& diagnostics) {
  const Port port = graph.port(time);
  const Shape& shape = graph.shape(port);
  const bool one = shape.rank() == 1 || (shape.rank() == 2 && shape[1] == 1);
  if (shape.per_sample() && one && graph.dtype(port) == DType::f32) return;
  Diagnostic& finding = diagnostics.add(ErrorCode::shape_mismatch, time.where, "`time` of iterate is not one number");
  finding.got = fmt::format("{} {}", shape.text(), name_of(graph.dtype(port)));
  finding.expected = "[N] f32 or [N, 1] f32";
}

// Whether what iteration i fills is read: by what is shown or drawn, or by another iteration.
bool is_read(const Graph& graph, const GenerateEntry& entry, std::size_t i) {
  Ancestry read(graph);
  const auto add = [&](const Reference& reference) {
    if (const Port port = graph.find_port(reference); port.valid()) read.add(port);
  };
  add(entry.show);
  for (const auto& [column, port] : entry.shows) add(port);
  for (const AutoregressionEntry& filled : entry.autoregressions) add(filled.from);
  for (const auto& [port, draw] : entry.draws)
    for (const InputEntry& input : draw.inputs) std::ranges::for_each(input.sources, add);
  for (std::size_t other = 0; other < entry.iterations.size(); ++other)
    if (other != i) std::ranges::for_each(entry.iterations[other].computed(), add);
  const IterationEntry& own = entry.iterations[i];
  const Port target = graph.port(own.target());
  // The vectors of codes are looked up (train/complete_entry.h).
  if (graph.node(target.node).contract().looked_up_by() && read.nodes().contains(target.node)) return true;
  return read.has(target) || read.has(graph.port(own.state));
}

void check_no_effect(const IterationEntry& entry, const char* key, bool given, const char* where_it_does,
                     Diagnostics& diagnostics) {
  if (!given) return;
  Diagnostic& finding = diagnostics.add(ErrorCode::out_of_range, entry.where,
                                        fmt::format("iterate.{} has no effect with solver replace", key));
  finding.expected = fmt::format("{} only with {}", key, where_it_does);
}

// The next state is `by`: nothing is said of times, noise or directions.
void check_replacing(const IterationEntry& entry, Diagnostics& diagnostics) {
  const char* others = "a solver of a flow or of a diffusion model";
  check_no_effect(entry, "predicts", entry.predicts != "velocity", others, diagnostics);
  check_no_effect(entry, "schedule", entry.schedule != "flow", others, diagnostics);
  check_no_effect(entry, "grid", entry.grid != "uniform", others, diagnostics);
  check_no_effect(entry, "from", entry.from.has_value(), others, diagnostics);
  check_no_effect(entry, "to", entry.to.has_value(), others, diagnostics);
  check_no_effect(entry, "guidance", entry.guidance != 1 || !entry.unconditional.node.empty(), others, diagnostics);
}

// Only `replace` makes a state of codes, and no noise is its first one.
void check_state(const Graph& graph, const IterationEntry& entry, Diagnostics& diagnostics) {
  const Port state = graph.port(entry.state);
  if (graph.dtype(state) == DType::f32) return;
  if (!entry.replaces()) {
    Diagnostic& finding =
        diagnostics.add(ErrorCode::dtype_mismatch, entry.state.where, "the state of iterate is not of numbers");
    finding.got = name_of(graph.dtype(state));
    finding.expected = name_of(DType::f32);
    finding.hint = "solver: replace makes the steps of codes";
  } else if (entry.first.node.empty()) {
    Diagnostic& finding =
        diagnostics.add(ErrorCode::missing_option, entry.where,
                        fmt::format("the state '{}' is of codes, which noise cannot be", entry.state.text()));
    finding.expected = "first: NODE, the codes that the first step begins with";
  }
}

}  // namespace

bool follows_velocity(const IterationEntry& entry) {
  const bool ode = entry.solver == "euler" || entry.solver == "midpoint" || entry.solver == "heun";
  return ode && entry.predicts == "velocity";
}

bool has_fixed_density(const IterationEntry& entry) {
  return is_langevin(entry) && entry.predicts == "score" && entry.time.node.empty();
}

IterationRange iteration_range(const IterationEntry& entry) {
  const bool edm = entry.schedule == "edm" && !follows_velocity(entry);
  const bool divides = !follows_velocity(entry) && noise_schedule(entry.schedule).at(1).alpha < kLeastAlpha;
  IterationRange range{};
  range.from = entry.from.value_or(edm ? kEdmFirst : divides ? kNearlyLast : 1);
  range.to = entry.to.value_or(entry.grid == "karras" ? kEdmLast : 0);
  range.scale = entry.scale.value_or(edm ? range.from : 1);
  return range;
}

void check_iteration_settings(const IterationEntry& entry, Diagnostics& diagnostics) {
  check_applies(entry, "eta", entry.eta.has_value(), entry.solver == "ddim", "solver: ddim", diagnostics);
  check_applies(entry, "step_size", entry.step_size.has_value(), is_langevin(entry), "solver: langevin", diagnostics);
  check_applies(entry, "temperature", entry.temperature.has_value(), is_langevin(entry), "solver: langevin",
                diagnostics);
  check_applies(entry, "rho", entry.rho.has_value(), entry.grid == "karras", "grid: karras", diagnostics);
  if (entry.scale && !entry.first.node.empty()) {
    Diagnostic& finding = diagnostics.add(ErrorCode::out_of_range, entry.where,
                                          "iterate.scale has no effect where `first` says the first state");
    finding.expected = "scale, or first";
  }
  if (entry.replaces()) return check_replacing(entry, diagnostics);
  if (is_langevin(entry) && !entry.step_size) {
    Diagnostic& finding =
        diagnostics.add(ErrorCode::missing_option, entry.where, "iterate with solver langevin has no step_size");
    finding.expected = "step_size: a number > 0";
  }
  if (entry.guidance != 1 && entry.unconditional.node.empty()) {
    Diagnostic& finding = diagnostics.add(ErrorCode::missing_option, entry.where,
                                          "guidance needs what the network gives without its condition");
    finding.got = fmt::format("guidance {:g}", entry.guidance);
    finding.expected = "unconditional: NODE";
    finding.hint = "apply the network again to the empty condition: unconditional: {call: NETWORK, in: ...}";
  }
  if (!has_fixed_density(entry)) check_times(entry, diagnostics);
}

bool check_iteration_ports(const Graph& graph, const IterationEntry& entry, Diagnostics& diagnostics) {
  const std::size_t before = diagnostics.size();
  const Port state = graph.port(entry.state);
  check_state(graph, entry, diagnostics);
  check_port_like(graph, entry, entry.by, "by", diagnostics);
  check_port_like(graph, entry, entry.first, "first", diagnostics);
  check_port_like(graph, entry, entry.into, "into", diagnostics);
  check_port_like(graph, entry, entry.unconditional, "unconditional", diagnostics);
  if (!entry.time.node.empty()) check_time_port(graph, entry.time, diagnostics);
  if (Ancestry(graph, graph.port(entry.by)).has(state)) return diagnostics.size() == before;
  Diagnostic& finding =
      diagnostics.add(ErrorCode::missing_input, entry.by.where,
                      fmt::format("'{}' is not computed from the state '{}'", entry.by.text(), entry.state.text()));
  finding.expected = "the output of a network that reads the state";
  finding.other = entry.state.where;
  finding.other_role = "the state";
  return false;
}

void check_iterations_shown(const Graph& graph, const GenerateEntry& entry, Diagnostics& diagnostics) {
  if (entry.show.node.empty()) return;
  for (std::size_t i = 0; i < entry.iterations.size(); ++i) {
    const IterationEntry& iteration = entry.iterations[i];
    if (is_read(graph, entry, i)) continue;
    Diagnostic& finding =
        diagnostics.add(ErrorCode::missing_input, iteration.where,
                        fmt::format("generate.{} shows nothing that is computed from '{}', which iterate computes",
                                    entry.name, iteration.target().text()));
    finding.hint = "into: NODE, the port that the shown one is computed from";
  }
}

void check_fed_iterations(const GenerateEntry& entry, Diagnostics& diagnostics) {
  for (const IterationEntry& iteration : entry.iterations) {
    const auto report = [&](const Reference& port, const char* also) {
      if (port.text() != iteration.target().text() && port.text() != iteration.state.text()) return;
      // The first state may be computed from what is fed.
      if (also == std::string("feeds") && !iteration.first.node.empty()) return;
      Diagnostic& finding = diagnostics.add(
          ErrorCode::missing_option, port.where,
          fmt::format("generate.{} both {} and iterates '{}', so that one of the values would be thrown away",
                      entry.name, also, port.text()));
      finding.other = iteration.where;
      finding.other_role = "iterate";
    };
    for (const Reference& feed : entry.feeds) report(feed, "feeds");
    for (const auto& [port, draw] : entry.draws) report(port, "draws");
  }
}

}  // namespace loom

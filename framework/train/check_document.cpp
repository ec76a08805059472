#include "train/check_document.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "data/source.h"
#include "document/rewrite.h"
#include "graph/fitting_extents.h"
#include "run/parameter_store.h"
#include "train/check_iteration.h"
#include "train/complete_entry.h"
#include "train/data_init.h"
#include "train/evaluation.h"
#include "train/feeds.h"
#include "train/inherited.h"
#include "train/metric_set.h"
#include "train/objectives.h"
#include "train/recomputed_nodes.h"
#include "train/weight_sources.h"

namespace loom {
namespace {

bool check_port(const Graph& graph, const Reference& reference, Diagnostics& diagnostics) {
  const int index = graph.find(reference.node);
  if (index < 0) return false;  // the document layer reports it
  if (graph.find_port(reference).valid()) return true;
  const Contract& contract = graph.node(index).contract();
  Diagnostic& finding = diagnostics.add(ErrorCode::unknown_port, reference.where,
                                        fmt::format("the node '{}' ({}) has no output '{}'", reference.node,
                                                    graph.node(index).type->name, reference.port));
  finding.expected = fmt::format("one of {}", fmt::join(contract.output_names(), ", "));
  finding.suggestion = nearest_name(reference.port, contract.output_names());
  finding.other = graph.node(index).where;
  finding.other_role = "the node";
  return false;
}

// The drawn values fill the input: the two ports must be alike and have the axis.
void check_autoregression(const Graph& graph, const AutoregressionEntry& entry, Diagnostics& diagnostics) {
  const Port input = graph.port(entry.input), from = graph.port(entry.from);
  const Shape& shape = graph.shape(input);
  if (!(shape == graph.shape(from)) || graph.dtype(input) != graph.dtype(from)) {
    Diagnostic& finding = diagnostics.add(ErrorCode::shape_mismatch, entry.from.where,
                                          "the drawn values do not fit the input that they fill");
    finding.got = fmt::format("{} {}", graph.shape(from).text(), name_of(graph.dtype(from)));
    finding.expected = fmt::format("{} {}", shape.text(), name_of(graph.dtype(input)));
    finding.other = entry.input.where;
    finding.other_role = "the input";
  }
  const std::int64_t last = entry.axis + entry.axes - 1;
  if (last >= shape.rank()) {
    Diagnostic& finding =
        diagnostics.add(ErrorCode::shape_mismatch, entry.where, fmt::format("the input has no axis {}", last));
    finding.got = shape.text();
    finding.expected =
        shape.rank() > 1 ? fmt::format("an axis from 1 to {}", shape.rank() - 1) : "an axis besides the batch";
  }
}

// What is given is kept of what feeds the input.
void check_given(const Graph& graph, const AutoregressionEntry& drawn, Diagnostics& diagnostics) {
  const bool given = drawn.given > 0 || !drawn.given_mask.node.empty();
  if (!given) return;
  const Shape& shape = graph.shape(graph.port(drawn.input));
  const int last = static_cast<int>(std::min<std::int64_t>(drawn.axis + drawn.axes, shape.rank()));
  const std::int64_t positions = shape.count_from(static_cast<int>(drawn.axis)) / shape.count_from(last);
  if (drawn.given > positions) {
    Diagnostic& finding =
        diagnostics.add(ErrorCode::out_of_range, drawn.where, "more positions are given than there are");
    finding.got = fmt::format("{}", drawn.given);
    finding.expected = fmt::format("1 to {}", positions);
  }
  if (drawn.given_mask.node.empty()) return;
  const Port mask = graph.port(drawn.given_mask);
  if (!graph.node(mask.node).is_input() || graph.shape(mask).event().count() != positions) {
    Diagnostic& finding =
        diagnostics.add(ErrorCode::shape_mismatch, drawn.given_mask.where,
                        fmt::format("'{}' does not say which positions are given", drawn.given_mask.text()));
    finding.got = fmt::format("{} {}", graph.node(mask.node).type->name, graph.shape(mask).text());
    finding.expected = fmt::format("an input node of {} values, one for each position", positions);
  }
}

bool check_iteration(const Graph& graph, const IterationEntry& entry, Diagnostics& diagnostics) {
  check_iteration_settings(entry, diagnostics);
  bool good = !entry.state.node.empty() && !entry.by.node.empty();
  for (const Reference& port : entry.filled()) good = check_port(graph, port, diagnostics) && good;
  for (const Reference& port : entry.computed()) good = check_port(graph, port, diagnostics) && good;
  return good && check_iteration_ports(graph, entry, diagnostics);
}

// Whether every port that an entry names exists and what it fills fits.
bool check_ports(const Graph& graph, const GenerateEntry& entry, Diagnostics& diagnostics) {
  bool good = entry.show.node.empty() || check_port(graph, entry.show, diagnostics);
  for (const auto& [column, port] : entry.shows) good = check_port(graph, port, diagnostics) && good;
  for (const auto& [port, draw] : entry.draws) good = check_port(graph, port, diagnostics) && good;
  for (const Reference& feed : entry.feeds) good = check_port(graph, feed, diagnostics) && good;
  for (const IterationEntry& iteration : entry.iterations)
    good = check_iteration(graph, iteration, diagnostics) && good;
  for (const AutoregressionEntry& autoregression : entry.autoregressions) {
    const bool input = check_port(graph, autoregression.input, diagnostics);
    const bool mask =
        autoregression.given_mask.node.empty() || check_port(graph, autoregression.given_mask, diagnostics);
    if (!check_port(graph, autoregression.from, diagnostics) || !input || !mask) {
      good = false;
      continue;
    }
    check_autoregression(graph, autoregression, diagnostics);
    if (good) check_given(graph, autoregression, diagnostics);
  }
  return good;
}

// Each entry has a separate graph.
void check_generate(const Document& document, const Graph& graph, const Registry& registry, Diagnostics& diagnostics) {
  for (const GenerateEntry& entry : document.generate) {
    if (!check_ports(graph, entry, diagnostics)) continue;
    check_iterations_shown(graph, entry, diagnostics);
    try {
      if (diagnostics.empty())
        require_complete(document, entry, registry);
      else
        with_draws(document, entry, registry).build();
    } catch (const Error& error) {
      std::vector<Diagnostic> findings = error.diagnostics();
      for (Diagnostic& finding : findings) {
        if (!finding.where.known()) finding.where = entry.where;
      }
      diagnostics.add(Error(std::move(findings)));
    }
  }
}

// Where shapes contradict each other, the first finding says which extents of the inputs would fit.
std::shared_ptr<const Graph> build_nodes(const Document& document, const Registry& registry, Diagnostics& diagnostics) {
  Diagnostics found;
  auto graph = build_graph(document.nodes, registry, found);
  std::vector<Diagnostic> findings = found.items();
  const auto mismatch = std::ranges::find(findings, ErrorCode::shape_mismatch, &Diagnostic::code);
  if (mismatch != findings.end() && mismatch->hint.empty()) mismatch->hint = fitting_extents(document.nodes, registry);
  if (!findings.empty()) diagnostics.add(Error(std::move(findings)));
  return graph;
}

// A loss, or a value that an evaluation may measure, also of one of several latent variables: "kl.active_units".
void check_monitor(const Document& document, const std::vector<ChosenMetric>& metrics, Diagnostics& diagnostics) {
  const std::string& wanted = document.train.monitor.metric;
  if (wanted.empty()) return;
  std::vector<std::string> names;
  for (const LossEntry& loss : document.losses) names.insert(names.end(), {loss.name, loss.name + ".kl"});
  const auto add = [&](const Contract& contract) {
    for (const ValueDeclaration& value : contract.values()) names.push_back(value.key);
  };
  add(evidence_contract());
  for (const ChosenMetric& chosen : metrics) {
    const Measured what = chosen.type->contract.measured();
    if (what == Measured::posteriors || what == Measured::quantizers) add(chosen.type->contract);
  }
  const auto is_part = [&](const std::string& name) {
    return ("." + wanted + ".").find("." + name + ".") != std::string::npos;
  };
  if (std::ranges::any_of(names, is_part)) return;
  diagnostics.add_unknown_word(document.train.monitor.where, fmt::format("no evaluation measures '{}'", wanted), wanted,
                               names);
}

}  // namespace

// Samples are made without data, so that each value that they are computed from must be drawn or fed. Whatever an entry
// leaves out must follow from the losses.
void require_complete(const Document& document, const GenerateEntry& entry, const Registry& registry) {
  with_draws(document, entry, registry).build();
  const bool computed = entry.name != "sample" && entry.name != "decode";
  if (entry.name == "encode" || (computed && !entry.show.node.empty())) return;
  const bool fed = entry.name == "decode" || !entry.feeds.empty();
  complete_entry(document, registry, {.name = entry.name, .data = !fed && computed, .labels = !computed, .fed = fed});
}

std::shared_ptr<const Graph> check_document(const Document& document, const Registry& registry,
                                            Diagnostics& diagnostics) {
  if (!document.data.type.empty()) check_data(registry, document.data, diagnostics);
  check_updates(document, registry, diagnostics);
  const std::vector<ChosenMetric> metrics = choose_metrics(document, registry, diagnostics);
  check_monitor(document, metrics, diagnostics);
  auto graph = build_nodes(document, registry, diagnostics);
  if (!graph) return nullptr;
  check_weight_sources(document, ParameterStore(*graph), diagnostics);
  const TrainEntry& train = document.train;
  check_data_init(*graph, {train.data_init, train.data_init_places, train.where}, diagnostics);
  check_recompute(*graph, {train.recompute, train.recompute_places, train.where}, diagnostics);
  if (!document.losses.empty()) plan_training(document, *graph, ParameterStore(*graph), registry, diagnostics);
  check_code_ports(document, metrics, *graph, diagnostics);
  check_generate(document, *graph, registry, diagnostics);
  return graph;
}

void check_fed_draws(const GenerateEntry& entry, Diagnostics& diagnostics) {
  check_fed_iterations(entry, diagnostics);
  for (const AutoregressionEntry& drawn : entry.autoregressions) {
    const bool given = drawn.given > 0 || !drawn.given_mask.node.empty();
    const bool fed =
        std::ranges::any_of(entry.feeds, [&](const Reference& feed) { return feed.text() == drawn.input.text(); });
    if (!fed || given) continue;
    Diagnostic& finding =
        diagnostics.add(ErrorCode::missing_option, drawn.where,
                        fmt::format("generate.{} both feeds and draws '{}', so that what is fed would be thrown away",
                                    entry.name, drawn.input.text()));
    finding.expected = "given: N, the first positions that are kept, or given: NODE, a mask of them";
  }
}

Document load_checked(const std::string& path, const std::vector<Override>& overrides, const Registry& registry) {
  Diagnostics diagnostics;
  Document document = load_document(path, overrides, diagnostics);
  drop_inherited(document, registry);
  check_document(document, registry, diagnostics);
  diagnostics.throw_if_any();
  return document;
}

}  // namespace loom

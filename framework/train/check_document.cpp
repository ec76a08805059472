#include "train/check_document.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "data/source.h"
#include "document/rewrite.h"
#include "run/parameter_store.h"
#include "train/feeds.h"
#include "train/metric_set.h"
#include "train/objectives.h"
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

// Samples are made without data: each input that they are computed from must be drawn or fed.
void check_sample(const Graph& drawn, const GenerateEntry& entry, Diagnostics& diagnostics) {
  const Port show = drawn.find_port(entry.show);
  std::vector<Port> given;
  for (const Reference& feed : entry.feeds) given.push_back(drawn.find_port(feed));
  for (const AutoregressionEntry& autoregression : entry.autoregressions)
    given.push_back(drawn.find_port(autoregression.input));
  for (const int input : needed_inputs(drawn, {&show, 1}, false, given)) {
    const GraphNode& node = drawn.node(input);
    Diagnostic& finding =
        diagnostics.add(ErrorCode::missing_input, entry.where,
                        fmt::format("generate.sample does not draw what it needs: '{}' is computed from the input '{}'",
                                    entry.show.text(), node.path));
    finding.expected = "a draw or a feed for each input: draw: {z: {type: standard_normal}}";
    finding.other = node.where;
    finding.other_role = "the input";
  }
}

// Each entry has a separate graph.
void check_generate(const Document& document, const Graph& graph, const Registry& registry, Diagnostics& diagnostics) {
  for (const GenerateEntry& entry : document.generate) {
    bool good = check_port(graph, entry.show, diagnostics);
    for (const auto& [port, draw] : entry.draws) good = check_port(graph, port, diagnostics) && good;
    for (const Reference& feed : entry.feeds) good = check_port(graph, feed, diagnostics) && good;
    for (const AutoregressionEntry& autoregression : entry.autoregressions) {
      const bool input = check_port(graph, autoregression.input, diagnostics);
      if (check_port(graph, autoregression.from, diagnostics) && input)
        check_autoregression(graph, autoregression, diagnostics);
    }
    if (!good) continue;
    try {
      const std::shared_ptr<const Graph> drawn = with_draws(document, entry, registry).build();
      if (entry.name == "sample" && diagnostics.empty()) check_sample(*drawn, entry, diagnostics);
    } catch (const Error& error) {
      std::vector<Diagnostic> findings = error.diagnostics();
      for (Diagnostic& finding : findings) {
        if (!finding.where.known()) finding.where = entry.where;
      }
      diagnostics.add(Error(std::move(findings)));
    }
  }
}

}  // namespace

std::shared_ptr<const Graph> check_document(const Document& document, const Registry& registry,
                                            Diagnostics& diagnostics) {
  if (!document.data.type.empty()) check_data(registry, document.data, diagnostics);
  check_updates(document, registry, diagnostics);
  choose_metrics(document, registry, diagnostics);
  auto graph = build_graph(document.nodes, registry, diagnostics);
  if (!graph) return nullptr;
  check_weight_sources(document, ParameterStore(*graph), diagnostics);
  if (!document.losses.empty()) plan_training(document, *graph, ParameterStore(*graph), registry, diagnostics);
  check_generate(document, *graph, registry, diagnostics);
  return graph;
}

Document load_checked(const std::string& path, const std::vector<Override>& overrides, const Registry& registry) {
  Diagnostics diagnostics;
  Document document = load_document(path, overrides, diagnostics);
  check_document(document, registry, diagnostics);
  diagnostics.throw_if_any();
  return document;
}

}  // namespace loom

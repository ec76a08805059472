// graph-runner inspect: shows the contract of a type or the contents of a graph.
#include <fmt/format.h>

#include <filesystem>

#include "data/source.h"
#include "document/shipped_graphs.h"
#include "plugin/registries.h"
#include "report/graph_summary.h"
#include "runner/console.h"
#include "runner/model_flags.h"
#include "runner/reference.h"
#include "runner/verbs.h"

namespace loom::runner {
namespace {

using Json = nlohmann::ordered_json;

struct InspectFlags {
  std::vector<std::string> plugins;
  std::string name;
  std::vector<std::string> overrides;
  report::PlannedStep step;
};

[[noreturn]] void unknown_name(const std::string& name, const Registry& registry) {
  std::vector<std::string> names;
  for (const RegisteredType& type : registry.types()) names.push_back(type.name);
  for (const ShippedGraph& graph : shipped_graphs()) names.push_back(graph.name);
  Diagnostic finding;
  finding.code = ErrorCode::unknown_node_type;
  finding.message = fmt::format("'{}' is not a type, a shipped graph or a file", name);
  finding.got = name;
  finding.suggestion = nearest_name(name, names);
  finding.hint = "graph-runner list shows every type";
  throw Error(std::move(finding));
}

int inspect_contract(const std::string& name, const Contract& contract, bool json) {
  if (json)
    print_json(contract_json(name, contract));
  else
    write_out(contract_text(name, contract));
  return kOk;
}

Json graph_json(const report::GraphSummary& summary) {
  Json nodes = Json::array();
  for (const report::NodeSummary& node : summary.nodes) {
    nodes.push_back({{"path", node.path},
                     {"type", node.type},
                     {"inputs", node.inputs},
                     {"outputs", node.outputs},
                     {"parameters", node.parameters},
                     {"parameter_count", node.parameter_count}});
  }
  return {{"graph", summary.name},
          {"doc", summary.doc},
          {"nodes", nodes},
          {"parameters", summary.parameters},
          {"batch", summary.batch},
          {"lanes", summary.lanes},
          {"shard", summary.shard},
          {"gflop_per_sample", summary.flop_per_sample / 1e9},
          {"planned_bytes", summary.memory.total()},
          {"planned",
           {{"batch", summary.memory.batch},
            {"workers", summary.memory.workers},
            {"packed", summary.memory.packed},
            {"gradients", summary.memory.gradients}}}};
}

// Options that follow a schedule, with their values at the step of the weights.
void print_scheduled(const report::GraphSummary& summary) {
  bool any = false;
  for (const report::NodeSummary& node : summary.nodes) {
    for (const std::string& option : node.scheduled) {
      if (!any) print("\nat step {}:\n", summary.step);
      any = true;
      print("{}.{}\n", node.path, option);
    }
  }
}

void print_graph(const report::GraphSummary& summary) {
  print("{}: {}\n\n", summary.name, summary.doc);
  std::size_t path = 4, type = 4, shape = 6;
  for (const report::NodeSummary& node : summary.nodes) {
    path = std::max(path, node.path.size());
    type = std::max(type, node.type.size());
    for (const std::string& output : node.outputs) shape = std::max(shape, output.size());
  }
  for (const report::NodeSummary& node : summary.nodes) {
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      const bool first = i == 0;
      const std::string line =
          fmt::format("{:<{}}  {:<{}}  {:<{}}  {:>11}  {}", first ? node.path : "", path, first ? node.type : "", type,
                      node.outputs[i], shape, first && node.parameter_count > 0 ? grouped(node.parameter_count) : "",
                      first ? fmt::format("{}", fmt::join(node.inputs, ", ")) : "");
      print("{}\n", line.substr(0, line.find_last_not_of(' ') + 1));
    }
  }
  print_scheduled(summary);
  print("\n{} parameters in {} nodes\n", grouped(summary.parameters), summary.nodes.size());
  if (summary.flop_per_sample > 0) {
    print("a training step at batch {}: {}flop per sample ({} lanes, shards of {})\n", summary.batch,
          readable_count(summary.flop_per_sample), summary.lanes, summary.shard);
    const auto bytes = [](std::size_t count) { return readable_bytes(static_cast<double>(count)); };
    const ProgramMemory& memory = summary.memory;
    print("{} planned: {} kept for the batch, {} of workers, {} of packed weights, {} of gradients\n",
          bytes(memory.total()), bytes(memory.batch), bytes(memory.workers), bytes(memory.packed),
          bytes(memory.gradients));
  }
}

int inspect(const InspectFlags& request, bool json) {
  const auto registry = registry_for({{}, request.plugins});
  if (registry->dataset(request.name))
    return inspect_contract(request.name, data_contract(*registry, request.name), json);
  for (const RegisteredType& type : registry->types()) {
    if (type.name == request.name) return inspect_contract(request.name, *type.contract, json);
  }
  std::error_code ignored;
  const bool is_path =
      request.name.find('/') != std::string::npos || request.name.ends_with(".yaml") || request.name == kStandardInput;
  if (!is_path && !std::filesystem::exists(graph_file(request.name), ignored)) unknown_name(request.name, *registry);
  const ModelSource model(request.name, {.overrides = request.overrides, .plugins = request.plugins});
  const report::GraphSummary summary = report::summarize(model, request.step);
  if (json)
    print_json(graph_json(summary));
  else
    print_graph(summary);
  return kOk;
}

void add_inspect(CLI::App& app, Invocation& invocation) {
  Verb verb =
      add_verb(app, invocation, "inspect", "Show the contract of a type, or the contents of a graph",
               "graph-runner inspect conv\n  graph-runner inspect graphs/vae.yaml --batch 128 --precision bf16");
  auto request = std::make_shared<InspectFlags>();
  verb.option("NAME", request->name, "a type of any kind, a graph file, or the folder of a run").required();
  verb.option("--set", request->overrides, "change a value of the graph first: PATH=VALUE").one_value_each();
  verb.option("--batch", request->step.batch, "batch of the planned training step; 0: as in the graph")
      .at_least(0)
      .shows_default();
  algorithms_flags(verb, request->step.algorithms, request->step.precision);
  verb.threads_flag(request->step.threads);
  verb.plugins_flag(request->plugins);
  verb.json_flag();
  verb.action([&invocation, request] { return inspect(*request, invocation.json); });
}
LOOM_VERB(110, add_inspect)

}  // namespace

}  // namespace loom::runner

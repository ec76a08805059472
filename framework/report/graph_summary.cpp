#include "report/graph_summary.h"

#include <fmt/format.h>

#include "run/algorithms.h"
#include "train/run_settings.h"
#include "train/synthetic.h"
#include "train/training_programs.h"

namespace loom::report {
namespace {

NodeSummary summary_of(const Graph& graph, const GraphNode& node, std::int64_t step, const std::vector<int>& places) {
  NodeSummary summary;
  summary.path = node.path;
  summary.type = node.type->name;
  const Contract& contract = node.contract();
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (!node.inputs[i].valid()) continue;
    summary.inputs.push_back(
        fmt::format("{}: {}", contract.input_name(static_cast<int>(i)), graph.name_of(node.inputs[i])));
    summary.sources.push_back(places[static_cast<std::size_t>(node.inputs[i].node)]);
  }
  for (std::size_t i = 0; i < node.outputs.size(); ++i)
    summary.outputs.push_back(fmt::format("{} {}", contract.outputs()[i].name, node.outputs[i].text()));
  for (const GraphParameter& parameter : node.parameters) {
    summary.parameters.push_back(fmt::format("{} {}", parameter.path, parameter.shape.text()));
    if (node.owns(parameter)) summary.parameter_count += parameter.shape.count();
  }
  for (const ScheduledOption& option : node.scheduled)
    summary.scheduled.push_back(
        fmt::format("{} {:g}, {}", option.name, option.value.value(step), option.as_written.text()));
  return summary;
}

void plan_step(GraphSummary& summary, const ModelSource& model, const std::shared_ptr<const Graph>& graph,
               ParameterStore& store, const PlannedStep& step) {
  Diagnostics diagnostics;
  const TrainingPlan plan = plan_training(model.document(), *graph, store, model.registry(), diagnostics);
  if (!diagnostics.empty()) return;  // nothing to train; validate reports why
  Executor executor(step.threads);
  RunSettings settings{
      .lanes = 0, .shard = 0, .algorithms = recorded_algorithms(""), .precision = checked_precision("")};
  if (model.is_run()) settings = model.settings();
  if (!step.algorithms.empty()) settings.algorithms = recorded_algorithms(step.algorithms);
  if (!step.precision.empty()) require_precision(settings.precision = checked_precision(step.precision));
  const TrainingPrograms::Size size{.batch = summary.batch,
                                    .shard = settings.shard,
                                    .lanes = settings.lanes,
                                    .transformed = are_transformed(settings.algorithms),
                                    .bf16 = settings.precision == kBf16 && has_precision(kBf16)};
  const TrainingPrograms programs(graph, store, executor, plan, training_inputs(*graph, plan), size);
  summary.shard = programs.shard();
  summary.lanes = programs.lanes();
  summary.flop_per_sample = programs.program().flop_per_sample();
  summary.memory = programs.program().memory();
}

}  // namespace

GraphSummary summarize(const ModelSource& model, const PlannedStep& step) {
  const std::shared_ptr<const Graph> graph = build_checked(model.document().nodes, model.registry());
  ParameterStore store(*graph, model.seed());
  GraphSummary summary;
  summary.name = model.document().name;
  summary.doc = model.document().doc;
  summary.parameters = store.trainable_count();
  summary.batch = step.batch > 0 ? step.batch : model.is_run() ? model.settings().batch : model.document().train.batch;
  summary.step = std::max<std::int64_t>(1, model.steps_done()) - 1;
  std::vector<int> places(static_cast<std::size_t>(graph->size()));
  for (const int index : graph->order()) {
    places[static_cast<std::size_t>(index)] = static_cast<int>(summary.nodes.size());
    summary.nodes.push_back(summary_of(*graph, graph->node(index), summary.step, places));
  }
  plan_step(summary, model, graph, store, step);
  return summary;
}

}  // namespace loom::report

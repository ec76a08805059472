#include "document/tree.h"

#include <algorithm>
#include <cmath>

#include "document/iteration_section.h"
#include "document/scan.h"
#include "document/sections.h"

namespace loom {
namespace {

OptionValue tree_of(const Reference& reference) {
  return reference.port.empty() ? reference.node : reference.node + "." + reference.port;
}

OptionValue tree_of(const InputEntry& input) {
  if (input.sources.size() == 1) return tree_of(input.sources.front());
  std::vector<OptionValue> list;
  for (const Reference& source : input.sources) list.push_back(tree_of(source));
  return OptionValue(std::move(list));
}

OptionValue inputs_of(const NodeEntry& node) {
  if (node.inputs.size() == 1 && node.inputs.front().port.empty()) return tree_of(node.inputs.front());
  OptionMap map;
  for (const InputEntry& input : node.inputs) map.push_back({input.port, tree_of(input)});
  return OptionValue(std::move(map));
}

void add_when(When when, OptionMap& map) {
  if (when != When::always) map.push_back({"when", when == When::training ? "train" : "eval"});
}

void append(OptionMap& map, OptionMap more) {
  for (OptionMember& member : more) map.push_back(std::move(member));
}

OptionMap optimizer_of(const OptimizerEntry& optimizer) {
  OptionMap map = tree_of(static_cast<const TypedEntry&>(optimizer));
  map.insert(map.begin() + 1, {"lr", tree_of(optimizer.learning_rate)});
  return map;
}

OptionMap loss_of(const LossEntry& loss, const NodeEntry& node) {
  OptionMap map;
  const bool own = loss.node.starts_with("losses/");
  if (own)
    map = tree_of(node);
  else
    map.push_back({"of", loss.port.empty() ? loss.node : loss.node + "." + loss.port});
  map.push_back({"weight", tree_of(loss.weight)});
  for (OptionMember& key : loss_section().values(loss)) {
    if (own || key.name != "port") map.push_back(std::move(key));  // `of` holds the port
  }
  if (!own) add_when(loss.when, map);
  if (!loss.mean.node.empty()) map.push_back({"mean", tree_of(loss.mean)});
  if (!loss.drawn.node.empty()) map.push_back({"drawn", tree_of(loss.drawn)});
  return map;
}

OptionMap losses_of(const Document& document) {
  OptionMap losses;
  for (const LossEntry& loss : document.losses) {
    const auto node = std::ranges::find(document.nodes, loss.node, &NodeEntry::path);
    if (node != document.nodes.end()) losses.push_back({loss.name, loss_of(loss, *node)});
  }
  return losses;
}

OptionMap conditions_of(const ObjectiveEntry& objective) {
  OptionMap map;
  for (const ConditionEntry& condition : objective.only_if) {
    OptionMap bounds;
    if (std::isfinite(condition.above)) bounds.push_back({"above", condition.above});
    if (std::isfinite(condition.below)) bounds.push_back({"below", condition.below});
    map.push_back({condition.loss + (condition.port.empty() ? "" : ".") + condition.port, std::move(bounds)});
  }
  return map;
}

OptionMap objective_of(const ObjectiveEntry& objective) {
  OptionMap terms;
  for (const auto& [name, weight] : objective.losses) terms.push_back({name, tree_of(weight)});
  OptionMap map{{"losses", std::move(terms)}};
  append(map, objective_section().values(objective));
  if (!objective.only_if.empty()) map.push_back({"only_if", conditions_of(objective)});
  map.push_back({"optimizer", optimizer_of(objective.optimizer)});
  return map;
}

OptionMap train_of(const TrainEntry& train) {
  OptionMap map = train_section().values(train);
  if (train.monitor.is_given()) map.push_back({"monitor", monitor_section().values(train.monitor)});
  return map;
}

OptionMap generate_of(const GenerateEntry& entry) {
  OptionMap draws;
  for (const auto& [target, node] : entry.draws)
    draws.push_back({std::get<std::string>(tree_of(target)), tree_of(node)});
  OptionMap map;
  if (!draws.empty()) map.push_back({"draw", std::move(draws)});
  std::vector<OptionValue> autoregressions, feeds;
  for (const AutoregressionEntry& item : entry.autoregressions) {
    OptionMap one{{"input", tree_of(item.input)}, {"from", tree_of(item.from)}};
    if (item.given > 0) one.push_back({"given", item.given});
    if (!item.given_mask.node.empty()) one.push_back({"given", tree_of(item.given_mask)});
    append(one, autoregression_section().values(item));
    autoregressions.emplace_back(std::move(one));
  }
  for (const Reference& feed : entry.feeds) feeds.push_back(tree_of(feed));
  if (!entry.iterations.empty()) map.push_back({"iterate", iterations_tree(entry.iterations)});
  if (!autoregressions.empty()) map.push_back({"autoregressive", std::move(autoregressions)});
  if (!feeds.empty()) map.push_back({"feed", std::move(feeds)});
  append(map, generate_section().values(entry));
  if (entry.shows.empty()) {
    if (!entry.show.node.empty()) map.push_back({"show", tree_of(entry.show)});
    return map;
  }
  OptionMap shows;
  for (const auto& [column, port] : entry.shows) shows.push_back({column, tree_of(port)});
  map.push_back({"show", std::move(shows)});
  return map;
}

OptionMap options_of(const TypedEntry& entry) {
  OptionMap map;
  for (const auto& [name, option] : entry.options) map.push_back({name, option.value});
  return map;
}

void add_section(OptionMap& tree, std::string name, OptionMap section) {
  if (!section.empty()) tree.push_back({std::move(name), std::move(section)});
}

}  // namespace

OptionMap tree_of(const TypedEntry& entry) {
  OptionMap map{{"type", entry.type}};
  append(map, options_of(entry));
  return map;
}

OptionValue tree_of(const ScheduleEntry& schedule) {
  if (schedule.is_constant()) return schedule.number;
  return tree_of(schedule.schedule);
}

OptionMap tree_of(const NodeEntry& node) {
  OptionMap map{{"type", node.type}};
  if (node.scan) map = scan_tree(node);
  if (!node.inputs.empty() && !node.scan) map.push_back({"in", inputs_of(node)});
  for (const auto& [name, option] : node.options) map.push_back({name, option.value});
  if (!node.weights.empty()) map.push_back({"weights", node.weights});
  if (!node.average.of.empty()) {
    OptionMap average{{"of", node.average.of}};
    append(average, average_section().values(node.average));
    map.push_back({"average", std::move(average)});
  }
  OptionMap rules;
  for (const auto& [parameter, rule] : node.init) rules.push_back({parameter, tree_of(rule)});
  if (!rules.empty()) map.push_back({"init", std::move(rules)});
  add_when(node.when, map);
  if (node.frozen) map.push_back({"frozen", true});
  if (node.full_precision) map.push_back({"precision", "f32"});
  return map;
}

OptionMap document_tree(const Document& document) {
  OptionMap tree{{"version", document.version}, {"graph", document.name}};
  if (!document.doc.empty()) tree.push_back({"doc", document.doc});
  std::vector<OptionValue> plugins;
  for (const PluginEntry& plugin : document.plugins) plugins.emplace_back(plugin.name);
  if (!plugins.empty()) tree.push_back({"plugins", std::move(plugins)});
  if (!document.data.type.empty()) tree.push_back({"data", tree_of(document.data)});
  OptionMap nodes, objectives, generate;
  for (const NodeEntry& node : document.nodes) {
    if (!node.path.starts_with("losses/")) nodes.push_back({node.path, tree_of(node)});
  }
  tree.push_back({"nodes", std::move(nodes)});
  add_section(tree, "losses", losses_of(document));
  if (!document.losses.empty()) {
    for (const ObjectiveEntry& objective : document.objectives)
      objectives.push_back({objective.name, objective_of(objective)});
  }
  add_section(tree, "objectives", std::move(objectives));
  tree.push_back({"train", train_of(document.train)});
  for (const GenerateEntry& entry : document.generate) generate.push_back({entry.name, generate_of(entry)});
  add_section(tree, "generate", std::move(generate));
  OptionMap metrics;
  for (const MetricEntry& entry : document.metrics)
    metrics.push_back({entry.metric.type, entry.off ? OptionValue(false) : OptionValue(options_of(entry.metric))});
  add_section(tree, "metrics", std::move(metrics));
  return tree;
}

}  // namespace loom

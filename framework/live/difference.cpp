#include "live/difference.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace loom {
namespace {

constexpr std::size_t kMost = 6;

using Parts = std::vector<std::string>;

template <class Entries>
auto* named(const Entries& entries, const std::string& name) {
  const auto it = std::ranges::find(entries, name, [](const auto& entry) {
    if constexpr (requires { entry.path; })
      return entry.path;
    else
      return entry.name;
  });
  return it == entries.end() ? nullptr : &*it;
}

std::string text_of(const Schedule& schedule) {
  return schedule.kind == Schedule::Kind::constant ? fmt::format("{:g}", schedule.from) : "a schedule";
}

void compare(const std::string& what, const Schedule& before, const Schedule& after, Parts& parts) {
  if (before == after) return;
  const std::string now = text_of(after), was = text_of(before);
  parts.push_back(now == was ? what + " is another schedule" : fmt::format("{} is {} instead of {}", what, now, was));
}

std::string text_of(const std::map<std::string, OptionEntry>& options, const std::string& name) {
  const auto it = options.find(name);
  return it == options.end() ? "its default" : it->second.value.text();
}

std::string text_of(const InputEntry& input) {
  Parts sources;
  for (const Reference& source : input.sources)
    sources.push_back(source.port.empty() ? source.node : source.node + "." + source.port);
  return fmt::format("{}", fmt::join(sources, ", "));
}

std::map<std::string, std::string> inputs_of(const NodeEntry& node) {
  std::map<std::string, std::string> inputs;
  for (const InputEntry& input : node.inputs)
    inputs["in" + (input.port.empty() ? "" : "." + input.port)] = text_of(input);
  return inputs;
}

void compare(const NodeEntry& before, const NodeEntry& after, Parts& parts) {
  if (before.type != after.type) {
    parts.push_back(fmt::format("{} is {} instead of {}", after.path, after.type, before.type));
    return;
  }
  const auto inputs = inputs_of(after), old_inputs = inputs_of(before);
  for (const auto& [port, source] : inputs) {
    const auto old = old_inputs.find(port);
    if (old == old_inputs.end())
      parts.push_back(fmt::format("{}.{} is {}", after.path, port, source));
    else if (old->second != source)
      parts.push_back(fmt::format("{}.{} is {} instead of {}", after.path, port, source, old->second));
  }
  for (const auto& [port, source] : old_inputs) {
    if (!inputs.contains(port)) parts.push_back(fmt::format("{}.{} is not connected any more", after.path, port));
  }
  if (before.frozen != after.frozen) parts.push_back(after.path + (after.frozen ? " is frozen" : " is trained"));
  std::map<std::string, OptionEntry> all = after.options;
  all.insert(before.options.begin(), before.options.end());
  for (const auto& [name, option] : all) {
    const std::string now = text_of(after.options, name), was = text_of(before.options, name);
    if (now != was) parts.push_back(fmt::format("{}.{} is {} instead of {}", after.path, name, now, was));
  }
}

void compare_nodes(const Document& before, const Document& after, Parts& parts) {
  for (const NodeEntry& node : after.nodes) {
    const NodeEntry* old = named(before.nodes, node.path);
    if (old == nullptr)
      parts.push_back(fmt::format("{} ({}) is new", node.path, node.type));
    else
      compare(*old, node, parts);
  }
  for (const NodeEntry& node : before.nodes) {
    if (named(after.nodes, node.path) == nullptr) parts.push_back(node.path + " is gone");
  }
}

template <class Value>
void compare_values(const std::string& what, const Value& before, const Value& after, Parts& parts) {
  if (!(before == after)) parts.push_back(fmt::format("{} is {} instead of {}", what, after, before));
}

void compare_optimizers(const std::string& of, const OptimizerEntry& before, const OptimizerEntry& after,
                        Parts& parts) {
  compare("lr" + of, before.learning_rate, after.learning_rate, parts);
  if (before.type != after.type) {
    parts.push_back(fmt::format("the optimizer{} is {} instead of {}", of, after.type, before.type));
    return;
  }
  std::map<std::string, double> all = after.options;
  all.insert(before.options.begin(), before.options.end());
  const auto text = [](const OptimizerEntry& optimizer, const std::string& name) {
    const auto it = optimizer.options.find(name);
    return it == optimizer.options.end() ? std::string("its default") : fmt::format("{:g}", it->second);
  };
  for (const auto& [name, value] : all) compare_values(name + of, text(before, name), text(after, name), parts);
  compare_values("nesterov" + of, before.nesterov, after.nesterov, parts);
  compare_values("centered" + of, before.centered, after.centered, parts);
}

std::string text_of(const ConditionEntry& condition) {
  const std::string port = condition.port.empty() ? "" : "." + condition.port;
  return fmt::format("{}{} in ({:g}, {:g})", condition.loss, port, condition.above, condition.below);
}

void compare_objectives(const ObjectiveEntry& before, const ObjectiveEntry& after, Parts& parts) {
  const std::string path = "objectives." + after.name;
  const auto weight = [](const ObjectiveEntry& objective, const std::string& loss) {
    const auto it = std::ranges::find(objective.losses, loss, &std::pair<std::string, Schedule>::first);
    return it == objective.losses.end() ? nullptr : &it->second;
  };
  for (const auto& [loss, factor] : after.losses) {
    if (const Schedule* old = weight(before, loss))
      compare(fmt::format("{}.losses.{}", path, loss), *old, factor, parts);
    else
      parts.push_back(fmt::format("{} has {}", path, loss));
  }
  for (const auto& [loss, factor] : before.losses) {
    if (weight(after, loss) == nullptr) parts.push_back(fmt::format("{} has no {} any more", path, loss));
  }
  const auto conditions = [](const ObjectiveEntry& objective) {
    Parts texts;
    for (const ConditionEntry& condition : objective.only_if) texts.push_back(text_of(condition));
    return texts;
  };
  compare_values(path + ".parameters", before.parameters, after.parameters, parts);
  compare_values(path + ".only_if", conditions(before), conditions(after), parts);
  compare_values(path + ".every", before.every, after.every, parts);
  compare_values(path + ".until", before.until, after.until, parts);
}

void compare_train(const TrainEntry& before, const TrainEntry& after, Parts& parts) {
  const auto compare_one = [&](const char* name, auto TrainEntry::*field) {
    compare_values(fmt::format("train.{}", name), before.*field, after.*field, parts);
  };
  compare_one("steps", &TrainEntry::steps);
  compare_one("clip_norm", &TrainEntry::clip_norm);
  compare_one("average", &TrainEntry::average);
  compare_one("eval_every", &TrainEntry::eval_every);
  compare_one("eval_limit", &TrainEntry::eval_limit);
  compare_one("checkpoint_every", &TrainEntry::checkpoint_every);
  compare_one("keep", &TrainEntry::keep);
  compare_one("encoder_steps", &TrainEntry::encoder_steps);
  compare_one("encoder_until", &TrainEntry::encoder_until);
  compare_one("early_stopping", &TrainEntry::early_stopping);
  compare_one("spike_factor", &TrainEntry::spike_factor);
  compare_one("skip_limit", &TrainEntry::skip_limit);
  compare_one("reinitialise", &TrainEntry::reinitialise);
}

void compare_training(const Document& before, const Document& after, Parts& parts) {
  for (const LossEntry& loss : after.losses) {
    if (const LossEntry* old = named(before.losses, loss.name))
      compare(fmt::format("losses.{}.weight", loss.name), old->weight, loss.weight, parts);
  }
  const bool several = after.objectives.size() > 1;
  for (const ObjectiveEntry& objective : after.objectives) {
    const ObjectiveEntry* old = named(before.objectives, objective.name);
    if (old == nullptr) {
      parts.push_back(fmt::format("objective {} is new", objective.name));
      continue;
    }
    if (several) compare_objectives(*old, objective, parts);
    compare_optimizers(several ? " of " + objective.name : "", old->optimizer, objective.optimizer, parts);
  }
  for (const ObjectiveEntry& objective : before.objectives) {
    if (named(after.objectives, objective.name) == nullptr)
      parts.push_back(fmt::format("objective {} is gone", objective.name));
  }
  compare_train(before.train, after.train, parts);
}

}  // namespace

std::string difference(const Document& before, const Document& after) {
  Parts parts;
  compare_nodes(before, after, parts);
  compare_training(before, after, parts);
  if (parts.empty()) return "settings";
  if (parts.size() > kMost) {
    const std::string rest = fmt::format("{} more", parts.size() - kMost);
    parts.resize(kMost);
    parts.push_back(rest);
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace loom

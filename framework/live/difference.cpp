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

void compare(const NodeEntry& before, const NodeEntry& after, Parts& parts) {
  if (before.type != after.type) {
    parts.push_back(fmt::format("{} is {} instead of {}", after.path, after.type, before.type));
    return;
  }
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

void compare_training(const Document& before, const Document& after, Parts& parts) {
  for (const LossEntry& loss : after.losses) {
    if (const LossEntry* old = named(before.losses, loss.name))
      compare(fmt::format("losses.{}.weight", loss.name), old->weight, loss.weight, parts);
  }
  for (const ObjectiveEntry& objective : after.objectives) {
    const ObjectiveEntry* old = named(before.objectives, objective.name);
    if (old == nullptr) {
      parts.push_back(fmt::format("objective {} is new", objective.name));
      continue;
    }
    const OptimizerEntry &mine = objective.optimizer, &theirs = old->optimizer;
    const std::string of = after.objectives.size() > 1 ? fmt::format(" of {}", objective.name) : "";
    if (mine.type != theirs.type)
      parts.push_back(fmt::format("the optimizer{} is {} instead of {}", of, mine.type, theirs.type));
    compare("lr" + of, theirs.learning_rate, mine.learning_rate, parts);
  }
  if (before.train.steps != after.train.steps)
    parts.push_back(fmt::format("train.steps is {} instead of {}", after.train.steps, before.train.steps));
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

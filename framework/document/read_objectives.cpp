// Objectives: losses with their weights, parameters and conditions.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "core/pattern.h"
#include "document/sections.h"

namespace loom {
namespace {

constexpr double kLowest = std::numeric_limits<double>::lowest();

void read_terms(const Value& value, const std::vector<LossEntry>& losses, ObjectiveEntry& objective,
                Diagnostics& diagnostics) {
  std::vector<std::string> names;
  for (const LossEntry& loss : losses) names.push_back(loss.name);
  const auto add = [&](const std::string& name, const Location& where, ScheduleEntry weight) {
    for (const auto& [other, unused] : objective.losses) {
      if (other != name) continue;
      diagnostics.add(ErrorCode::duplicate_key, where, fmt::format("the loss '{}' is named twice", name)).expected =
          "each loss once, with a weight";
      return;
    }
    objective.losses.emplace_back(name, std::move(weight));
  };
  // A loss of several instances by its own name, or by a pattern.
  const auto add_all = [&](const std::string& pattern, const Location& where, const ScheduleEntry& weight) {
    bool any = false;
    for (const std::string& name : names) {
      if (!matches_pattern(pattern, name)) continue;
      add(name, where, weight);
      any = true;
    }
    if (!any) diagnostics.add_unknown_word(where, fmt::format("there is no loss '{}'", pattern), pattern, names);
  };
  if (value.is_map()) {
    for (const Member& member : value.members) {
      add_all(member.key, member.where, read_schedule(member.value, "the weight of '" + member.key + "'", diagnostics));
    }
  } else if (value.kind == Value::Kind::sequence) {
    for (const Value& item : value.items) {
      if (item.kind == Value::Kind::scalar)
        add_all(item.scalar, item.where, ScheduleEntry::constant(1));
      else
        wrong_type(item, "a loss of an objective", "the name of a loss; weights need a map: {name: weight}",
                   diagnostics);
    }
  } else if (!value.is_null()) {
    wrong_type(value, "losses", "a list of losses, or a map of losses and weights", diagnostics);
  }
}

void read_conditions(const Value& value, const std::vector<LossEntry>& losses, ObjectiveEntry& objective,
                     Diagnostics& diagnostics) {
  if (!value.is_map()) {
    wrong_type(value, "only_if", "a map of losses and bounds: {gan.real_loss: {above: 0.3}}", diagnostics);
    return;
  }
  std::vector<std::string> names;
  for (const LossEntry& loss : losses) names.push_back(loss.name);
  for (const Member& member : value.members) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    ConditionEntry condition{member.key.substr(0, member.key.find('.')), "", -kInfinity, kInfinity, member.where};
    if (condition.loss.size() < member.key.size()) condition.port = member.key.substr(condition.loss.size() + 1);
    if (std::find(names.begin(), names.end(), condition.loss) == names.end()) {
      diagnostics.add_unknown_word(member.where, fmt::format("there is no loss '{}'", condition.loss), condition.loss,
                                   names);
      continue;
    }
    Section bounds(member.value, fmt::format("the condition '{}'", member.key), diagnostics);
    bounds.read("above", condition.above, kLowest);
    bounds.read("below", condition.below, kLowest);
    if (member.value.is_map() && member.value.members.empty())
      diagnostics.add(ErrorCode::missing_key, member.where, fmt::format("'{}' has no bound", member.key)).expected =
          "above, below or both";
    bounds.finish();
    objective.only_if.push_back(std::move(condition));
  }
}

// `{except: [discriminator]}` is the list ["!discriminator"].
Value with_exclusions(const Value& patterns, const std::string& what, Diagnostics& diagnostics) {
  Section section(patterns, what, diagnostics);
  const Value except = section.required("except");
  section.finish();
  Value list;
  list.kind = Value::Kind::sequence;
  list.where = patterns.where;
  const bool several = except.kind == Value::Kind::sequence;
  for (Value item : several ? except.items : std::vector<Value>{except}) {
    if (item.kind == Value::Kind::scalar && !item.scalar.empty())
      list.items.push_back(std::move(item));
    else if (!item.is_null())
      wrong_type(item, what + ".except", "a pattern, or a list of these", diagnostics);
  }
  for (Value& item : list.items) item.scalar = "!" + item.scalar;
  return list;
}

// Every loss with the weight 1.
ObjectiveEntry main_objective(const std::vector<LossEntry>& losses, const OptimizerEntry& optimizer) {
  ObjectiveEntry main;
  main.optimizer = optimizer;
  if (!losses.empty()) main.where = losses.front().where;
  for (const LossEntry& loss : losses) main.losses.emplace_back(loss.name, ScheduleEntry::constant(1));
  return main;
}

ObjectiveEntry read_objective(Member member, const std::vector<LossEntry>& losses, const OptimizerEntry& optimizer,
                              Diagnostics& diagnostics) {
  ObjectiveEntry objective;
  objective.name = member.key;
  objective.where = member.where;
  objective.optimizer = optimizer;
  check_name(member.key, member.where, diagnostics);
  if (Value* patterns = member.value.find("parameters"); patterns != nullptr && patterns->is_map())
    *patterns = with_exclusions(*patterns, fmt::format("objective '{}'.parameters", member.key), diagnostics);
  Section entry(member.value, fmt::format("objective '{}'", member.key), diagnostics);
  const Value& terms = entry.required("losses");
  const std::size_t findings = diagnostics.size();
  read_terms(terms, losses, objective, diagnostics);
  if (objective.losses.empty() && !terms.is_null() && diagnostics.size() == findings) {
    diagnostics.add(ErrorCode::no_loss, terms.where, fmt::format("objective '{}' names no loss", member.key)).expected =
        "a list of losses, or a map of losses and weights";
  }
  objective_section().read(entry, objective);
  objective.parameter_places = places_of(entry.get("parameters"));
  if (const Value* conditions = entry.get("only_if")) read_conditions(*conditions, losses, objective, diagnostics);
  if (const Value* own = entry.get("optimizer")) objective.optimizer = read_optimizer(*own, diagnostics);
  entry.finish();
  return objective;
}

}  // namespace

std::vector<ObjectiveEntry> read_objectives(const Value* value, const std::vector<LossEntry>& losses,
                                            const OptimizerEntry& optimizer, Diagnostics& diagnostics) {
  if (value == nullptr) return {main_objective(losses, optimizer)};
  std::vector<ObjectiveEntry> objectives;
  Section section(*value, "objectives", diagnostics);
  for (const Member* member : section.rest())
    objectives.push_back(read_objective(*member, losses, optimizer, diagnostics));
  return objectives;
}

}  // namespace loom

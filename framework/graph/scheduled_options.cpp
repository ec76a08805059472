#include "graph/scheduled_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "graph/check_options.h"
#include "graph/graph.h"
#include "loom/shape_inference.h"

namespace loom {
namespace {

constexpr std::int64_t kFirstSteps = 1000;  // each of which is looked at, and then every power of two
constexpr int kMostDoublings = 38;

std::vector<std::int64_t> steps_looked_at() {
  std::vector<std::int64_t> steps;
  for (std::int64_t step = 0; step < kFirstSteps; ++step) steps.push_back(step);
  for (int doubling = 10; doubling <= kMostDoublings; ++doubling) steps.push_back(std::int64_t{1} << doubling);
  return steps;
}

bool takes_integer(const Constraint& c) { return c.integer_allowed && !c.number_allowed && c.map_form.empty(); }

bool is_meant_as_schedule(const OptionMap& map) {
  return find_member(map, "from") != nullptr || find_member(map, "type") != nullptr;
}

// {type: cosine, from: 1, ...} as the entry of a schedule.
ScheduleEntry schedule_of(const OptionMap& map, const OptionEntry& option) {
  ScheduleEntry entry;
  TypedEntry& schedule = entry.schedule;
  schedule.type = kDefaultSchedule;
  schedule.where = schedule.type_where = option.where;
  for (const OptionMember& member : map) {
    const auto place = option.members.find(member.name);
    const Location where = place == option.members.end() ? option.where : place->second;
    if (const auto* type = std::get_if<std::string>(&member.value); type != nullptr && member.name == "type") {
      schedule.type = *type;
      schedule.type_where = where;
    } else {
      schedule.options[member.name] = {member.value, where, where};
    }
  }
  return entry;
}

// Every value is one that the option accepts; the least and the greatest of them.
bool look_at_values(ScheduledOption& scheduled, const Constraint& accepts, const Location& where,
                    const std::string& what, Diagnostics& diagnostics) {
  scheduled.least = scheduled.greatest = scheduled.value.value(0);
  for (const std::int64_t step : steps_looked_at()) {
    const double value = scheduled.value.value(step);
    std::string problem;
    bool range = false;
    if (accepts.accept(OptionValue(value), problem, range).empty()) {
      Diagnostic& finding = diagnostics.add(ErrorCode::out_of_range, where, what + " is out of range");
      finding.got = fmt::format("{} at step {}", value, step);
      finding.expected = accepts.text();
      return false;
    }
    scheduled.least = std::min(scheduled.least, value);
    scheduled.greatest = std::max(scheduled.greatest, value);
  }
  return true;
}

struct Traits {
  bool whole_batch, whole_batch_in_training, pointwise, causal;
  bool operator==(const Traits&) const = default;
};

Traits traits_of(const Contract& contract, const Options& options) {
  return {contract.is_whole_batch(options, false), contract.is_whole_batch(options, true),
          contract.is_pointwise(options), contract.is_causal(options)};
}

void refuse(const ScheduledOption& option, const GraphNode& node, const NodeEntry& entry, const std::string& why,
            Diagnostics& diagnostics) {
  Diagnostic& finding = diagnostics.add(
      ErrorCode::wrong_type, entry.options.at(option.name).where,
      fmt::format("[{}] the option '{}' cannot follow a schedule: {}", node.type->name, option.name, why));
  finding.got = option.as_written.text();
  finding.expected = "a number that is the same in all steps";
}

// What the option changes besides numbers; "": nothing.
std::string changed_by(const GraphNode& node, const Options& options, const std::vector<std::optional<Shape>>& inputs) {
  if (!(traits_of(node.contract(), node.options) == traits_of(node.contract(), options)))
    return "it decides how the graph is computed";
  ShapeInference now(node.contract(), node.options, inputs), then(node.contract(), options, inputs);
  now.run(node.type->infer);
  then.run(node.type->infer);
  if (!now.problems().empty()) return "";  // reported for the node itself
  if (!then.problems().empty()) return "its values do not fit the shapes";
  const bool same = now.outputs() == then.outputs() && now.parameters() == then.parameters() &&
                    now.states() == then.states() && now.tallies() == then.tallies();
  return same ? "" : "it decides the shapes of the node";
}

}  // namespace

bool can_follow_schedule(const Constraint& accepts) {
  return accepts.number_allowed && accepts.scalar_allowed && accepts.map_form.empty();
}

std::vector<ScheduledOption> take_schedules(std::map<std::string, OptionEntry>& options, const Contract& contract,
                                            const std::string& what, const Registry& registry,
                                            Diagnostics& diagnostics) {
  std::vector<ScheduledOption> all;
  for (const OptionDeclaration& declared : contract.options()) {
    const auto it = options.find(declared.name);
    const auto* map = it == options.end() ? nullptr : std::get_if<OptionMap>(&it->second.value);
    if (map == nullptr) continue;
    OptionEntry& option = it->second;
    const std::string name = fmt::format("[{}] the option '{}'", what, declared.name);
    if (takes_integer(declared.constraint) && is_meant_as_schedule(*map)) {
      Diagnostic& finding = diagnostics.add(ErrorCode::wrong_type, option.where, name + " cannot follow a schedule");
      finding.got = option.value.text();
      finding.expected = declared.constraint.text();
      finding.hint = "an integer counts or sizes something, which is fixed before training";
      option.value = {};
    } else if (can_follow_schedule(declared.constraint)) {
      const std::size_t findings = diagnostics.size();
      ScheduledOption scheduled{declared.name, ScheduledValue(0), 0, 0, option.value};
      scheduled.value =
          make_schedule(registry, schedule_of(*map, option), fmt::format("{}.{}", what, declared.name), diagnostics);
      const bool good = diagnostics.size() == findings &&
                        look_at_values(scheduled, declared.constraint, option.where, name, diagnostics);
      option.value = good ? OptionValue(scheduled.value.value(0)) : OptionValue();
      if (good) all.push_back(std::move(scheduled));
    }
  }
  return all;
}

void check_schedules(const GraphNode& node, const NodeEntry& entry, const std::vector<std::optional<Shape>>& inputs,
                     Diagnostics& diagnostics) {
  for (const ScheduledOption& option : node.scheduled) {
    for (const double value : {option.least, option.greatest}) {
      std::map<std::string, OptionEntry> entries = entry.options;
      for (const ScheduledOption& other : node.scheduled) entries[other.name].value = other.value.value(0);
      entries[option.name].value = value;
      const std::size_t findings = diagnostics.size();
      const Options options = check_options(node.contract(), entries, entry.where, entry.type, diagnostics);
      if (diagnostics.size() > findings) break;
      const std::string why = changed_by(node, options, inputs);
      if (why.empty()) continue;
      refuse(option, node, entry, why, diagnostics);
      break;
    }
  }
}

}  // namespace loom
